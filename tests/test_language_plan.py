"""What a configuration about language models asks for, and what is said of one that does not fit together."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from rnamarks.analyses import Analyses
from rnamarks.configuration import Plan
from rnamarks.errors import InputError
from rnamarks.figures.catalogue import figures_of, tables_of
from rnamarks.figures.design import Design
from rnamarks.keys import with_defaults
from rnamarks.references import locate_reference
from rnamarks.run_files import drops_of, inputs_of, targets_of
from rnamarks.schema import check_config, placed

ROOT = Path(__file__).resolve().parents[1]
CONFIG = """
run: rna
corpus:
  sources:
    a: {files: [a.fa, b.fa]}
    own: {files: ["downstream:pairs"], format: examples}
  judged:
    other: {files: [c.sto], format: stockholm, families: f.tsv, part: val}
language_models:
  small: {sizes: {width: 16, blocks: 1, heads: 2}, training: {epochs: 7}, seeds: [1, 2]}
  giga: {checkpoint: giga.pt}
downstream:
  pairs:
    target: pairs
    format: archiveii
    files: {structures: s.csv, folds: f.csv}
    folds: [5s, srp]
    models: [small]
    baselines: [nearest]
    training: {epochs: 3, scratch: {epochs: 9}}
    seeds: [2, 3]
  sites: {target: label, format: splice_json, files: {train: t.json, test: u.json}, ways: [finetuned]}
  loads: {target: value, format: mrl_random, files: {random: r.csv}, models: [], baselines: [kmer_ridge]}
