"""From the raw files of a simulated world to the report, and what has to hold on the way."""

from __future__ import annotations

import copy
import gzip
import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu

from rnamarks.dictionary import column_names
from rnamarks.evaluation.bootstrap import interval, resampled_metrics
from rnamarks.models.checkpoint import load_model
from rnamarks.prediction.bedrmod_check import check_bedrmod
from rnamarks.prediction.held_out import predict_held_out
from rnamarks.tables import read_parquet, read_tsv
from rnamarks_simulation.parameters import WorldParameters

pytestmark = pytest.mark.workflow

# Files whose bytes two runs of one configuration on a CPU need not share; every other file of the two is equal.
VARYING = (
    "models/*/*/*/*/history.tsv",  # seconds per round
    "training/histories.tsv",  # the same
    "report.html",  # quotes them, and when it was made
    "run.json",  # quotes the command, with its paths
)


def pooled_auroc(project, stem: str) -> tuple[float, float, float]:
    """AUROC of the test windows of all species together, and its 95 % interval."""
    frame, _ = read_parquet(project.results / "predictions" / f"{stem}.parquet", ["split", "label", "logit"])
    test = frame[frame["split"] == "test"]
    values, draws = resampled_metrics(test["label"].to_numpy(dtype=bool), test["logit"].to_numpy()[None], n=500)
    return float(np.squeeze(values["auroc"])), *interval(np.squeeze(draws["auroc"]))


def test_everything_asked_for_is_there(finished):
    page = (finished.results / "report.html").read_text()
    figures, _ = read_tsv(finished.results / "figures.tsv")
    assert list(figures.columns) == ["figure", "panel", "file", "table", "caption"]
    named = {name for column in ("file", "table") for name in figures[column].dropna()}
    assert "evaluation/metrics.tsv" in named
    assert not [name for name in named if not (finished.results / name).stat().st_size]
    assert figures["caption"].str.len().min() > 30
    assert "<html" in page
    assert page.count("<svg") >= figures["file"].str.endswith(".svg").groupby(figures["file"]).any().sum()


def test_the_report_asks_nothing_of_the_network(finished):
    page = (finished.results / "report.html").read_text()
    assert "<script src" not in page
    assert "<link" not in page.replace('<link rel="icon" href="data:', "")
    assert 'src="http' not in page


def test_the_model_directory_is_whole(finished):
    folder = finished.results / "model"
    model, config = load_model(folder)
    assert config.task_names == ["human", "chimp", "mouse"]
    assert config.members == 2
    assert set(config.calibration) == set(config.task_names)
    assert not model.training
    stated = json.loads((folder / "config.json").read_text())
    assert hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest() in json.dumps(stated)
    card = (folder / "card.md").read_text()
    for sign in ("nan", "None", "{{", "}}", "{%", "inf "):
        assert sign not in card, f"{sign!r} stands in the model card"
    assert all(name in card for name in config.task_names)


def test_the_released_stack_gives_the_predictions_that_were_evaluated(finished):
    """The ensemble of the stack, scored anew from the model directory, on every window and from all species."""
    model, _ = load_model(finished.results / "model")
    seeds = [
        read_parquet(finished.results / "predictions" / "stacked" / "species3" / "paper" / f"{seed}.parquet")[0]
        for seed in (1, 2)
    ]
    expected = seeds[0].assign(logit=np.mean([frame["logit"] for frame in seeds], axis=0))
    paths = {name: finished.results / "datasets" / f"{name}.split.parquet" for name in ("human", "chimp", "mouse")}
    found = predict_held_out(model, paths, "paper")
    pd.testing.assert_frame_equal(found.drop(columns="logit"), expected.drop(columns="logit"))
    np.testing.assert_allclose(found["logit"], expected["logit"], atol=1e-5)
    weights, _ = read_tsv(finished.results / "models" / "stacked" / "species3" / "paper" / "weights.tsv")
    assert weights["member"].tolist() == ["mass", "kmer_logistic"] * 3
    assert weights["weight"].min() >= 0
    assert weights["weight"].max() > 0


