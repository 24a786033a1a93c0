"""The commands, run as a user runs them."""

from __future__ import annotations

import contextlib
import errno
import gzip
import io
import logging
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
from rnamarks.cli_options import Warnings
from rnamarks.evaluation.calibration import Calibration
from rnamarks.models.baseline_files import stack_arrays
from rnamarks.models.baselines import BASELINES
from rnamarks.models.checkpoint import load_model, save_model
from rnamarks.models.directory import CARD, ModelConfig, read_members, write_model
from rnamarks.models.registry import build_model
from rnamarks.sequences import decode_windows, encode_windows
from rnamarks.tasks import Task

DRACH = {"modification": "m6A", "base": "A", "motif": "DRACH", "motif_offset": 2}
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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("scan", "--genome", "-", "--annotation", "-"), "--annotation and --genome are both standard input"),
        (("scan", "-", "--annotation", "/dev/stdin"), "the input and --annotation are both standard input"),
        (("evaluate", "--positives", "-", "--negatives", "-"), "--positives and --negatives are both standard input"),
        (("score", "w.fa", "--out", "-"), "--out - is no file; give /dev/stdout"),
        (("score", "w.fa", "--task", "human", "--task", "mouse"), "--task is given twice (found 'human, mouse')"),
    ],
)
def test_an_option_is_for_one_thing(model, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.fa").write_text(">a\nACGT\n")
    done = run(*arguments, "--model", model)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["w.fa"]


@pytest.mark.parametrize("arguments", [("validate",), ("scan",), ("score", "--task", "human"), ("null", "--out", "m")])
def test_standard_input_is_named_so(model, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b">a\nAC!GT\n")))
    command, *options = arguments
    done = run(command, "-", *options, *(() if command == "validate" else ("--model", model)))
    assert done.returncode == 2
    assert "rnamarks: standard input" in done.stderr
    assert " -:" not in done.stderr


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
        tasks=[Task(name, species=name, **DRACH) for name in ("human", "mouse")],
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
    states, config = read_members(model)
    weights = {task: {"net": 0.5, "kmer_blend": 0.75} for task in config.task_names}
    config.stack = {"network": "net", "weights": weights, "baselines": {"kmer_blend": trees.hyperparameters()}}
    write_model(folder, states, config, stack_arrays({"kmer_blend": dict.fromkeys(config.task_names, trees)}))
    return folder


@pytest.fixture(scope="module")
def sequences():
    """Windows with GGACU in the middle."""
    codes = np.random.default_rng(0).integers(0, 4, (40, 21)).astype(np.uint8)
    codes[:, 8:13] = [2, 2, 0, 1, 3]
    return decode_windows(codes)


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


