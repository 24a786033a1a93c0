"""Faults of files, disks and streams are one sentence and exit code 2."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rnamarks.errors import InputError, explain

WORKFLOW = Path(__file__).resolve().parents[1] / "workflow"
COMMAND = """
import sys
import typer
from rnamarks.errors import InputError, input_errors
from rnamarks.files import write_text

app = typer.Typer()

@app.command()
def work():
    BODY

try:
    with input_errors():
        app()
except InputError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(error.exit_code)
"""


def start(body: str, **options: object) -> subprocess.CompletedProcess:
    """A command whose body these lines are."""
    environment = os.environ | {"PYTHONPATH": str(WORKFLOW)} | options.pop("env", {})
    return subprocess.run(
        [sys.executable, "-c", COMMAND.replace("BODY", body)],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        **options,
    )


def sentence(done: subprocess.CompletedProcess) -> str:
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr.strip()


@pytest.mark.parametrize("body", ["print('x')", "print('x' * 100_000)", "print('x'); sys.exit(0)"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_behind_standard_output(body, unbuffered):
    with open("/dev/full", "w") as full:
        assert sentence(start(body, stdout=full, env={"PYTHONUNBUFFERED": unbuffered})).startswith(
            "error: no space is left; free some space where the output goes"
        )


@pytest.mark.parametrize("body", ["print('x')", "print('x' * 100_000)"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_of_standard_output_that_ends_early(body, unbuffered):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert sentence(start(body, stdout=writing, env={"PYTHONUNBUFFERED": unbuffered})).startswith(
            "error: the reader of the output ended"
        )
    finally:
        os.close(writing)


def test_standard_output_that_is_not_utf8():
    done = start("print('Stra\\u00dfe')", stdout=subprocess.PIPE, env={"PYTHONIOENCODING": "ascii"})
    assert "cannot be written in the encoding ascii (found " in sentence(done)


def test_a_file_that_grows_beyond_what_is_allowed(tmp_path):
    body = f"""import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    with write_text({str(tmp_path / "out")!r}) as handle:
        handle.write('x' * 100_000)"""
    assert f"{tmp_path / 'out'}: the file would be larger than is allowed" in sentence(start(body))
    assert not list(tmp_path.iterdir())


def test_a_bug_keeps_its_traceback_and_success_its_output():
    done = start("raise KeyError('bug')", stdout=subprocess.DEVNULL, env={"NO_COLOR": "1"})
    assert done.returncode == 1
    assert "KeyError" in done.stderr
    done = start("print('Stra\\u00dfe')", stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Straße\n", "")


def test_a_commands_own_exit_codes_are_kept():
    assert start("sys.exit(1)").returncode == 1
    assert start("raise typer.Exit(7)").returncode == 7


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a.fa"), "a.fa: no such file; check the path"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "a"), "a: this is a folder; name a file"),
        (PermissionError(errno.EACCES, "Permission denied", "a"), "a: permission denied; change the permissions or"),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "no space is left; free some space where the output goes and in ",
        ),
        (OSError(errno.EDQUOT, "", "a"), "a: the quota is used up"),
        (RuntimeError("Error while serializing: No space left on device (os error 28)"), "no space is left"),
        (OSError(errno.ENOENT, "No usable temporary directory found"), "No usable temporary directory found; check"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), None),
        (OSError("no number"), None),
        (ValueError("a bug"), None),
    ],
)
def test_what_is_explained(error, said):
    found = explain(error)
    assert (found is None) if said is None else str(found).startswith(said)


def test_an_input_error_is_given_back():
    error = InputError("x")
    assert explain(error) is error