def test_nothing_is_left_to_do(finished):
    done = finished.run_well(options=["-n"])
    assert "Nothing to be done" in done.stdout + done.stderr


def test_what_was_planted_comes_out_in_the_windows(finished):
    truth, _ = read_parquet(finished.folder / "resources" / "tiny" / "truth.parquet")
    for species, planted in truth.groupby("species"):
        windows, _ = read_parquet(finished.results / "datasets" / f"{species}.windows.parquet")
        key = ["chrom", "genome_start", "strand"]
        both = windows.merge(planted[[*key, "label", "gene"]], on=key, how="left", suffixes=("", "_planted"))
        assert both["label_planted"].notna().all()
        assert (both["label"] == both["label_planted"]).all()
        assert (both["gene"] == both["gene_planted"]).all()
        # a site that two isoforms or two genes carry is one window
        assert both["label"].sum() == len(planted.loc[planted["label"] == 1, key].drop_duplicates())
        assert windows["sequence"].str.len().eq(51).all()
        assert windows["sequence"].str[25].eq("A").all()


def test_every_trap_is_counted(finished, tiny_config):
    drops, _ = read_tsv(finished.results / "evaluation" / "drops.tsv")
    reasons = (
        "no A in the middle of the row's sequence",
        "duplicate position",
        "chromosome not in the genome",
        "not on a transcript",
    )
    for reason in reasons:
        counted = drops[(drops["reason"] == reason) & (drops["source"] == "rmbase")].groupby("subject")["rows"].sum()
        assert (counted.reindex(tiny_config["species"]) == WorldParameters.traps).all(), reason
    counted = drops[~drops["reason"].str.startswith("note:")].groupby(["stage", "subject", "source"])["reason"]
    assert counted.apply(lambda reasons: "kept" in set(reasons)).all()


def test_models_and_baselines_find_what_was_planted(finished):
    stacks = ("stacked/species3/paper/1", "stacked/species3/paper/2")
    for stem in ("mass/species3/paper/1", "mass/species3/paper/2", "kmer_logistic/single/paper/0", *stacks):
        value, low, _ = pooled_auroc(finished, stem)
        assert low > 0.5, f"{stem}: {value:.3f} from {low:.3f}"
    assert pooled_auroc(finished, "prevalence/single/paper/0")[0] == 0.5


def test_the_metrics_say_what_the_predictions_say(finished):
    metrics, _ = read_tsv(finished.results / "evaluation" / "metrics.tsv", dtype={"seed": str})
    assert list(metrics.columns) == column_names("metrics")
    frame, _ = read_parquet(finished.results / "predictions" / "mass/species3/paper/1.parquet")
    test = frame[(frame["split"] == "test") & (frame["task"] == "mouse")]
    positive = test["label"] == 1
    ranks = mannwhitneyu(test.loc[positive, "logit"], test.loc[~positive, "logit"]).statistic
    row = metrics.query("model == 'mass' and task == 'mouse' and seed == '1' and split == 'test' and against == 'own'")
    row = row[row["metric"] == "auroc"].iloc[0]
    assert row["value"] == pytest.approx(ranks / (positive.sum() * (~positive).sum()))
    assert row["low"] < row["value"] < row["high"]
    assert (row["n_positive"], row["n_negative"]) == (positive.sum(), (~positive).sum())
    assert {"mean", "ensemble"} <= set(metrics.loc[metrics["model"] == "mass", "seed"])


def test_every_site_of_every_transcript_is_scored_and_exported(finished):
    folder = finished.results / "transcriptome" / "human"
    sites, _ = read_parquet(folder / "human.multi.sites.parquet")
    transcripts, _ = read_parquet(finished.results / "sites" / "human.transcripts.parquet")
    motif = re.compile("(?=[AGU][AG]AC[ACU])")
    assert len(sites) == sum(len(motif.findall(text)) for text in transcripts["sequence"])
    windows, _ = read_parquet(finished.results / "datasets" / "human.windows.parquet")
    scored = sites.set_index(["sequence", "start"])["kmer"]
    assert all(
        scored[row.transcript, row.start] == row.sequence[23:28]
        for row in windows.sample(200, random_state=1).itertuples()
    )
    report = check_bedrmod(folder / "human.multi.bedrmod")
    assert not report.faults
    assert report.sites == len(sites[sites["probability"] > 0.3].drop_duplicates(["chrom", "genome_start", "strand"]))
    genes, _ = read_tsv(folder / "human.multi.genes.tsv")
    assert genes["gene"].is_unique


