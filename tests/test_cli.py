"""What holds for every command: its options, its input and output, and how it says a fault."""

from __future__ import annotations

import errno
import gzip
import io
import logging
import os
import subprocess
import sys

import pytest
import torch

import command_line
from command_line import GTF, run
from rnamarks import __version__
from rnamarks.cli_options import Warnings


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return command_line.build(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def sequences():
    return command_line.windows()


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
    command = [sys.executable, "-m", "rnamarks.cli", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout.strip()) == (0, __version__)


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
