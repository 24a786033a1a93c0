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
from rnamarks.models.baseline_files import stack_arrays
from rnamarks.models.baselines import BASELINES
from rnamarks.models.checkpoint import ModelConfig, load_members, load_model, save_model
from rnamarks.models.register import build_model
from rnamarks.sequences import decode_windows, encode_windows

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
def stack(model, tmp_path_factory):
    """The model stacked with boosted trees."""
    folder = tmp_path_factory.mktemp("stack")
    codes = np.random.default_rng(1).integers(0, 5, (80, 21)).astype(np.uint8)
    trees = BASELINES["kmer_blend"](longest=2, reach=3, trees=4).fit(codes, np.tile([0, 1], 40))
    states, config = load_members(model)
    weights = {head: {"net": 0.5, "kmer_blend": 0.75} for head in config.heads}
    config.stack = {"network": "net", "weights": weights, "baselines": {"kmer_blend": trees.hyperparameters()}}
    save_model(folder, states, config, stack_arrays({"kmer_blend": dict.fromkeys(config.heads, trees)}))
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


def test_a_stack_is_scored_like_any_model(stack, sequences, tmp_path):
    windows = tmp_path / "windows.txt"
    windows.write_text("\n".join(sequences) + "\nACGUACGUA\n")
    tables = []
    for batch in (1, 64):
        done = run("score", "--model", stack, "--head", "human", windows, "--batch-size", batch)
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
    done = run("evaluate", "--model", stack, "--head", "human", "--positives", windows, "--negatives", windows)
    assert done.returncode == 0, done.stderr
    assert pd.read_csv(io.StringIO(done.stdout), sep="\t").set_index("metric").at["auroc", "value"] == 0.5


def test_a_stack_without_xgboost_is_one_line_and_exit_code_2(stack, sequences, tmp_path, monkeypatch):
    windows = tmp_path / "windows.txt"
    windows.write_text("\n".join(sequences) + "\n")
    # what sys.modules holds as None cannot be imported
    monkeypatch.setitem(sys.modules, "xgboost", None)
    done = run("score", "--model", stack, "--head", "human", windows)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "needs xgboost, which is not installed; install it" in done.stderr


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


TRANSCRIPTS = ">t1 first\r\n" + "ACGTTTGGACTTTTACCC" * 4 + "\r\n>t2\r\nggactggactggact\r\n>t3\r\nCCCC\r\n"
GTF = "".join(
    f'chr1\tx\texon\t{start}\t{end}\t.\t{strand}\t.\tgene_id "{gene}"; transcript_id "{name}";\n'
    for name, gene, strand, exons in (
        ("t1", "g1", "+", [(11, 30), (101, 152)]),
        ("t2", "g2", "-", [(201, 215)]),
        ("t3", "g2", "-", [(212, 215)]),
    )
    for start, end in exons
)


@pytest.fixture
def transcripts(tmp_path):
    (tmp_path / "t.fa").write_text(TRANSCRIPTS, newline="")
    (tmp_path / "t.gtf").write_text(GTF)
    return tmp_path / "t.fa"


def test_predict_finds_every_site_and_writes_each_format(model, transcripts, tmp_path):
    options = ("predict", transcripts, "--model", model, "--head", "human", "--device", "cpu")
    done = run(*options)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(io.StringIO(done.stdout), sep="\t", comment="#")
    assert table["transcript"].value_counts().to_dict() == {"t1": 4, "t2": 3}
    assert table["kmer"].tolist()[-3:] == ["GGACU"] * 3
    assert set(table["start"]) == {-1}
    assert "human: 7 of 7 sites, " in done.stderr
    out, bedrmod = tmp_path / "out" / "sites.parquet", tmp_path / "out" / "sites.bedrmod"
    more = ("--annotation", tmp_path / "t.gtf", "--out", out, "--bedrmod", bedrmod, "--above", 0)
    done = run(*options, *more, "--taxid", 9606, "--assembly", "GRCh38")
    assert done.returncode == 0, done.stderr
    placed = pd.read_parquet(out)
    np.testing.assert_allclose(placed["logit"], table["logit"], atol=1e-5)
    assert placed["start"].tolist()[:2] == [18, 106]
    assert placed["start"].tolist()[-3:] == [212, 207, 202]
    assert set(placed["region"]) == {"noncoding"}
    assert sorted(child.name for child in out.parent.iterdir()) == ["sites.bedrmod", "sites.parquet"]
    done = run("validate", bedrmod)
    assert (done.returncode, done.stderr) == (0, "")
    assert "bedRModv2, 7 sites, no fault" in done.stdout
    assert "#annotation_source=t.gtf\n#annotation_version=sha256:" in bedrmod.read_text()
    again = tmp_path / "again.tsv.gz"
    assert run(*options, "--motif", "A", "--out", again).returncode == 0
    assert len(pd.read_csv(again, sep="\t", comment="#")) == TRANSCRIPTS.upper().split("FIRST")[1].count("A")