families: {downstream: pairs}
"""


@pytest.fixture(autouse=True)
def at_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def made(text: str = CONFIG) -> Analyses:
    return Analyses(Plan(with_defaults(check_config(yaml.safe_load(text)))))


def refusal(tmp_path: Path, old: str, new: str) -> str:
    """What is said of the configuration after a change; ``FILE`` stands for its path."""
    assert CONFIG.count(old) == 1
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG.replace(old, new))
    config = yaml.safe_load(file.read_text())
    with pytest.raises(InputError) as refused:
        made(file.read_text())
    return str(placed(refused.value, [file], config)).replace(str(file), "FILE")


def test_every_model_way_fold_and_seed_is_a_run_and_a_baseline_is_one_per_fold():
    language = made().plan.language
    found = {run.predictions.removeprefix("results/rna/downstream/") for run in language.runs}
    tuned = {
        f"pairs/{fold}/small_{way}/{seed}/predictions.parquet"
        for fold in ("5s", "srp")
        for way in ("finetuned", "frozen", "scratch")
        for seed in (2, 3)
    }
    alone = {f"pairs/{fold}/nearest/0/predictions.parquet" for fold in ("5s", "srp")}
    # a role test makes the published split the default, else it is the guarded one
    labels = {f"sites/given/{model}_finetuned/1/predictions.parquet" for model in ("small", "giga")}
    assert found == tuned | alone | labels | {"loads/guarded/kmer_ridge/0/predictions.parquet"}
    assert len(language.runs) == len(found)


def test_a_tuning_begins_with_the_pretraining_of_its_seed_or_the_first():
    language = made().plan.language
    assert [one.weights for one in language.pretrainings] == [
        "results/rna/language/small/1/weights.safetensors",
        "results/rna/language/small/2/weights.safetensors",
        "results/rna/language/giga/0/weights.safetensors",
    ]
    assert [language.pretraining("small", seed).seed for seed in (1, 2, 3)] == [1, 2, 1]
    assert language.pretraining("giga", 2).seed == 0
    assert [one.record() for one in language.shown()] == [
        {"language": "small", "seed": 1},
        {"language": "giga", "seed": 0},
    ]


def test_settings_of_one_way_concern_no_other():
    language = made().plan.language
    assert language.training_of("pairs", "scratch") == {"epochs": 9}
    assert language.training_of("pairs", "untrained") == language.training_of("pairs", "frozen")
    assert language.training_of("pairs", "frozen") == {"epochs": 3}
    reading = language.reading("pairs")
    assert reading == {"target": "pairs", "format": "archiveii", "folds": ["5s", "srp"]}
    changed = CONFIG.replace(
        "format: mrl_random, files: {random: r.csv}", "format: mrl_varying, files: {library: r}, reads: 7"
    )
    assert made(changed).plan.language.reading("loads")["reads"] == 7


def test_every_file_that_is_named_is_an_input_once_and_examples_of_the_run_are_none():
    analyses = made()
    found = {(one.role, one.subject, one.reference) for one in inputs_of(analyses)}
    assert found == {
        ("corpus", "a", "a.fa"),
        ("corpus", "a", "b.fa"),
        ("judged", "other", "c.sto"),
        ("judged", "other", "f.tsv"),
        ("examples", "pairs", "s.csv"),
        ("examples", "pairs", "f.csv"),
        ("examples", "sites", "t.json"),
        ("examples", "sites", "u.json"),
        ("examples", "loads", "r.csv"),
        ("checkpoint", "giga", "giga.pt"),
    }
    assert locate_reference(analyses.plan, "downstream:pairs", {}) == "results/rna/downstream/pairs.examples.parquet"
    assert set(drops_of(analyses)) == {
        "results/rna/corpus/drops.tsv",
        *(f"results/rna/downstream/{name}.drops.tsv" for name in ("pairs", "sites", "loads")),
    }


def test_a_set_may_be_called_like_the_families_of_another():
    changed = CONFIG.replace("  judged:\n", "  judged:\n    other_families: {files: [y.fa]}\n")
    files = made(changed).plan.language.rna_files("judged")
    assert sorted(files.values()) == [["c.sto"], ["f.tsv"], ["y.fa"]]


def test_examples_rest_on_the_code_that_reads_their_format():
    language = made(
        CONFIG.replace("format: splice_json, files: {train: t.json, test: u.json}", "format: eie, files: {donor: d}")
    ).plan.language
    names = {name: language.reader_of(name).name for name in language.downstream}
    assert names == {"pairs": "formats.py", "sites": "splice_fragments.py", "loads": "formats.py"}


def test_a_run_of_language_models_needs_no_species_and_shows_nothing_of_sites():
    analyses = made()
    assert analyses.plan.tasks == {}
    assert analyses.plan.runs == []
    wanted = {"report.html", "corpus/relatives.tsv", "evaluation/perplexity.tsv", "evaluation/downstream.tsv"}
    assert {f"results/rna/{name}" for name in wanted} <= set(targets_of(analyses))
    design = Design.from_plan(analyses.plan)
    figures = set(figures_of(design))
    assert {"perplexity", "families", "downstream_pairs", "downstream_labels", "downstream_values"} <= figures
    assert not figures & {"window_counts", "leaks", "roc_curves", "pr_curves", "reliability"}
    assert not {"metrics", "counts", "leaks"} & set(tables_of(design))


def test_released_weights_alone_need_no_corpus():
    config = yaml.safe_load(CONFIG)
    del config["corpus"], config["language_models"]["small"]
    config["downstream"] = {"sites": config["downstream"]["sites"]}
    config["families"] = {"downstream": "sites"}
    plan = made(yaml.safe_dump(config)).plan
    assert "corpus" not in plan.offers
    assert {"language", "downstream", "labels", "families"} <= set(plan.offers)
    assert "pretrained" not in plan.offers


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("models: [small]", "models: [smal]", "downstream names an unknown language model (found 'smal')"),
        ("baselines: [nearest]", "baselines: [nearest, one_hot]", "one_hot answers label and value alone"),
        ("width: 16, blocks: 1, heads: 2", "width: 15, blocks: 1, heads: 2", "heads cannot share the width"),
        ("training: {epochs: 7}", "training: {epochs: 0}", "language_models.small.training.epochs is not"),
        ("{checkpoint: giga.pt}", "{checkpoint: giga.pt, size: giga}", "language_models.giga is a released"),
        ("{checkpoint: giga.pt}", "{training: {epochs: 2}}", "language_models.giga has no size"),
        ("scratch: {epochs: 9}", "scratch: {epochs: x}", "downstream.pairs.training.scratch.epochs is not"),
        ("{downstream: pairs}", "{downstream: pair}", "families names an unknown downstream task (found 'pair')"),
        ('"downstream:pairs"', '"downstream:pair"', "corpus names an unknown downstream task (found 'pair')"),
        (", part: val", "", "corpus.judged.other needs families and part together"),
        ("    other:", "    own:", "a judged set has the name of a source"),
        ("models: [], baselines: [kmer_ridge]", "models: []", "downstream.loads asks for no model and no baseline"),
        ("format: splice_json,", "format: splice_json, head: {labels: 3},", "the labels follow from the examples"),
        (
            "format: splice_json,",
            "format: splice_json, head: {hiden: 3},",
            "there is no setting downstream.sites.head.",
        ),
    ],
)
def test_names_that_do_not_fit_are_refused_with_their_line(tmp_path, old, new, said):
    line = CONFIG[: CONFIG.index(old)].count("\n") + 1
    told = refusal(tmp_path, old, new)
    assert told.startswith(f"FILE:{line}: ")
    assert said in told


def test_a_run_without_species_and_language_models_is_refused():
    with pytest.raises(InputError, match=r"neither species nor language models; give species .*, or language_models"):
        made("run: x\n")
    config = yaml.safe_load(CONFIG)
    del config["corpus"]
    with pytest.raises(InputError, match=r"language_models\.small has nothing to learn from; add a section corpus"):
        made(yaml.safe_dump({**copy.deepcopy(config), "families": None} | {"families": {"downstream": "pairs"}}))
