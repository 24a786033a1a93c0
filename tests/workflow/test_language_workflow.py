"""Language models, from simulated families of RNA to what they add to structures, sites and loads."""

from __future__ import annotations

import copy
import re

import pandas as pd
import pytest
import yaml

from patience import run_patiently
from rnamarks.corpus.store import Corpus
from rnamarks.models.language_files import load_language
from rnamarks.sites.drops import Drops

pytestmark = pytest.mark.workflow

SHOWN = {"all", "collect_figures", "write_report", "draw_downstream"}


@pytest.fixture(scope="module")
def config(repository):
    """The demo's configuration, made small."""
    values = copy.deepcopy(yaml.safe_load((repository / "config" / "demo_language.yaml").read_text(encoding="utf-8")))
    values |= {"run": "tiny", "evaluation": {"bootstrap": 40}}
    values["simulation"]["sizes"] = {"families": 4, "members": 60, "seeds": 20, "unrelated": 40, "transcripts": 20}
    values["simulation"]["sizes"] |= {"utrs": 200, "donors": 160, "structures": 20}
    sizes = {"width": 16, "blocks": 1, "heads": 2}
    quick = {"batch_size": 16, "steps_per_epoch": 20, "epochs": 2, "learning_rate": 0.005, "validation_windows": 40}
    values["language_models"] = {
        "wide": {"sizes": sizes, "training": quick, "seeds": [1, 2]},
        "slim": {"sizes": sizes | {"width": 8}, "training": quick},
    }
    for entry in values["downstream"].values():
        entry |= {"models": ["wide"], "seeds": [1]}
        entry["training"] = {"epochs": 1, "batch_size": 16}
    values["downstream"]["structure"]["baselines"] = ["nearest"]
    values["downstream"]["donors"] |= {"ways": ["finetuned"], "baselines": ["one_hot"]}
    values["downstream"]["loads"] |= {"ways": ["frozen"], "baselines": ["kmer_ridge"]}
    return values


@pytest.fixture(scope="module")
def finished(new_project, config):
    project = new_project("language", config)
    project.run_well()
    return project


def table(finished, name: str) -> pd.DataFrame:
    return pd.read_csv(finished.results / name, sep="\t", keep_default_na=False)


def test_every_section_is_in_the_report(finished):
    files = set(table(finished, "figures.tsv")["file"])
    for name in ("perplexity", "families", "pretraining", "downstream_pairs", "downstream_labels", "downstream_values"):
        assert f"figures/{name}.svg" in files
    page = (finished.results / "report.html").read_text(encoding="utf-8")
    assert "figure-perplexity" in page
    assert "figure-window_counts" not in page


def test_nothing_is_left_to_do(finished):
    done = finished.run(options=["-n"])
    assert "Nothing to be done" in done.stdout + done.stderr


def test_sources_list_every_file_of_the_world_that_is_read(finished):
    sources = table(finished, "sources.tsv")
    named = set(sources["reference"].str.rpartition("/")[2])
    assert named == {
        *("seeds.sto.gz", "family_assignments.tsv.gz", "rna.fa.gz", "transcripts.fa.gz", "structures.csv.gz"),
        *("folds.csv.gz", "donors_train.jsonl.gz", "donors_test.jsonl.gz", "utrs.csv.gz"),
    }
    assert sources["sha256"].str.fullmatch("[0-9a-f]{64}").all()


def test_what_is_tested_is_not_in_the_corpus(finished):
    corpus = Corpus(finished.results / "corpus" / "corpus.lmdb")
    letters = "-----ACGU"
    known = {"".join(letters[token] for token in corpus[at]) for at in range(len(corpus)) if corpus[at].max() < 9}
    assert len(known) > 100
    for name in ("structure", "donors", "loads"):
        examples = pd.read_parquet(finished.results / "downstream" / f"{name}.examples.parquet")
        folds = examples.filter(like="fold_")
        tested = examples.loc[folds.isin(["test", "valid"]).any(axis=1), "sequence"]
        assert len(tested)
        assert not known & set(tested)
    judged = pd.read_parquet(finished.results / "corpus" / "judged.parquet")
    assert set(judged["set"]) == {"other_families"}
    assert not known & set(judged["sequence"])
    relatives = table(finished, "corpus/relatives.tsv")
    assert set(relatives["downstream"]) == {"structure", "donors", "loads", "other_families"}
    drops = Drops.read(finished.results / "evaluation" / "drops.tsv")
    assert drops.rows("kept", stage="corpus", subject="corpus") == len(corpus)


