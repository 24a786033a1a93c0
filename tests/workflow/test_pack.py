"""A finished run as a crate that others can read, that validators accept, and that names nobody."""

from __future__ import annotations

import csv
import getpass
import hashlib
import io
import json
import re
import shutil
import socket
import subprocess
import sys
import zipfile
from importlib.resources import files
from pathlib import Path

import pytest
import requests
import yaml
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from rnamarks.dictionary.tables import TABLES
from rnamarks.pack import without_places

pytestmark = pytest.mark.workflow

CONTEXT = "https://w3id.org/ro/crate/1.1/context"


def pack(*arguments: str | Path, code: int = 0) -> str:
    command = [sys.executable, "-m", "rnamarks.cli", "pack", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def run(finished, tmp_path_factory) -> Path:
    """The finished run, as somebody has it whose files have absolute paths."""
    folder = tmp_path_factory.mktemp("alice") / "results" / "tiny"
    shutil.copytree(finished.results, folder)
    record = json.loads((folder / "run.json").read_text())
    record["config"]["species"]["human"]["genome"] = "/home/alice/data/g.fa.gz"
    record["command"] += " --configfile /scratch/alice/it/tiny.yaml"
    (folder / "run.json").write_text(json.dumps(record))
    sources = (folder / "sources.tsv").read_text()
    first = "resources/tiny/human.genome.fa.gz"
    assert first in sources
    published = (
        "human\tgenome\tsource:g#x\t1\thttps://ftp.example.org/g.tar\t" + "0" * 64 + "\tpublished\t7\tCC0\tA 2020"
    )
    (folder / "sources.tsv").write_text(sources.replace(first, "/home/alice/data/g.fa.gz") + published + "\n")
    return folder


@pytest.fixture(scope="module")
def crate(run, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("packed") / "crate"
    assert re.search(r"^rnamarks: \d+ files are in .*crate$", pack(run, "-o", out), re.MULTILINE)
    return out


class Carried(BaseAdapter):
    """Answers with the vocabulary that the package rocrate carries, for a validator without a network.

    It is that of the next version, whose names of these terms are others.
    """

    def send(self, request, **_):
        content = json.loads(files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes())
        content["@context"] |= {
            **{term: f"https://bioschemas.org/{term}" for term in ("ComputationalWorkflow", "FormalParameter")},
            **{term: f"https://bioschemas.org/ComputationalWorkflow#{term}" for term in ("input", "output")},
        }
        headers = {"Content-Type": "application/ld+json"}
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = 200, request.url, request
        answer.headers.update(headers)
        body = io.BytesIO(json.dumps(content).encode())
        answer.raw = HTTPResponse(body, headers, 200, preload_content=False, request_url=request.url)
        return answer

    def close(self):
        """Nothing is open."""


def test_a_validator_accepts_it(crate, tmp_path):
    services = pytest.importorskip("rocrate_validator.services", reason="roc-validator is not installed")
    from requests_cache import CachedSession

    with CachedSession(str(tmp_path / "cache"), backend="sqlite", expire_after=-1) as session:
        session.mount("https://w3id.org/", Carried())
        session.get(CONTEXT, headers={"Accept": "application/ld+json"})
    settings = {
        "rocrate_uri": str(crate),
        "profile_identifier": "workflow-run-crate",
        "offline": True,
        "cache_path": tmp_path / "cache",
    }
    found = services.validate(settings)
    assert found.passed(), [issue.message for issue in found.get_issues()]
    # it is no rubber stamp
    metadata = json.loads((crate / "ro-crate-metadata.json").read_text())
    graph = [entity for entity in metadata["@graph"] if entity["@id"] != "workflow/Snakefile"]
    shutil.copytree(crate, tmp_path / "broken")
    (tmp_path / "broken" / "ro-crate-metadata.json").write_text(json.dumps(metadata | {"@graph": graph}))
    assert not services.validate(settings | {"rocrate_uri": str(tmp_path / "broken")}).passed()


def test_it_holds_what_a_reader_wants(crate, run):
    held = {path.relative_to(crate).as_posix() for path in crate.rglob("*") if path.is_file()}
    assert {"config.yaml", "checksums.tsv", "workflow/Snakefile", "workflow/rules/common.smk"} < held
    for path in run.rglob("*"):
        shown = path.suffix in (".svg", ".tsv", ".md", ".html")
        assert (f"results/{path.relative_to(run).as_posix()}" in held) == (
            path.is_file() and (shown or path.suffix in (".json", ".meme"))
        ), path
    config = yaml.safe_load((crate / "config.yaml").read_text())
    assert (config["run"], config["species"]["human"]["genome"]) == ("tiny", "g.fa.gz")
    with open(crate / "checksums.tsv") as handle:
        rows = {row["path"]: row for row in csv.DictReader(handle, delimiter="\t")}
    assert len(rows) == sum(path.is_file() for path in run.rglob("*"))
    for name, packed, root in (
        ("evaluation/metrics.tsv", "yes", crate / "results"),
        ("model/weights.safetensors", "no", run),
    ):
        content = (root / name).read_bytes()
        row = rows[f"results/{name}"]
        assert (row["sha256"], row["packed"]) == (hashlib.sha256(content).hexdigest(), packed)
        assert int(row["bytes"]) == len(content)


def test_it_says_what_ran_on_what(crate):
    entities = {
        entity["@id"]: entity for entity in json.loads((crate / "ro-crate-metadata.json").read_text())["@graph"]
    }
    action = entities["#run"]
    assert action["instrument"] == {"@id": "workflow/Snakefile"}
    assert {"config.yaml", "https://ftp.example.org/g.tar"} < {one["@id"] for one in action["object"]}
    source = entities["https://ftp.example.org/g.tar"]
    assert (source["license"], source["citation"], source["sha256"]) == ("CC0", "A 2020", "0" * 64)
    own = next(entity for entity in entities.values() if entity.get("name") == "g.fa.gz")
    assert (own["@type"], own["propertyID"], len(own["value"])) == ("PropertyValue", "sha256", 64)
    assert {"#rnamarks", "#python", "#numpy", "#snakemake"} < entities.keys()
    results = {one["@id"] for one in action["result"]}
    assert {"results/report.html", "results/figures/figure_3.svg", "results/model/card.md"} < results
    assert entities["results/figures/figure_3.svg"]["description"].startswith("Landscape of predicted sites. ")
    assert entities["results/evaluation/metrics.tsv"]["description"] == TABLES["metrics"].about
    assert "Begin with results/report.html" in entities["./"]["description"]


def test_nothing_says_who_ran_it_or_where(crate, run):
    private = [str(run.parents[1]), str(Path.home()), "alice", "/scratch", "/tmp/"]
    private += [name for name in (socket.gethostname(), getpass.getuser()) if len(name) > 4]
    for path in crate.rglob("*"):
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        assert [one for one in private if one in text] == [], path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--configfile /home/ann b /scratch/ann", "--configfile ~ b ~"),
        ('"/Users/ann/x y/z.fa"', '"x y/z.fa"'),
        ("(/tmp/q/z.fa, /gpfs/z/)", "(z.fa, ~/)"),
        ("/usr/lab/ann/z.fa at /nowhere here/or/there", "z.fa at /nowhere here/or/there"),
        ("https://x.org/home/y </svg> results/tmp/a ../data/x", "https://x.org/home/y </svg> results/tmp/a ../data/x"),
    ],
)
def test_absolute_paths_are_cut(text, expected):
    assert without_places(text) == expected