def test_capacity_is_held_against_every_table(finished):
    tests, _ = read_tsv(finished.results / "biology" / "regulation.tsv")
    assert set(tests["kind"]) == {"expression", "half_life", "translation", "structure", "peaks"}
    assert tests["p"].between(0, 1).all()
    matches, _ = read_tsv(finished.results / "biology" / "regulation_matches.tsv")
    assert (matches["fraction"] > 0.8).all()
    capacity, _ = read_tsv(finished.results / "biology" / "capacity.tsv")
    assert set(capacity["transcripts"]) == {"human", "chimp", "mouse"}


def test_the_null_world_holds_nothing(finished, new_project, tiny_config):
    """Over all models, schemes and species no p value against AUROC 0.5 is below 0.01 / (number of comparisons)."""
    config = copy.deepcopy(tiny_config)
    config["null_world"] = True
    config["trainings"][0]["seeds"] = [1]
    project = new_project("null", config)
    project.run_well("results/tiny_null/evaluation/metrics.tsv")
    chances = []
    for file in sorted((project.folder / "results/tiny_null/predictions").rglob("*.parquet")):
        frame, _ = read_parquet(file)
        test = frame[frame["split"] == "test"]
        for task, part in [*test.groupby("task"), ("all", test)]:
            positive = part["label"] == 1
            chance = mannwhitneyu(part.loc[positive, "logit"], part.loc[~positive, "logit"]).pvalue
            chances.append((chance, str(file), task))
    assert len(chances) == 6 * 4
    assert min(chances)[0] > 0.01 / len(chances), min(chances)
    # the same rule finds the planted signal
    frame, _ = read_parquet(finished.results / "predictions" / "mass/species3/paper/1.parquet")
    test = frame[frame["split"] == "test"]
    found = mannwhitneyu(test.loc[test["label"] == 1, "logit"], test.loc[test["label"] == 0, "logit"]).pvalue
    assert found < 0.01 / len(chances)


def test_a_killed_run_ends_like_one_that_was_not(finished, new_project, tiny_config):
    """Also what two runs of one configuration share: everything but the files of VARYING."""
    project = new_project("killed", tiny_config)
    models = [f"results/tiny/models/mass/species3/paper/{seed}/weights.safetensors" for seed in (1, 2)]
    project.run_well("results/tiny/datasets/leaks.tsv")

    def has_passed_an_epoch() -> bool:
        return any((project.folder / ".checkpoints").glob("*/last.ckpt"))

    project.kill_when(has_passed_an_epoch, models[0])
    assert not (project.folder / models[0]).exists()
    kept = {file: file.stat().st_mtime_ns for file in (project.results / "datasets").iterdir()}
    done = project.run_well(*models)
    assert "seed 1: epoch 1/" not in done.stderr, "the training began anew"
    assert "seed 2: epoch 1/" in done.stderr
    assert kept == {file: file.stat().st_mtime_ns for file in kept}
    different = []
    for file in sorted(path for path in project.results.rglob("*") if path.is_file()):
        name = file.relative_to(project.results)
        same = file.read_bytes() == (finished.results / name).read_bytes()
        if not same and not any(name.match(pattern) for pattern in VARYING):
            different.append(str(name))
    assert not different
    assert all((project.folder / model).read_bytes() == (finished.folder / model).read_bytes() for model in models)
    for file in sorted((project.folder / "resources" / "tiny").iterdir()):
        assert file.read_bytes() == (finished.folder / "resources" / "tiny" / file.name).read_bytes(), file.name