@pytest.mark.parametrize("command", ["score", "scan"])
def test_pipes_and_standard_input_are_read(model, sequences, tmp_path, monkeypatch, command):
    text = "".join(f">w{at} x\n{letters}\n" for at, letters in enumerate(sequences))
    (tmp_path / "w.fa").write_text(text)
    options = (command, "--model", model, "--task", "human", "--device", "cpu")
    whole = run(*options, tmp_path / "w.fa").stdout
    assert "w0" in whole
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(text.encode()))))
    assert run(*options, "-").stdout == whole
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["sh", "-c", 'cat "$0" > "$1"', tmp_path / "w.fa", pipe]):
        assert run(*options, pipe).stdout == whole
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True) as reader:
        assert run(*options, tmp_path / "w.fa", "--out", pipe).returncode == 0
        assert reader.communicate(timeout=600)[0] == whole
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["score", "w.fa", "--out", "w.fa"], "--out is the input"),
        (["score", "w.fa", "--out", "./link.fa"], "--out is the input"),
        (["score", "w.fa", "--out", "model/config.json"], "--out is a file of --model, config.json"),
        (["scan", "w.fa", "--out", "w.fa"], "--out is the input"),
        (["scan", "w.fa", "--out", "x", "--bedrmod", "y/../x"], "--bedrmod is --out"),
        (["scan", "w.fa", "--out", "x", "--attention", "x"], "--attention is --out"),
        (["scan", "w.fa", "--annotation", "t.gtf", "--out", "t.gtf"], "--out is --annotation"),
        (["scan", "w.fa", "--out", "folder"], "this is a folder"),
        (["scan", "w.fa", "--out", "w.fa/x.tsv"], "a file is where the path needs a folder"),
        (["evaluate", "--positives", "w.fa", "--negatives", "t.gtf", "--out", "t.gtf"], "--out is --negatives"),
        (["explain", "w.fa", "--out", "o.tsv", "--checks", "o.tsv"], "--checks is --out"),
        (["explain", "w.fa", "--out", "w.fa"], "--out is the input"),
    ],
)
def test_outputs_are_compared_before_work_begins(model, sequences, tmp_path, monkeypatch, arguments, message):
    (tmp_path / "w.fa").write_text(f">a\n{sequences[0]}\n")
    (tmp_path / "t.gtf").write_text(GTF)
    (tmp_path / "link.fa").symlink_to("w.fa")
    (tmp_path / "folder").mkdir()
    (tmp_path / "y").mkdir()
    (tmp_path / "model").symlink_to(model)
    monkeypatch.chdir(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    done = run(*arguments, "--model", "model", "--task", "human")
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr.splitlines()[-1]
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_link_as_output_stays_a_link(model, sequences, tmp_path):
    (tmp_path / "w.fa").write_text(f">a\n{sequences[0]}\n")
    (tmp_path / "old.tsv").write_text("old")
    (tmp_path / "link.tsv").symlink_to("old.tsv")
    options = ("--model", model, "--task", "human", tmp_path / "w.fa", "--out", tmp_path / "link.tsv")
    for command in ("score", "scan"):
        assert run(command, *options).returncode == 0
        assert (tmp_path / "link.tsv").is_symlink()
        assert "logit" in (tmp_path / "old.tsv").read_text()


def test_a_full_disk_is_one_sentence(model, sequences, tmp_path):
    (tmp_path / "w.fa").write_text(f">a\n{sequences[0]}\n")
    for command in ("score", "scan"):
        done = run(command, "--model", model, "--task", "human", tmp_path / "w.fa", "--out", "/dev/full")
        assert done.returncode == 2
        assert "no space is left" in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "yeast"], "human, mouse"),
        (["--task", "human", "--device", "cuda"], "torch sees no GPU"),
        (["--task", "human", "--device", "gpu"], "use auto, cpu or cuda"),
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
    done = run("score", "--model", model, "--task", "human", path, "--out", out)
    assert done.returncode == 2
    assert "windows.txt:2" in done.stderr
    assert not out.exists()
    assert run("score", "--model", tmp_path, "--task", "human", path).returncode == 2


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


def test_scan_finds_every_site_and_writes_each_format(model, transcripts, tmp_path):
    options = ("scan", transcripts, "--model", model, "--task", "human", "--device", "cpu")
    done = run(*options)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(io.StringIO(done.stdout), sep="\t")
    assert table["sequence"].value_counts().to_dict() == {"t1": 4, "t2": 3}
    assert "chrom" not in table
    assert table["p"].isna().all()
    assert "scan: 7 of 7 sites, " in done.stderr
    out, bedrmod = tmp_path / "out" / "sites.parquet", tmp_path / "out" / "sites.bedrmod"
    more = ("--annotation", tmp_path / "t.gtf", "--out", out, "--bedrmod", bedrmod)
    done = run(*options, *more, "--taxid", 9606, "--assembly", "GRCh38")
    assert done.returncode == 0, done.stderr
    placed = pd.read_parquet(out)
    np.testing.assert_allclose(placed["logit"], table["logit"], atol=1e-5)
    assert placed["genome_start"].tolist()[:2] == [18, 106]
    assert placed["genome_start"].tolist()[-3:] == [212, 207, 202]
    assert placed["kmer"].tolist()[-3:] == ["GGACU"] * 3
    assert set(placed["region"]) == {"noncoding"}
    assert sorted(child.name for child in out.parent.iterdir()) == ["sites.bedrmod", "sites.parquet"]
    done = run("validate", bedrmod)
    assert (done.returncode, done.stderr) == (0, "")
    assert "bedRModv2, 7 sites, no fault" in done.stdout
    assert "#annotation_source=t.gtf\n#annotation_version=sha256:" in bedrmod.read_text()
    again = tmp_path / "again.tsv.gz"
    assert run(*options, "--above", 0.1, "--out", again).returncode == 0
    assert len(pd.read_csv(again, sep="\t")) == (table["probability"] > 0.1).sum()


