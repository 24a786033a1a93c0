"""The commands score, evaluate and info, run as a user runs them."""

from __future__ import annotations

import gzip
import io
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import expit
from sklearn.metrics import average_precision_score, roc_auc_score

import command_line
from command_line import DRACH, SMALL, run
from rnamarks.models.baseline_files import stack_arrays
from rnamarks.models.baselines import BASELINES
from rnamarks.models.checkpoint import load_model, save_model
from rnamarks.models.directory import CARD, ModelConfig, read_members, write_model
from rnamarks.models.registry import build_model
from rnamarks.sequences import encode_windows
from rnamarks.tasks import Task


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return command_line.build(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def stack(model, tmp_path_factory):
    """The model stacked with boosted trees."""
    folder = tmp_path_factory.mktemp("stack")
    codes = np.random.default_rng(1).integers(0, 5, (80, 21)).astype(np.uint8)
    trees = BASELINES["kmer_blend"](longest=2, reach=3, trees=4).fit(codes, np.tile([0, 1], 40))
    states, config = read_members(model)
    weights = {task: {"net": 0.5, "kmer_blend": 0.75} for task in config.task_names}
    config.stack = {"network": "net", "weights": weights, "baselines": {"kmer_blend": trees.hyperparameters()}}
    write_model(folder, states, config, stack_arrays({"kmer_blend": dict.fromkeys(config.task_names, trees)}))
    return folder


@pytest.fixture(scope="module")
def sequences():
    return command_line.windows()


def test_score_is_the_same_for_every_dress_and_batch(model, sequences, tmp_path):
    plain = tmp_path / "windows.txt"
    plain.write_text("\n".join(sequences) + "\n")
    fasta = tmp_path / "windows.fa.gz"
    dna = "".join(f">w{i} note\r\n{s.lower().replace('u', 't')}\r\n" for i, s in enumerate(sequences))
    fasta.write_bytes(gzip.compress(dna.encode()))
    tables = []
    for path, batch in ((plain, 1), (plain, 64), (fasta, 7)):
        out = tmp_path / "scores.tsv"
        done = run("score", "--model", model, "--task", "human", path, "--out", out, "--batch-size", batch)
        assert done.returncode == 0, done.stderr
        tables.append(pd.read_csv(out, sep="\t"))
    assert list(tables[0].columns) == ["name", "length", "logit", "probability"]
    assert tables[2]["name"].tolist()[:2] == ["w0", "w1"]
    assert tables[0]["name"].tolist()[:2] == ["line1", "line2"]
    for table in tables[1:]:
        np.testing.assert_allclose(table["logit"], tables[0]["logit"], atol=1e-5)
        np.testing.assert_allclose(table["probability"], tables[0]["probability"], atol=1e-5)
    expected = expit(1.2 * (tables[0]["logit"] + np.log(0.1 / 0.9)) + 0.1)
    np.testing.assert_allclose(tables[0]["probability"], expected, atol=1e-5)


def test_a_stack_is_scored_like_any_model(stack, sequences, tmp_path):
    windows = tmp_path / "windows.txt"
    windows.write_text("\n".join(sequences) + "\nUUGGACUUU\n")
    tables = []
    for batch in (1, 64):
        done = run("score", "--model", stack, "--task", "human", windows, "--batch-size", batch)
        assert done.returncode == 0, done.stderr
        tables.append(pd.read_csv(io.StringIO(done.stdout), sep="\t"))
    for column in ("logit", "probability"):
        np.testing.assert_allclose(tables[0][column], tables[1][column], atol=1e-5)
    loaded, _ = load_model(stack)
    codes = encode_windows(sequences)
    with torch.inference_mode():
        networks = loaded.networks(torch.from_numpy(codes), "human").numpy()
    trees = loaded.baselines["kmer_blend"]["human"].logit(codes)
    np.testing.assert_allclose(tables[0]["logit"][:40], 0.5 * networks + 0.75 * trees, atol=1e-5)
    done = run("evaluate", "--model", stack, "--task", "human", "--positives", windows, "--negatives", windows)
    assert done.returncode == 0, done.stderr
    assert pd.read_csv(io.StringIO(done.stdout), sep="\t").set_index("metric").at["auroc", "value"] == 0.5


def test_a_stack_without_xgboost_is_one_line_and_exit_code_2(stack, sequences, tmp_path, monkeypatch):
    windows = tmp_path / "windows.txt"
    windows.write_text("\n".join(sequences) + "\n")
    # what sys.modules holds as None cannot be imported
    monkeypatch.setitem(sys.modules, "xgboost", None)
    done = run("score", "--model", stack, "--task", "human", windows)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "needs xgboost, which is not installed; install it" in done.stderr


def test_other_lengths_are_announced(model, tmp_path):
    path = tmp_path / "windows.txt"
    path.write_text("AAGGACUUA\n" + "C" * 15 + "GGACU" + "A" * 15 + "\n" + "A" * 21 + "\n")
    done = run("score", "--model", model, "--task", "human", path)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 4
    assert "1 windows are shorter than 21 nt and were padded" in done.stderr
    assert "1 windows are longer than 21 nt" in done.stderr


def test_a_model_is_asked_about_its_own_base_and_motif_alone(model, sequences, tmp_path):
    path = tmp_path / "windows.txt"
    path.write_text("\n".join([sequences[0], sequences[0][:10] + "C" + sequences[0][11:], "A" * 21]) + "\n")
    done = run("score", "--model", model, "--task", "human", path)
    assert done.returncode == 0
    table = pd.read_csv(io.StringIO(done.stdout), sep="\t")
    assert table[["logit", "probability"]].isna().all(axis=1).tolist() == [False, True, True]
    assert "2 windows do not have DRACH, its letter 3 in the middle, which human is about: no value" in done.stderr
    out = tmp_path / "metrics.tsv"
    done = run("evaluate", "--model", model, "--task", "human", "--positives", path, "--negatives", path, "--out", out)
    assert done.returncode == 0
    assert pd.read_csv(out, sep="\t").loc[0, ["n_positive", "n_negative"]].tolist() == [1, 1]


def test_info_lists_what_a_model_is_and_can_do(model, tmp_path):
    done = run("info", model)
    assert done.returncode == 0, done.stderr
    lines = dict(line.split("\t", 1) for line in done.stdout.splitlines() if "\t" in line)
    assert lines["window"].startswith("21 nt")
    assert "no fast mode" in lines["modes"]
    assert "rnamarks null" in lines["p, q"]
    assert lines["attention"] == "no"
    assert lines["human"] == "human\tm6A\tA\tDRACH\t3\t0.1\tno\tno"
    assert lines["mouse"].split("\t")[5] == "no"
    (model / CARD).write_text("# x\n\n## Trained on\n\n| a |\n\n## Settings\n\nb\n\n## Test split of it\n\n| c |\n")
    shown = run("info", model).stdout
    (model / CARD).write_bytes(b"\xff")
    assert "not UTF-8 text" in run("info", model).stderr
    (model / CARD).unlink()
    assert "| a |" in shown
    assert "| c |" in shown
    assert "Settings" not in shown
    assert run("info", tmp_path).returncode == 2


def test_the_only_task_need_not_be_named(model, sequences, tmp_path):
    path = tmp_path / "w.txt"
    path.write_text("\n".join(sequences) + "\n")
    done = run("score", "--model", model, path)
    assert done.returncode == 2
    assert "choose one of human, mouse" in done.stderr
    torch.manual_seed(0)
    network = build_model("mass", ["human"], 21, SMALL)
    save_model(tmp_path / "one", [network.state_dict()], ModelConfig("mass", [Task("human", **DRACH)], 21, SMALL))
    assert run("score", "--model", tmp_path / "one", path).returncode == 0


def test_evaluate_agrees_with_scikit_learn(model, sequences, tmp_path):
    positives, negatives = tmp_path / "positives.fa", tmp_path / "negatives.txt"
    positives.write_text("".join(f">p{i}\n{s}\n" for i, s in enumerate(sequences[:15])))
    negatives.write_text("\n".join(sequences[15:]))
    out = tmp_path / "metrics.tsv"
    done = run(
        "evaluate",
        "--model",
        model,
        "--task",
        "human",
        "--positives",
        positives,
        "--negatives",
        negatives,
        "--out",
        out,
    )
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(out, sep="\t").set_index("metric")
    scores = [pd.read_csv(_score(model, path, tmp_path), sep="\t")["logit"] for path in (positives, negatives)]
    labels, logits = np.repeat([1, 0], [15, 25]), np.concatenate(scores)
    assert table.at["auroc", "value"] == pytest.approx(roc_auc_score(labels, logits), abs=1e-6)
    assert table.at["auprc", "value"] == pytest.approx(average_precision_score(labels, logits), abs=1e-6)
    assert table.at["auroc", "low"] <= table.at["auroc", "value"] <= table.at["auroc", "high"]
    assert (table.at["auroc", "n_positive"], table.at["auroc", "n_negative"]) == (15, 25)
    assert table.at["auroc", "prevalence"] == pytest.approx(15 / 40)
    assert {"brier", "ece"} <= set(table.index)


def _score(model, path, folder):
    out = folder / f"{path.name}.scores.tsv"
    assert run("score", "--model", model, "--task", "human", path, "--out", out).returncode == 0
    return out
