"""`rnamarks score` and `rnamarks evaluate`, run as a user runs them."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import expit
from sklearn.metrics import average_precision_score, roc_auc_score

from rnamarks import __version__
from rnamarks.cli import main
from rnamarks.evaluation.calibration import Calibration
from rnamarks.models.checkpoint import ModelConfig, save_model
from rnamarks.models.register import build_model
from rnamarks.sequences import decode_windows

SMALL = {"filters": 6, "channels": 8, "lstm_units": 4, "attention_width": 2, "dense": 5}


class Done(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments):
    """Run the command line in this process: importing torch anew for every call would take the time of the test."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr(sys, "argv", ["rnamarks", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
    return Done(end.value.code or 0, out.getvalue(), err.getvalue())


def test_the_module_runs_as_a_program():
    environment = dict(os.environ) | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "rnamarks.cli", "version"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout.strip()) == (0, __version__)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("model")
    network = build_model("mass", ["human", "mouse"], 21, SMALL)
    config = ModelConfig(
        model="mass",
        heads=["human", "mouse"],
        window=21,
        hyperparameters=SMALL,
        calibration={"human": Calibration(prevalence=0.1, slope=1.2, intercept=0.1, method="platt").to_dict()},
    )
    save_model(folder, [network.state_dict()], config)
    return folder


@pytest.fixture(scope="module")
def sequences():
    return decode_windows(np.random.default_rng(0).integers(0, 4, (40, 21)).astype(np.uint8))


def test_score_is_the_same_for_every_dress_and_batch(model, sequences, tmp_path):
    plain = tmp_path / "windows.txt"
    plain.write_text("\n".join(sequences) + "\n")
    fasta = tmp_path / "windows.fa.gz"
    dna = "".join(f">w{i} note\r\n{s.lower().replace('u', 't')}\r\n" for i, s in enumerate(sequences))
    fasta.write_bytes(gzip.compress(dna.encode()))
    tables = []
    for path, batch in ((plain, 1), (plain, 64), (fasta, 7)):
        out = tmp_path / "scores.tsv"
        done = run("score", "--model", model, "--head", "human", path, "--out", out, "--batch-size", batch)
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


def test_other_lengths_are_announced(model, tmp_path):
    path = tmp_path / "windows.txt"
    path.write_text("ACGUACGUA\n" + "ACGUA" * 7 + "\n" + "A" * 21 + "\n")
    done = run("score", "--model", model, "--head", "human", path)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 4
    assert "1 windows are shorter than 21 nt and were padded" in done.stderr
    assert "1 windows are longer than 21 nt" in done.stderr


def test_evaluate_agrees_with_scikit_learn(model, sequences, tmp_path):
    positives, negatives = tmp_path / "positives.fa", tmp_path / "negatives.txt"
    positives.write_text("".join(f">p{i}\n{s}\n" for i, s in enumerate(sequences[:15])))
    negatives.write_text("\n".join(sequences[15:]))
    out = tmp_path / "metrics.tsv"
    done = run(
        "evaluate",
        "--model",
        model,
        "--head",
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
    assert run("score", "--model", model, "--head", "human", path, "--out", out).returncode == 0
    return out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--head", "yeast"], "human, mouse"),
        (["--head", "human", "--device", "cuda"], "torch sees no GPU"),
        (["--head", "human", "--batch-size", "0"], "at least 1"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(model, tmp_path, arguments, message):
    if "cuda" in arguments and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    path = tmp_path / "windows.txt"
    path.write_text("ACGU\n")
    done = run("score", "--model", model, path, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_error_in_the_input_leaves_no_output(model, tmp_path):
    path, out = tmp_path / "windows.txt", tmp_path / "scores.tsv"
    path.write_text("ACGU\nPROTEIN\n")
    done = run("score", "--model", model, "--head", "human", path, "--out", out)
    assert done.returncode == 2
    assert "windows.txt:2" in done.stderr
    assert not out.exists()
    assert run("score", "--model", tmp_path, "--head", "human", path).returncode == 2
