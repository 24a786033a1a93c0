"""What the catalog of Snakemake workflows asks of one: places, a test on two cores, environments, a report."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import chromium
from environments import RULE_FILES

pytestmark = pytest.mark.workflow


def test_files_are_where_the_catalog_looks_for_them(repository):
    for name in (
        "README.md",
        "LICENSE",
        "config/README.md",
        "config/config.yaml",
        "workflow/Snakefile",
        "workflow/rules",
    ):
        assert (repository / name).exists(), name
    stated = yaml.safe_load((repository / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(stated) == {"mandatory-flags", "software-stack-deployment", "report"}
    flags = stated["mandatory-flags"]
    assert set(flags) == {"desc", "flags"}
    # one of them is the small run that the tests of this folder make on two cores
    named = re.findall(r"[\w/]+\.yaml", f"{flags['desc']} {flags['flags']}")
    assert all((repository / name).is_file() for name in named)
    assert "tests/workflow/config.yaml" in named
    deployment = stated["software-stack-deployment"]
    assert set(deployment) == {"conda", "apptainer", "apptainer+conda"}
    rules = "".join(file.read_text() for file in RULE_FILES)
    # what is promised is there, and nothing else is
    assert deployment["conda"] == bool(re.search(r"^\s+conda:", rules, re.MULTILINE)) is True
    assert deployment["apptainer"] == deployment["apptainer+conda"] == ("container" in rules)
    assert stated["report"]
    assert "report(" in rules


@pytest.fixture(scope="module")
def report(finished, alone, tmp_path_factory) -> Path:
    """The page of `snakemake --report`, made without a network."""
    page = tmp_path_factory.mktemp("report") / "report.html"
    finished.run_well(options=["--report", str(page)], before=alone)
    return page


def test_the_report_names_nothing_on_the_network(report):
    page = report.read_text(encoding="utf-8")
    loaded = re.findall(r"""<(?:script|img|iframe|source)[^>]*\ssrc=["']?https?:[^"'>]*|<link[^>]*https?:[^>]*""", page)
    assert loaded == []
    assert not re.search(r"@import\s|url\(['\"]?https?:", page)


@pytest.mark.skipif(chromium.find() is None, reason="needs Chromium: none of its programs is on PATH")
def test_the_report_opens_and_shows_what_the_run_made(report, tmp_path):
    page = chromium.Chromium(tmp_path)
    try:
        page.go(report.as_uri())
        page.until("document.body.innerText.includes('Training')")
        shown = page.run("document.body.innerText")
        assert {"Metrics", "Splits and leaks", "Gene ontology", "Workflow"} <= set(shown.splitlines())
        assert "Run tiny." in shown
        loaded = page.run("performance.getEntriesByType('resource').map(entry => entry.name)")
        assert not [name for name in loaded if not name.startswith(("data:", "blob:", "file:"))]
        assert page.log == []
    finally:
        page.close()
