"""The wheel and the sdist hold what predicting needs, and what they ask for is enough for it."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pandas as pd
import pytest
import yaml
from jinja2 import Template
from packaging.requirements import Requirement
from rattler import MatchSpec

from environments import ROOT, index_name, project
from linked import make_environment
from rnamarks import __version__
from rnamarks.prediction.scan import ScanOptions
from rnamarks.prediction.scanner import Outputs, Scanner
from test_repository import listed

sys.path.append(str(Path(__file__).parent / "prediction"))

import scan_world

pytestmark = pytest.mark.slow

BUILD = """
import json, sys
from setuptools import build_meta
print(getattr(build_meta, f"build_{sys.argv[2]}")(sys.argv[1], json.loads((sys.argv[3:] or ["{}"])[0])))
"""
FASTA = ">one\nACGUGGACUAACGGACUACGUAGCUAGCUAGGACUUUACGACUGACUGACUGAGGACUCC\n>two\nGGACUGGACUGGACUGGACUAAGGACUCCU\n"
FROM_PYTHON = """
import sys
import rnamarks
heavy = [name for name in ("numpy", "pandas", "torch", "typer") if name in sys.modules]
model = rnamarks.load("m6a")
sites = model.scan({"one": sys.argv[1]}, alpha=None)
scores = model.predict([sys.argv[1][25:40]], task="m6A")
parts = model.explain([sys.argv[1][19:46]], task="m6A")
print(heavy, len(sites), len(scores), parts.nucleotides.shape)
"""


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A small model with a null distribution and a student."""
    return scan_world.build(tmp_path_factory.mktemp("made") / "small")


@pytest.fixture(scope="module")
def built(model, tmp_path_factory) -> dict[str, Path]:
    """The sdist of a copy of the checkout that ships a model, and the wheel of what the sdist holds."""
    folder = tmp_path_factory.mktemp("built")
    checkout = folder / "checkout"
    for name in listed("--cached", "--others", "--exclude-standard"):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "benchmarks/", "resources/")):
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (checkout / name).write_bytes((ROOT / name).read_bytes())
    shipped = checkout / "resources" / "models" / "m6a"
    shipped.mkdir(parents=True)
    for file in model.iterdir():
        (shipped / file.name).write_bytes(file.read_bytes())
    command = [sys.executable, "-c", BUILD, folder]
    sdist = folder / run([*command, "sdist"], cwd=checkout).splitlines()[-1]
    with tarfile.open(sdist) as archive:
        # made by the line above, so it needs no filter, which Debian's Python 3.11.2 does not have
        archive.extractall(folder)
    unpacked = folder / sdist.name.removesuffix(".tar.gz")
    return {"sdist": sdist, "wheel": folder / run([*command, "wheel"], cwd=unpacked).splitlines()[-1]}


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    """The programs of an environment that has the wheel and the packages that it asks for, and sees no others."""
    python = make_environment(tmp_path_factory.mktemp("bare") / "venv", project()["dependencies"])
    options = ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check"]
    run([sys.executable, "-m", "pip", "--python", python, "install", *options, built["wheel"]])
    return python.parent


