"""The workflow as a module of somebody else's, whose own rules read our tables."""

from __future__ import annotations

import gzip
import re
import sys
from pathlib import Path

import pytest
import yaml

from patience import run_patiently

pytestmark = pytest.mark.workflow

INSTALLED = "str(find_workflow(None) / 'workflow' / 'Snakefile')"
OUTER = """
from rnamarks.own_configuration import find_workflow

"""
SNAKEFILE = """
configfile: "outer.yaml"


rule first_of_mine:
    output:
        "mine/began.txt",
    script:
        "scripts/begin.py"


module rnamarks:
    snakefile:
        {snakefile}
    config:
        config["rna"]


use rule * from rnamarks as rnamarks_*


onstart:
    rnamarks.onstart()


rule mine:
    input:
        began="mine/began.txt",
        sites="results/tiny/sites/human.sites.tsv.gz",
    output:
        table="mine/sites_per_strand.tsv",
    default_target: True
    shell:
        "zcat {{input.sites}} | grep -v '^[#c]hrom\\|^#' | cut -f4 | sort | uniq -c > {{output.table}}"
"""


@pytest.fixture
def outer(new_project, tiny_config):
    """Writes the other workflow, its configuration beside ours; gives its project."""

    def write(name: str, text: str, **changes):
        project = new_project(name, {})
        folder = project.folder
        (folder / "tiny.yaml").unlink()
        settings = {"mine": 1, "rna": tiny_config | changes}
        (folder / "outer.yaml").write_text(yaml.safe_dump(yaml.safe_load(yaml.safe_dump(settings)), sort_keys=False))
        (folder / "scripts").mkdir()
        (folder / "scripts" / "begin.py").write_text("open(snakemake.output[0], 'w').write('mine')\n")
        (folder / "Snakefile").write_text(text)
        return project

    return write


def check(project) -> None:
    counted = (project.folder / "mine" / "sites_per_strand.tsv").read_text().split()
    with gzip.open(project.results / "sites" / "human.sites.tsv.gz", "rt") as handle:
        rows = [line.split("\t")[3] for line in handle if not line.startswith(("#", "chrom\t"))]
    assert dict(zip(counted[1::2], map(int, counted[::2]), strict=True)) == {one: rows.count(one) for one in "+-"}
    log = (project.folder / "logs" / "tiny" / "sites" / "read_sites" / "human.sites.log").read_text()
    assert "rule: rnamarks_read_sites run=tiny task=human role=sites\n" in log


def test_by_its_path_from_a_snakemake_without_our_packages(outer, stock, conda, plain, repository):
    project = outer("module", SNAKEFILE.format(snakefile=repr(str(repository / "workflow" / "Snakefile"))))
    command = [str(stock), "-m", "snakemake", "--cores", "2", "--use-conda"]
    done = run_patiently(command, cwd=project.folder, env=plain(stock, conda))
    assert done.returncode == 0, done.stderr[-5000:]
    check(project)
    done = run_patiently([*command, "-n"], cwd=project.folder, env=plain(stock, conda))
    assert "Nothing to be done" in done.stdout + done.stderr
    # all of it can be asked for, too
    done = run_patiently([*command, "-n", "rnamarks_all"], cwd=project.folder, env=plain(stock, conda))
    assert re.search(r"rnamarks_write_report +1", done.stdout + done.stderr), done.stderr[-3000:]


def test_from_an_installed_library(outer):
    """Installed as links to a clone: a wheel holds no workflow."""
    project = outer("installed", OUTER + SNAKEFILE.format(snakefile=INSTALLED))
    done = run_patiently(
        [sys.executable, "-m", "snakemake", "--cores", "2"], cwd=project.folder, env=project.environment()
    )
    assert done.returncode == 0, done.stderr[-5000:]
    check(project)


def test_a_mistake_in_its_configuration_is_a_sentence(outer, repository):
    project = outer("mistaken", SNAKEFILE.format(snakefile=repr(str(repository / "workflow" / "Snakefile"))), qqq=1)
    command = [sys.executable, "-m", "snakemake", "-n"]
    done = run_patiently(command, cwd=project.folder, env=project.environment())
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: there is no key qqq; choose from run, seed")


@pytest.mark.skipif(any(Path("/dev").glob("nvidia[0-9]*")), reason="this machine has a GPU")
def test_it_looks_before_any_job_where_it_is_told_to(outer, repository, tiny_config):
    snakefile = SNAKEFILE.format(snakefile=repr(str(repository / "workflow" / "Snakefile")))
    project = outer("cuda", snakefile, resources=tiny_config["resources"] | {"device": "cuda"})
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "rnamarks_all"]
    done = run_patiently(command, cwd=project.folder, env=project.environment())
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: a GPU is asked for, and this machine has none")
    assert not (project.folder / "logs").exists()