def write_windows(folder: Path, windows: pd.DataFrame) -> dict[str, dict]:
    """Ready-made windows in several dresses: entries for ``species`` in a configuration."""
    positive, negative = (windows.loc[windows["label"] == label, "sequence"].tolist() for label in (1, 0))
    folder.mkdir()
    (folder / "pos.txt.gz").write_bytes(gzip.compress("\r\n".join(positive).encode()))
    (folder / "neg.txt").write_text("\ufeff" + "\n".join(text.lower().replace("u", "t") for text in negative))
    splits = {"train": slice(None, 80), "valid": slice(80, 95), "test": slice(95, None)}
    signed = {}
    for split, rows in splits.items():
        lines = [f">+{split}{i}\n{text}\n" for i, text in enumerate(positive[rows])]
        lines += [f">-{split}{i}\n{text.replace('U', 'T')}\n" for i, text in enumerate(negative[rows])]
        (folder / f"{split}.fa").write_text("".join(lines))
        signed[split] = {"labelled": str(folder / f"{split}.fa")}
    return {
        "yak": {"windows": {"all": {"positives": str(folder / "pos.txt.gz"), "negatives": str(folder / "neg.txt")}}},
        "goat": {"windows": {"format": "fasta_signed", **signed}},
    }


def test_own_windows_and_own_raw_files(finished, new_project):
    """A species from BED, FASTA and GTF beside two from window files, no tree, no orthologues, no sheet entry."""
    windows, _ = read_parquet(finished.results / "datasets" / "human.windows.parquet")
    truth, _ = read_parquet(finished.folder / "resources" / "tiny" / "truth.parquet")
    world = finished.folder / "resources" / "tiny"
    project = new_project("own", {"run": "tiny", "species": {}})
    own = project.folder / "own"
    species = write_windows(own, windows)
    genome = gzip.decompress((world / "mouse.genome.fa.gz").read_bytes()).decode()
    (own / "genome.fa").write_text(
        "".join(line if line[0] == ">" else line.lower() for line in genome.splitlines(True))
    )
    shutil.copy(world / "mouse.annotation.gtf.gz", own)
    planted = truth[(truth["species"] == "mouse") & (truth["label"] == 1)]
    bed = [
        f"{row.chrom.removeprefix('chr')}\t{row.genome_start}\t{row.genome_start + 1}\tx\t0\t{row.strand}"
        for row in planted.itertuples()
    ]
    (own / "sites.bed").write_text("track name=mine\r\n" + "\r\n".join(bed) + "\r\n")
    species["lemming"] = {
        "assembly": "mine1",
        "genome": "own/genome.fa",
        "annotation": "own/mouse.annotation.gtf.gz",
        "sites": [{"table": "own/sites.bed", "format": "bed", "name": "mine"}],
    }
    config = {
        "run": "tiny",
        "window": 51,
        "negatives_per_positive": 4,
        "species": species,
        "baselines": ["kmer_frequency"],
        "evaluation": {"bootstrap": 50},
    }
    (project.folder / "tiny.yaml").write_text(json.dumps(config))
    project.run_well("results/tiny/evaluation/metrics.tsv", "results/tiny/evaluation/drops.tsv")
    metrics, _ = read_tsv(project.results / "evaluation" / "metrics.tsv")
    assert set(metrics["task"]) == {"yak", "goat", "lemming"}
    both = {}
    for name in species:
        both[name], _ = read_parquet(project.results / "datasets" / f"{name}.split.parquet")
    expected = windows[["sequence", "label"]].sort_values(["label", "sequence"]).to_numpy().tolist()
    for name in ("yak", "goat"):
        found = both[name][["sequence", "label"]].sort_values(["label", "sequence"]).to_numpy().tolist()
        assert found == expected, name
    given = both["goat"]
    assert (given.loc[given["paper"] != "", "paper"] == given.loc[given["paper"] != "", "given"]).all()
    reference, _ = read_parquet(finished.results / "datasets" / "mouse.windows.parquet")
    key = ["chrom", "genome_start", "strand", "label"]
    assert (
        both["lemming"].loc[both["lemming"]["label"] == 1, key].to_numpy().tolist()
        == reference.loc[reference["label"] == 1, key].to_numpy().tolist()
    )