def test_a_zip_is_the_same_and_the_default(crate, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert pack(run).endswith(" files are in tiny.crate.zip\n")
    with zipfile.ZipFile(tmp_path / "tiny.crate.zip") as archive:
        assert {name for name in archive.namelist() if not name.endswith("/")} == {
            path.relative_to(crate).as_posix() for path in crate.rglob("*") if path.is_file()
        }
        assert json.loads(archive.read("ro-crate-metadata.json")) == json.loads(
            (crate / "ro-crate-metadata.json").read_text()
        )


def test_what_cannot_be_packed_is_a_sentence(crate, run, tmp_path):
    assert "the folder is not empty; name a new one, or a .zip" in pack(run, "-o", crate, code=2)
    assert "there is no such run; name the folder of a run, results/NAME" in pack(tmp_path / "none", code=2)
    part = tmp_path / "results" / "tiny"
    shutil.copytree(run, part)
    (part / "model" / "card.md").unlink()
    said = pack(part, "-o", tmp_path / "out.zip", code=2)
    assert re.search(
        r"the run is not finished: 1 of \d+ files are not there \(found 'model/card.md'\); run snakemake", said
    )
    (part / "run.json").unlink()
    assert "the run is not finished: it has no run.json; run snakemake" in pack(part, code=2)
    assert not (tmp_path / "out.zip").exists()