@pytest.fixture
def alone(tmp_path) -> dict:
    """Options of a process that is far from the checkout."""
    return {"cwd": tmp_path, "env": {"PATH": os.defpath, "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}}


def test_wheel_and_sdist_hold_the_library_and_its_data(built):
    with ZipFile(built["wheel"]) as archive:
        names = set(archive.namelist())
    library = {
        name.removeprefix("workflow/")
        for name in listed("--cached", "--others", "--exclude-standard")
        if name.startswith("workflow/rnamarks/") and (ROOT / name).is_file()
    }
    assert library - names == set()
    assert "rnamarks/py.typed" in names
    assert {name.split("/")[-1] for name in names if name.startswith("rnamarks/shipped/m6a/")} == {
        *("config.json", "weights.safetensors", "student.safetensors", "null.safetensors")
    }
    assert {name.split("/")[0] for name in names} == {"rnamarks", f"rnamarks-{__version__}.dist-info"}
    with tarfile.open(built["sdist"]) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "CITATION.cff",
        "setup.py",
        "resources/models/m6a/config.json",
    } <= held


def test_a_checkout_with_a_model_can_be_installed_as_links_to_its_files(built, tmp_path):
    unpacked = built["sdist"].with_name(built["sdist"].name.removesuffix(".tar.gz"))
    command = [sys.executable, "-c", BUILD, tmp_path, "editable", '{"editable_mode": "strict"}']
    assert run(command, cwd=unpacked).splitlines()[-1].endswith(".whl")


def test_a_bare_environment_scans_with_the_shipped_model(installed, model, alone, tmp_path):
    (tmp_path / "my.fa").write_text(FASTA)
    program = installed / "rnamarks"
    assert run([program, "--version"], **alone).strip() == __version__
    assert run([program, "models"], **alone).startswith("m6a: 0.1 MB; licence: not stated\n")
    run([program, "scan", "my.fa", "-o", "sites.tsv", "-t", "1", "--all"], **alone)
    found = pd.read_csv(tmp_path / "sites.tsv", sep="\t")
    Scanner(model, device="cpu").run(
        tmp_path / "my.fa", ScanOptions(alpha=None), Outputs(table=tmp_path / "here.tsv"), warn=lambda line: None
    )
    pd.testing.assert_frame_equal(found, pd.read_csv(tmp_path / "here.tsv", sep="\t"), rtol=1e-4, atol=1e-4)
    assert found[["probability", "p", "q"]].notna().all(axis=None)
    assert found["sequence"].unique().tolist() == ["one", "two"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("scan", "my.fa", "--view", "--mode", "fast", "--bedrmod", "sites.bed"),
        ("info", "m6a"),
        ("score", "my.fa", "-m", "m6a", "--task", "m6A"),
        ("explain", "my.fa", "-m", "m6a", "--task", "Y", "-o", "parts.tsv"),
        ("null", "random.fa", "-m", "m6a", "-o", "mine", "--bases", "100"),
        ("scan", "--genome", "g.fa", "--annotation", "g.gtf", "-o", "sites.tsv"),
        ("keys", "run"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_bare_environment_has_what_the_commands_of_prediction_import(installed, alone, tmp_path, arguments):
    (tmp_path / "my.fa").write_text(FASTA)
    (tmp_path / "random.fa").write_text(">r\n" + "".join(random.Random(1).choices("ACGU", k=12_000)) + "\n")
    (tmp_path / "g.fa").write_text(">chr1\n" + FASTA.splitlines()[1].replace("U", "T") + "\n")
    (tmp_path / "g.gtf").write_text('chr1\tx\texon\t1\t50\t.\t+\t.\tgene_id "a"; transcript_id "t";\n')
    run([installed / "rnamarks", *arguments], **alone)


@pytest.mark.parametrize("folder", sorted((ROOT / "resources" / "models").glob("*/")), ids=lambda path: path.name)
def test_a_bare_environment_has_what_every_shipped_model_needs(installed, alone, tmp_path, folder):
    """Trees among the networks of a model may need a package that no other model asks for."""
    (tmp_path / "g.fa").write_text(">chr1\n" + FASTA.splitlines()[1].replace("U", "T") + "\n")
    (tmp_path / "g.gtf").write_text('chr1\tx\texon\t1\t50\t.\t+\t.\tgene_id "a"; transcript_id "t";\n')
    command = [installed / "rnamarks", "scan", "--genome", "g.fa", "--annotation", "g.gtf", "--all", "-m", folder]
    run([*command, "-o", "sites.tsv"], **alone)
    assert len(pd.read_csv(tmp_path / "sites.tsv", sep="\t")) > 3


def test_a_bare_environment_loads_from_python_and_imports_late(installed, alone):
    sequence = FASTA.splitlines()[1]
    assert run([installed / "python", "-c", FROM_PYTHON, sequence], **alone) == "[] 50 1 (1, 27)\n"


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("serve", "-m", "m6a"), "serve"),
        (("lm", "corpus"), "train"),
        (("compare", "--sites", "x", "--genome", "x", "--annotation", "x", "-m", "m6a", "-o", "out"), "compare"),
    ],
)
def test_what_an_extra_brings_is_named_where_it_is_missing(installed, alone, tmp_path, arguments, extra):
    (tmp_path / "my.fa").write_text(FASTA)
    more = ["my.fa", "-o", "x.lmdb"] if extra == "train" else []
    done = subprocess.run([installed / "rnamarks", *arguments, *more], capture_output=True, text=True, **alone)
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].endswith(f"run `pip install 'rnamarks[{extra}]'`")
    assert "Traceback" not in done.stderr


