"""The whole workflow, run by a real Snakemake in folders of their own."""

from __future__ import annotations

import copy
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from linked import make_conda, make_environment
from patience import run_patiently, wait_until
from rnamarks.analyses import Analyses
from rnamarks.configuration import Plan
from rnamarks.keys import with_defaults
from rnamarks.run_files import inputs_of
from rnamarks.schema import check_config

TOOLS = ("mmseqs", "cd-hit-est", "cd-hit-est-2d")


ALONE = ("unshare", "--map-root-user", "--net")
"""Runs a program in a network of its own, where nothing else is."""


@dataclass(frozen=True)
class Project:
    """A working directory with a configuration; Snakefile and library are the checkout's."""

    folder: Path
    repository: Path

    @property
    def results(self) -> Path:
        return self.folder / "results" / "tiny"

    def command(self, targets: Sequence[str | Path], *options: str, configfile: str | Path = "tiny.yaml") -> list[str]:
        return [
            *(sys.executable, "-m", "snakemake", *map(str, targets)),
            *("--snakefile", str(self.repository / "workflow" / "Snakefile")),
            *("--configfile", str(configfile), "--cores", "2", *options),
        ]

    def environment(self) -> dict[str, str]:
        # this interpreter's folder holds what was installed with it; nothing else of the caller's shell is needed
        path = [str(Path(sys.executable).parent), str(self.repository / ".tools" / "bin"), os.environ.get("PATH", "")]
        return os.environ | {"PATH": os.pathsep.join(path)}

    def run(
        self, *targets: str | Path, options: Sequence[str] = (), before: Sequence[str] = (), **settings: Any
    ) -> subprocess.CompletedProcess:
        """Run Snakemake to its end, by another program if ``before`` has its words."""
        return run_patiently(
            [*before, *self.command(targets, *options, **settings)],
            watched=[self.folder / name for name in ("logs", "results", "resources", ".checkpoints")],
            cwd=self.folder,
            env=self.environment(),
        )

    def run_well(self, *targets: str | Path, **settings: Any) -> subprocess.CompletedProcess:
        """As :meth:`run`, and it has to succeed."""
        done = self.run(*targets, **settings)
        assert done.returncode == 0, done.stderr[-6000:]
        return done

    def start(self, *targets: str | Path) -> subprocess.Popen:
        """Start Snakemake as the head of a process group."""
        return subprocess.Popen(
            self.command(targets),
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill_when(self, ready: Callable[[], bool], *targets: str | Path) -> None:
        """Start Snakemake, and when ``ready`` says so end it and all its jobs with SIGKILL."""
        process = self.start(*targets)
        try:
            wait_until(ready, process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="session")
def tiny_config() -> dict[str, Any]:
    """The configuration beside this file; change a copy."""
    return yaml.safe_load((Path(__file__).parent / "config.yaml").read_text())


@pytest.fixture(scope="session")
def new_project(repository, tmp_path_factory) -> Callable[[str, Mapping[str, Any]], Project]:
    """Make a project from its name and its configuration."""

    def make(name: str, config: Mapping[str, Any]) -> Project:
        folder = tmp_path_factory.mktemp(name)
        shutil.copytree(repository / "config", folder / "config")
        # a copy, because YAML writes what occurs twice as an anchor and an alias
        (folder / "tiny.yaml").write_text(yaml.safe_dump(copy.deepcopy(dict(config)), sort_keys=False))
        return Project(folder, repository)

    return make


@pytest.fixture(scope="session")
def alone() -> Sequence[str]:
    """The words that cut a program off the network."""
    if not shutil.which(ALONE[0]) or subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let a program have a network of its own (unshare --net)")
    return ALONE


@pytest.fixture(scope="session")
def stock(tmp_path_factory) -> Path:
    """An interpreter with nothing but Snakemake and what it requires."""
    return make_environment(tmp_path_factory.mktemp("stock") / "venv", ["snakemake"])


@pytest.fixture(scope="session")
def conda(tmp_path_factory) -> Path:
    """The folder of a stand-in for conda."""
    return make_conda(tmp_path_factory.mktemp("conda") / "conda")


@pytest.fixture(scope="session")
def plain() -> Callable[[Path, Path], dict[str, str]]:
    """Variables of a process that finds a stock Snakemake, conda and what every system has, and nothing of ours."""

    def make(stock: Path, conda: Path) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        return kept | {"PATH": f"{stock.parent}:{conda}:/usr/local/bin:/usr/bin:/bin", "PYTHONNOUSERSITE": "1"}

    return make


@pytest.fixture(scope="session")
def make_data() -> Callable[[Path, Path], None]:
    """Make empty files in place of those that a configuration names and nothing makes or fetches."""

    def make(config: Path, folder: Path) -> None:
        settings = yaml.safe_load(config.read_text())
        for entry in inputs_of(Analyses(Plan(with_defaults(check_config(settings))))):
            if "simulation" not in settings and not entry.reference.startswith("source:"):
                (folder / entry.reference).parent.mkdir(parents=True, exist_ok=True)
                (folder / entry.reference).touch()

    return make


@pytest.fixture(scope="session")
def finished(new_project, tiny_config, repository) -> Project:
    """The tiny configuration, run to the end."""
    search = os.pathsep.join([str(repository / ".tools" / "bin"), os.environ.get("PATH", "")])
    missing = [tool for tool in TOOLS if shutil.which(tool, path=search) is None]
    if missing:
        pytest.skip(f"the workflow needs {', '.join(missing)}; make setup installs them")
    project = new_project("finished", tiny_config)
    project.run_well()
    return project