def test_predict_from_a_genome_and_from_a_table(model, tmp_path):
    rng = np.random.default_rng(1)
    (tmp_path / "g.fa").write_text(">chr1\n" + "".join(rng.choice(list("ACGT"), 400)) + "\n")
    (tmp_path / "t.gtf").write_text(GTF)
    options = ("predict", "--model", model, "--head", "human", "--device", "cpu", "--out", tmp_path / "s.tsv")
    done = run(*options, "--genome", tmp_path / "g.fa", "--annotation", tmp_path / "t.gtf", "--motif", "A")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "s.tsv", sep="\t", comment="#")
    assert (table["start"] >= 10).all()
    assert table["kmer"].str[2].eq("A").all()
    from rnamarks.sites.annotation import read_annotation
    from rnamarks.sites.drops import Drops
    from rnamarks.sites.transcripts import build_transcripts
    from rnamarks.tables import write_parquet

    frame = build_transcripts(
        read_annotation(tmp_path / "t.gtf", Drops()), tmp_path / "g.fa", Drops(), workdir=tmp_path
    )
    write_parquet(frame, tmp_path / "t.parquet")
    first = (tmp_path / "s.tsv").read_bytes()
    assert run(*options, tmp_path / "t.parquet", "--motif", "A").returncode == 0
    assert (tmp_path / "s.tsv").read_bytes() == first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--head", "human"], "give either a file of transcripts or a genome"),
        (["t.fa", "--head", "human", "--genome", "t.fa"], "give either a file of transcripts or a genome"),
        (["--head", "human", "--genome", "t.fa"], "add --annotation"),
        (["t.fa", "--head", "human", "--bedrmod", "x.bedrmod"], "add --taxid and --assembly"),
        (["t.fa", "--head", "human", "--bedrmod", "x", "--taxid", "1", "--assembly", "a"], "no transcript has genome"),
        (["t.fa", "--head", "mouse", "--bedrmod", "x", "--taxid", "1", "--assembly", "a"], "no calibration for"),
        (["t.fa", "--head", "human", "--bedrmod", "x", "--taxid", "1", "--assembly", "a", "--fdr", "5"], "no share"),
        (
            ["t.fa", "--head", "human", "--bedrmod", "x", "--taxid", "1", "--assembly", "a", "--motif", "N"],
            "unmodified base",
        ),
        (["t.fa", "--head", "yeast"], "human, mouse"),
        (["t.fa", "--head", "human", "--motif", "BCA"], "give its offset"),
        (["t.fa", "--head", "human", "--batch-size", "0"], "at least 1"),
        (["none.fa", "--head", "human"], "no such file"),
        (["t.fa", "--head", "human", "--annotation", "other.gtf"], "of 3 transcript ids are in the annotation"),
    ],
)
def test_mistakes_of_predict(model, transcripts, tmp_path, monkeypatch, arguments, message):
    (tmp_path / "other.gtf").write_text(GTF.replace('"t', '"x'))
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    done = run("predict", "--model", model, "--device", "cpu", "--out", "s.tsv", *arguments)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].startswith("rnamarks: ")
    assert not (tmp_path / "s.tsv").exists()
    assert set(tmp_path.iterdir()) == before


def test_validate_names_every_fault(tmp_path):
    path = tmp_path / "x.bedrmod"
    path.write_text("#fileformat=bedRModv2\n#organism=9606\n#assembly=hg38\nchr1\t5\t4\tm6A\t1\t+\n")
    done = run("validate", path)
    lines = done.stderr.splitlines()
    assert done.returncode == 2
    assert f"rnamarks: {path}:1: the header field modification_type is missing" in done.stderr
    assert f"rnamarks: {path}:4: a line has 11 or more fields, this one 6" in done.stderr
    assert "10 faults, 1 sites" in lines[-1]
    assert run("validate", tmp_path / "none").returncode == 2