def test_the_extra_compare_has_what_comparing_imports(built, alone, tmp_path):
    packages = project()["dependencies"] + project()["optional-dependencies"]["compare"]
    python = make_environment(tmp_path / "venv", packages)
    options = ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check"]
    run([sys.executable, "-m", "pip", "--python", python, "install", *options, built["wheel"]])
    (tmp_path / "g.fa").write_text(">chr1\n" + FASTA.splitlines()[1].replace("U", "T") + "\n")
    (tmp_path / "g.gtf").write_text('chr1\tx\texon\t1\t60\t.\t+\t.\tgene_id "a"; transcript_id "t";\n')
    (tmp_path / "s.bed").write_text("chr1\t6\t7\tm6A\t0\t+\n")
    files = ["--sites", "s.bed", "--genome", "g.fa", "--annotation", "g.gtf", "-m", "m6a", "--task", "m6A"]
    run([python.parent / "rnamarks", "compare", *files, "--bootstrap", "10", "-o", "compared"], **alone)
    assert (tmp_path / "compared" / "report.html").stat().st_size > 10_000


def test_training_asks_for_a_clone_where_there_is_none(installed, alone, tmp_path):
    files = [word for name in ("sites", "genome", "annotation") for word in (f"--{name}", "x")]
    done = subprocess.run([installed / "rnamarks", "train", *files, "made"], capture_output=True, text=True, **alone)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("rnamarks: the workflow is not part of an installed package; clone the repository")
    assert not list(tmp_path.iterdir())


def test_completion_is_there(installed, alone):
    shell = alone["env"] | {"_RNAMARKS_COMPLETE": "complete_bash", "COMP_WORDS": "rnamarks mod", "COMP_CWORD": "1"}
    assert run([installed / "rnamarks"], **(alone | {"env": shell})).split() == ["models"]


def test_recipe_asks_for_what_the_project_file_asks_for():
    def load_file_regex(load_file, regex_pattern, from_recipe_dir):
        assert from_recipe_dir
        return re.search(regex_pattern, (ROOT / "recipe" / load_file).read_text(), re.MULTILINE)

    text = Template((ROOT / "recipe" / "meta.yaml").read_text()).render(
        load_file_regex=load_file_regex, PYTHON="python"
    )
    recipe = yaml.safe_load(text)
    assert recipe["package"]["version"] == __version__
    # a package may have another name on another system
    wanted = [one for one in map(Requirement, project()["dependencies"]) if not one.marker or one.marker.evaluate()]
    asked = [MatchSpec(line, strict=True) for line in recipe["requirements"]["run"]]
    assert {
        index_name(one.name.normalized): str(one.version or "*") for one in asked if one.name.normalized != "python"
    } == {one.name: ",".join(sorted(map(str, one.specifier), reverse=True)) or "*" for one in wanted}


def test_containerfile_copies_what_there_is():
    lines = [line.split() for line in (ROOT / "Containerfile").read_text().splitlines() if line[:1] not in ("", "#")]
    assert [words[0] for words in lines] == [
        *("FROM", "ARG", "COPY", "COPY", "COPY", "RUN", "RUN", "RUN", "USER", "WORKDIR", "ENTRYPOINT", "CMD")
    ]
    copied = [name for words in lines if words[0] == "COPY" for name in words[1:-1]]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    held = {name.split("/")[0] for name in copied}
    assert {"pyproject.toml", "setup.py", "workflow", "resources", "LICENSE", "README.md"} <= held
