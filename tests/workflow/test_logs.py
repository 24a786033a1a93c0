"""What a run leaves in its logs and says on the terminal."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from patience import run_patiently
from rnamarks import __version__
from rnamarks.errors import InputError
from rnamarks.machine import check_gpu

pytestmark = pytest.mark.workflow

OUTPUT = re.compile(r"output: \S+, (?:[0-9,]+ (?:rows|lines), )?[0-9,]+ bytes")
DRAWS = {"simulate", "split_windows", "fit_baseline", "train_model", "evaluate_models", "optimise_classes"}
"""Some of the rules that draw at random."""
# what root may do although a file is another's
RIGHTS = "-dac_override,-dac_read_search,-fowner"


def test_every_log_begins_with_what_the_job_was_given_and_ends_with_what_it_made(finished):
    logs = sorted((finished.folder / "logs").rglob("*.log"))
    seeds: dict[str, str] = {}
    for log in logs:
        lines = log.read_text().splitlines()
        assert lines[0].startswith(f"rnamarks {__version__}, Python 3."), log
        rule = lines[1].removeprefix("rule: ").split()[0]
        assert rule in log.parts or rule in log.stem or rule.startswith("draw_"), log
        seeds[rule] = lines[2].removeprefix("seed: ")
        assert lines[3].startswith("input: "), log
        assert re.fullmatch(r"took [0-9.]+ s and [0-9,]+ MB at most", lines[-1]), log
        made = [line for line in lines if line.startswith("output: ")]
        assert lines[-1 - len(made) : -1] == made, log
        assert all(OUTPUT.fullmatch(line) for line in made), log
        # the card's output is the file that marks it
        assert made, log
    assert len(seeds) > 30
    assert all(seeds[rule].isdigit() for rule in DRAWS)


def test_a_program_that_fails_is_quoted_on_the_terminal(finished, new_project, tmp_path):
    """Its last lines, without a look into the log."""
    project = new_project("failing", {})
    shutil.copytree(finished.results / "sites", project.results / "sites")
    shutil.copytree(finished.results / "datasets", project.results / "datasets")
    for file in (project.results / "datasets").glob("*.split.parquet"):
        file.unlink()
    shutil.copytree(finished.folder / "resources", project.folder / "resources")
    shutil.copy(finished.folder / "tiny.yaml", project.folder)
    for name in ("mmseqs", "cd-hit-est", "cd-hit-est-2d"):
        (tmp_path / name).write_text("#!/bin/sh\necho reading >&2\necho 'the index is broken' >&2\nexit 3\n")
        (tmp_path / name).chmod(0o755)
    variables = project.environment()
    variables["PATH"] = os.pathsep.join([str(tmp_path), variables["PATH"]])
    command = project.command(["results/tiny/datasets/human.split.parquet"])
    done = run_patiently(command, cwd=project.folder, env=variables)
    assert done.returncode == 1
    (said,) = {line for line in done.stderr.splitlines() if line.startswith("error: ")}
    assert "stopped with exit code 3" in said
    assert said.split(" (the traceback is in ")[0].endswith("reading the index is broken")
    assert "split_windows.log" in said


@pytest.fixture
def refused(new_project, tiny_config):
    """Plans a run, and gives what is said where that is refused."""

    def run(folder: Path, *options: str, before: tuple[str, ...] = (), **variables: str) -> str:
        project = new_project("refused", tiny_config)
        if folder.parts:
            (project.folder / folder).mkdir(parents=True)
            os.chown(project.folder / folder, 65534, 65534)
        command = [*before, *project.command([], "-n", *options)]
        done = run_patiently(command, cwd=project.folder, env=project.environment() | variables)
        assert (done.returncode, done.stdout) == (2, "")
        assert "Traceback" not in done.stderr
        return done.stderr.splitlines()[-1]

    return run


def test_conda_asked_for_and_absent(refused):
    (said, expected) = (
        refused(Path(), "--use-conda", PATH="/usr/bin:/bin"),
        "error: --use-conda asks for conda, which is not",
    )
    assert said.startswith(expected)
    assert "install Miniforge, or leave --use-conda out and run `make setup`" in said


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="files can be given to another user by root alone"
)
@pytest.mark.parametrize("folder", ["results", "results/tiny/sites", "logs/tiny"])
def test_results_of_another_user(refused, folder):
    drop = ("setpriv", f"--bounding-set={RIGHTS}", f"--inh-caps={RIGHTS}")
    if subprocess.run([*drop, sys.executable, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip("the rights of root cannot be dropped here")
    said = refused(Path(folder), before=drop)
    assert said.startswith(f"error: {folder}: nothing can be written into this folder (found 'owner ")
    assert said.endswith("run as its owner, ask the owner for write permission, or set another `run`")


def test_a_gpu_where_there_is_none(new_project, tiny_config, tmp_path):
    (tmp_path / "nvidia0").touch()
    check_gpu(tmp_path)
    with pytest.raises(InputError, match="this machine has none"):
        check_gpu(tmp_path / "none")
    if any(Path("/dev").glob("nvidia[0-9]*")):
        pytest.skip("this machine has one")
    project = new_project("gpu", tiny_config | {"resources": tiny_config["resources"] | {"device": "cuda"}})
    done = project.run()
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: a GPU is asked for, and this machine has none")
    assert not (project.folder / "logs").exists(), "no job was started"