def test_each_model_is_judged_on_each_set(finished):
    perplexity = table(finished, "evaluation/perplexity.tsv")
    models = perplexity[perplexity["parameters"].astype(str) != ""]
    assert set(perplexity["set"]) == {"held", "other_families"}
    assert {("wide", 1), ("wide", 2), ("slim", 1)} <= set(zip(models["language"], models["seed"], strict=True))
    assert perplexity["perplexity"].between(1, 30).all()
    assert {"composition", "markov3"} <= set(perplexity["language"])


def test_each_predictor_answers_each_test_example_once(finished):
    found = 0
    for path in (finished.results / "downstream").glob("*/*/*/*/predictions.parquet"):
        downstream, fold = path.parts[-5], path.parts[-4]
        examples = pd.read_parquet(finished.results / "downstream" / f"{downstream}.examples.parquet")
        predictions = pd.read_parquet(path)
        for split in ("valid", "test"):
            wanted = examples.loc[examples[f"fold_{fold}"] == split, "example"]
            assert sorted(predictions.loc[predictions["split"] == split, "example"]) == sorted(wanted)
        found += 1
    # structure: two folds of three ways and a baseline; donors and loads: one way and a baseline
    assert found == 2 * 4 + 2 + 2
    metrics = table(finished, "evaluation/downstream.tsv")
    assert set(metrics["downstream"]) == {"structure", "donors", "loads"}
    assert {"f1", "auroc", "r2"} <= set(metrics["metric"])
    differences = table(finished, "evaluation/downstream_differences.tsv")
    pairs = {frozenset(pair) for pair in differences[["first", "second"]].itertuples(index=False, name=None)}
    assert {"wide_finetuned", "wide_scratch"} in pairs


def test_a_tuned_model_is_a_model_directory(finished):
    network, config = load_language(finished.results / "downstream/structure/seen/wide_finetuned/1")
    assert network.trunk.width == 16
    assert config.task_names == ["structure"]


@pytest.fixture
def jobs(finished):
    """Rules, and their numbers of jobs, that Snakemake would run with another configuration."""

    def planned(config) -> dict[str, int]:
        path = finished.folder / "changed.yaml"
        path.write_text(yaml.safe_dump(copy.deepcopy(config), sort_keys=False))
        done = run_patiently(
            finished.command([], "-n", configfile=path), cwd=finished.folder, env=finished.environment()
        )
        assert done.returncode == 0, done.stderr[-4000:]
        stats = re.search(r"^job +count\n-+ +-+\n((?:\w+ +\d+\n)+)", done.stdout + done.stderr, re.MULTILINE)
        counts = dict(line.split() for line in stats[1].splitlines()) if stats else {}
        return {rule: int(count) for rule, count in counts.items() if rule != "total"}

    return planned


def changed(config, downstream: str, **entry):
    values = copy.deepcopy(config)
    values["downstream"][downstream] |= entry
    return values


def test_one_more_baseline_is_fitted_and_compared_and_nothing_is_trained(jobs, config):
    found = jobs(changed(config, "donors", baselines=["one_hot", "composition"]))
    assert found["downstream_baseline"] == 1
    assert set(found) <= {"downstream_baseline", "evaluate_downstream", *SHOWN}


def test_a_change_of_tuning_tunes_again_and_does_not_pre_train(jobs, config):
    found = jobs(changed(config, "structure", training={"epochs": 2, "batch_size": 16}))
    assert found["finetune"] == 6
    assert set(found) <= {"finetune", "evaluate_downstream", "compare_structures", *SHOWN}


def test_a_change_of_the_control_alone_concerns_the_control(jobs, config):
    training = config["downstream"]["structure"]["training"] | {"scratch": {"epochs": 2}}
    assert jobs(changed(config, "structure", training=training))["finetune"] == 2


def test_one_more_model_is_trained_and_others_stay(jobs, config):
    values = copy.deepcopy(config)
    values["language_models"]["more"] = values["language_models"]["slim"]
    found = jobs(values)
    assert found["pretrain_language_model"] == 1
    assert not {"finetune", "build_corpus", "read_examples"} & set(found)
    assert found["judge_perplexity"] == 1


@pytest.mark.parametrize("change", [{"device": "cuda"}, {"checkpoints": ".elsewhere"}, {"training_threads": 2}])
def test_where_and_how_jobs_run_changes_no_result(jobs, config, change):
    assert jobs(config | {"resources": config["resources"] | change}) == {}