def test_scan_from_a_genome_and_from_a_table(model, tmp_path):
    rng = np.random.default_rng(1)
    (tmp_path / "g.fa").write_text(">chr1\n" + "".join(rng.choice(list("ACGT"), 400)) + "\n")
    (tmp_path / "t.gtf").write_text(GTF)
    options = ("scan", "--model", model, "--task", "human", "--device", "cpu", "--out", tmp_path / "s.tsv")
    work = tmp_path / ".rnamarks-scan" / "work-dead"
    work.mkdir(parents=True)
    (work / "lock").touch()
    done = run(*options, "--genome", tmp_path / "g.fa", "--annotation", tmp_path / "t.gtf")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / ".rnamarks-scan").exists()
    table = pd.read_csv(tmp_path / "s.tsv", sep="\t")
    assert (table["genome_start"] >= 10).all()
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
    for name in ("g.fa", "t.gtf"):
        os.mkfifo(tmp_path / f"pipe.{name}")
        feed = f"cat {tmp_path / name} > {tmp_path / f'pipe.{name}'}"
        subprocess.Popen(["sh", "-c", feed])
    done = run(*options, "--genome", tmp_path / "pipe.g.fa", "--annotation", tmp_path / "pipe.t.gtf")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "s.tsv").read_bytes() == first
    # warnings of the library begin as those of the commands do, and each is said once
    lines = done.stderr.splitlines()
    assert [line for line in lines if "no coding sequence" in line] == [
        "rnamarks: the annotation has no coding sequence: every position counts as noncoding"
    ]
    (tmp_path / "short.gtf").write_text(GTF[:-5])
    subprocess.Popen(["sh", "-c", f"cat {tmp_path / 'short.gtf'} > {tmp_path / 'pipe.t.gtf'}"])
    done = run(*options, "--genome", tmp_path / "g.fa", "--annotation", tmp_path / "pipe.t.gtf")
    assert "pipe.t.gtf:4: a quotation mark is never closed" in done.stderr
    assert run(*options, tmp_path / "t.parquet").returncode == 0
    assert (tmp_path / "s.tsv").read_bytes() == first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either sequences or a genome"),
        (["t.fa", "--genome", "t.fa"], "give either sequences or a genome"),
        (["--genome", "t.fa"], "add --annotation"),
        (["t.fa", "--annotation", "t.gtf", "--bedrmod", "x.bedrmod"], "add --taxid and --assembly"),
        (["t.fa", "--task", "mouse", "--bedrmod", "x"], "no calibration for a task"),
        (["t.fa", "--task", "mouse", "--above", "0.5"], "no calibration for a task"),
        (["t.fa", "--above", "5"], "between 0 and 1"),
        (["t.fa", "--fdr", "0.1"], "no null distribution"),
        (["t.fa", "--mode", "fast"], "no student for fast mode"),
        (["t.fa", "--attention", "x"], "no attention"),
        (["t.fa", "--task", "yeast"], "human, mouse"),
        (["t.fa", "--task", "human", "--task", "yeast"], "human, mouse"),
        (["t.fa", "--task", ","], "human, mouse"),
        (["t.fa", "--task", ""], "human, mouse"),
        (["none.fa"], "no such file"),
        (["t.fa", "--annotation", "other.gtf"], "of 3 transcript ids are in the annotation"),
    ],
)
def test_mistakes_of_scan(model, transcripts, tmp_path, monkeypatch, arguments, message):
    (tmp_path / "other.gtf").write_text(GTF.replace('"t', '"x'))
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    task = [] if "--task" in arguments else ["--task", "human"]
    done = run("scan", "--model", model, "--device", "cpu", "--out", "s.tsv", *task, *arguments)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].startswith("rnamarks: ")
    assert not (tmp_path / "s.tsv").exists()
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["score", "--threads", "-1"],
        ["score", "--batch-size", "0"],
        ["evaluate", "--bootstrap", "-1"],
        ["null", "--bases", "0"],
        ["serve", "--port", "99999"],
        ["serve", "--maximum", "-5"],
        ["serve", "--waiting", "0"],
        ["explain", "--limit", "0"],
    ],
)
def test_options_out_of_range(model, tmp_path, arguments):
    (tmp_path / "w").write_text("ACGU\n")
    command, option, value = arguments
    given = {"serve": [], "evaluate": ["--positives", tmp_path / "w", "--negatives", tmp_path / "w"]}
    more = ["--out", tmp_path / "o"] if command in ("null", "explain") else []
    done = run(command, *given.get(command, [tmp_path / "w"]), "--model", model, *more, option, value)
    assert done.returncode == 2
    assert option in done.stderr.splitlines()[-1]
    assert not (tmp_path / "o").exists()


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


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(errno.ENOSPC, "", "x.tsv"),
            "rnamarks: scan 1: x.tsv: no space is left; free some space and run it again\n",
        ),
        (KeyError("bug"), "KeyError: 'bug'\n"),
    ],
)
def test_what_the_library_logs_has_its_reason(capsys, error, said):
    log = logging.Logger("rnamarks")
    log.addHandler(Warnings(logging.WARNING))
    try:
        raise error
    except (OSError, KeyError):
        log.exception("scan %d", 1)
    assert capsys.readouterr().err.endswith(said)
