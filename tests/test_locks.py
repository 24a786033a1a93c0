"""Locks that Snakemake left go with the runs that took them, and no sooner."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rnamarks.errors import InputError
from rnamarks.locks import join_runs

WORKFLOW = Path(__file__).resolve().parents[1] / "workflow"
RUN = """
import sys, time
from pathlib import Path
from rnamarks.locks import join_runs
known = join_runs(Path(sys.argv[1]))
print("known", flush=True)
time.sleep(3600)
"""


@pytest.fixture
def folder(tmp_path):
    """A working directory's ``.snakemake`` with the locks of a run."""
    (tmp_path / "locks").mkdir()
    for kind in ("input", "output"):
        (tmp_path / "locks" / f"0.{kind}.lock").write_text("results/a\n")
    return tmp_path


@pytest.fixture
def begin(folder):
    """Starts a process that is a run in the folder."""
    begun = []

    def begin() -> subprocess.Popen:
        command = [sys.executable, "-c", RUN, folder]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(WORKFLOW)})
        begun.append(process)
        assert process.stdout.readline() == b"known\n"
        return process

    yield begin
    for process in begun:
        process.kill()
        process.wait()


def locks(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "locks").iterdir())


def test_locks_of_a_killed_run_are_lifted(folder, begin):
    for lock in (folder / "locks").iterdir():
        lock.unlink()
    run = begin()
    (folder / "locks" / "0.input.lock").write_text("results/a\n")
    run.kill()
    run.wait()
    with join_runs(folder):
        assert locks(folder) == []


def test_locks_of_a_living_run_stay(folder, begin):
    (folder / "runs").write_text(f"process 1 on {socket.gethostname()}\n")
    first = begin()
    (folder / "locks" / "0.input.lock").write_text("results/a\n")
    second = begin()
    first.kill()
    first.wait()
    with join_runs(folder):
        assert locks(folder) == ["0.input.lock"]
        assert f"process {second.pid} on " in (folder / "runs").read_text()


@pytest.mark.parametrize("known", ["process 1 on elsewhere\n", ""])
def test_locks_that_another_computer_or_nobody_known_left_stay(folder, known):
    (folder / "runs").write_text(known)
    for _ in range(2):
        with join_runs(folder):
            assert locks(folder) == ["0.input.lock", "0.output.lock"]
    for lock in (folder / "locks").iterdir():
        lock.unlink()
    with join_runs(folder):
        assert "elsewhere" not in (folder / "runs").read_text(), "without a lock there is nothing to keep"


def test_a_folder_that_cannot_be_had_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file"):
        join_runs(tmp_path / "file" / ".snakemake")
