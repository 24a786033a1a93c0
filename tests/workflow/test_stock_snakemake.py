"""Snakemake alone plans the workflow, and each rule finds what it needs in the environment that it names."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from environments import LIBRARY, ROOT, imports, rules, sources, what_runs
from linked import make_from_file
from patience import run_patiently

SHIPPED = [*sorted(ROOT.glob("config/*.yaml")), *sorted(ROOT.glob("config/*/*.yaml"))]
NAMES = ["sequence", "statistics", "tables", "torch", "torch_gpu", "trees"]

pytestmark = pytest.mark.workflow


def test_snakemake_stands_alone(stock, conda, plain):
    code = "import snakemake\ntry:\n    import numpy\nexcept ImportError:\n    print('alone')"
    done = subprocess.run([stock, "-c", code], env=plain(stock, conda), capture_output=True, text=True)
    assert done.stdout == "alone\n", done.stderr


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.relative_to(ROOT / "config").as_posix())
def test_snakemake_alone_plans_what_is_shipped(file, stock, conda, plain, new_project, make_data):
    project = new_project("stock", {})
    make_data(file, project.folder)
    command = project.command([], "-n", "--quiet", "rules", "--use-conda", configfile=file)
    command[0] = str(stock)
    done = run_patiently(command, cwd=project.folder, env=plain(stock, conda))
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert "write_report" in done.stdout + done.stderr


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory):
    """The interpreter of the environment that a file describes, made once."""
    made: dict[str, Path] = {}

    def of(name: str) -> Path:
        if name not in made:
            made[name] = make_from_file(ROOT / "envs" / f"{name}.yaml", tmp_path_factory.mktemp(name) / "venv")
        return made[name]

    return of


def imported(file: Path) -> set[str]:
    """Modules of the library and of packages that running a file may import."""
    found: set[str] = set()
    for source in sources(file):
        found |= imports(source)
        if source.is_relative_to(LIBRARY.parent):
            found.add(".".join(source.relative_to(LIBRARY.parent).with_suffix("").parts).removesuffix(".__init__"))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_an_environment_has_what_its_rules_import(name, interpreter):
    files = [what_runs(rule) for rule in rules() if ROOT / "envs" / f"{name}.yaml" in rule.environments()]
    wanted = sorted({module for file in files if file for module in imported(file)})
    assert wanted, f"no rule runs in {name}"
    code = (
        "import importlib, sys\nfor name in sys.argv[1:]:\n    try:\n        importlib.import_module(name)\n"
        "    except ImportError as error:\n        print(f'{name}: {error}')"
    )
    variables = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(LIBRARY.parent), "PYTHONNOUSERSITE": "1"}
    done = subprocess.run([interpreter(name), "-c", code, *wanted], env=variables, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_the_small_configuration_runs_in_environments_made_of_their_files(
    stock, conda, plain, alone, new_project, tiny_config
):
    """From the simulation to the report, each rule in an environment of what its file names, without a network."""
    project = new_project("conda", tiny_config)
    command = [*alone, str(stock), *project.command([], "--use-conda")[1:]]
    watched = [project.folder / name for name in ("logs", "results", "resources", ".checkpoints")]
    done = run_patiently(command, cwd=project.folder, env=plain(stock, conda), watched=watched)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    assert (project.results / "report.html").is_file()
    made = [file.read_text() for file in (project.folder / ".snakemake" / "conda").glob("*.yaml")]
    assert made
    assert {text.splitlines()[0] for text in made} == {
        (ROOT / "envs" / f"{name}.yaml").read_text().splitlines()[0] for name in NAMES if name != "torch_gpu"
    }
