"""``rnamarks train``: from sites, genome and annotation to a model, and what it says of files that do not fit."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml

from patience import run_patiently
from rnamarks.cli import main
from rnamarks.models.directory import read_config
from rnamarks.own_configuration import find_workflow

ROMAN = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV", "XV", "XVI"]
GTF = '{chrom}\tx\t{feature}\t{first}\t{last}\t.\t{strand}\t.\tgene_id "{name}"; transcript_id "{name}.1";\n'


def train(*arguments) -> tuple[int, list[str]]:
    """Exit code and lines of the command, run in this process."""
    errors = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(errors):
        patch.setattr(sys, "argv", ["rnamarks", "train", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    return ended.value.code or 0, errors.getvalue().replace("rnamarks: ", "").splitlines()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Sites, genome and genes: of the DRACH of 40 genes those are modified that have UUU four nt behind them."""
    folder = tmp_path_factory.mktemp("world")
    rng = np.random.default_rng(5)
    genome, genes, sites = [], [], []
    for chrom in ("one", "two"):
        letters = rng.choice(list("ACGT"), 45_000)
        for number in range(20):
            first, name = 500 + 2200 * number, f"{chrom}{number}"
            for feature in ("exon", "CDS"):
                row = {"feature": feature, "first": first + 1, "last": first + 1500, "strand": "+", "name": name}
                genes.append(GTF.format(chrom=chrom, **row))
            letters[first : first + 3] = list("ATG")
            gene = "".join(letters[first : first + 1500])
            for at, match in enumerate(re.finditer("(?=[AGT][AG]AC[ACT])", gene[60:1430])):
                place = first + 60 + match.start() + 2
                if at % 8 == 0:
                    letters[place + 4 : place + 7] = "T"
                    sites.append(f"{chrom}\t{place}\t{place + 1}\tm6A\t0\t+\n")
        genome.append(f">{chrom}\n{''.join(letters)}\n")
    (folder / "genome.fa").write_text("".join(genome))
    (folder / "genes.gtf").write_text("".join(genes))
    (folder / "sites.bed").write_text("".join(sites))
    return folder


def files_of(folder, sites="sites.bed") -> list:
    return ["--sites", folder / sites, "--genome", folder / "genome.fa", "--annotation", folder / "genes.gtf"]


@pytest.mark.workflow
def test_a_model_of_ones_own_and_a_second_that_begins_with_it(world, tmp_path, repository):
    search = os.pathsep.join([str(repository / ".tools" / "bin"), os.environ.get("PATH", "")])
    if missing := [tool for tool in ("mmseqs", "cd-hit-est") if shutil.which(tool, path=search) is None]:
        pytest.skip(f"the workflow needs {', '.join(missing)}; make setup installs them")
    made = tmp_path / "made"
    program = [sys.executable, "-c", "from rnamarks.cli import main; main()", "train"]
    done = run_patiently(
        [*program, *files_of(world), "--species", "yak", "--cores", "2", made],
        watched=[made],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(repository / "workflow")},
    )
    assert done.returncode == 0, done.stderr[-4000:]
    said = dict(
        line.removeprefix("rnamarks: ").split(": ", 1)
        for line in done.stderr.splitlines()
        if re.match("rnamarks: (model|card|report|to go on)", line)
    )
    results = made / "results" / "yak"
    assert said["model"] == str(results / "model")
    config, _ = read_config(results / "model")
    assert [(task.name, task.motif, task.motif_offset) for task in config.tasks] == [("yak", "DRACH", 2)]
    assert "yak" in (results / "model" / "card.md").read_text()
    assert "<svg" in (results / "report.html").read_text()
    # the motif of the world is plain to see
    table = [line.removeprefix("rnamarks:   ") for line in done.stderr.splitlines() if line.startswith("rnamarks:   ")]
    figures = {line.split(",")[0].split()[0]: float(re.search(r"0\.[0-9]+|1\.0+", line)[0]) for line in table}
    assert figures.keys() == {"stacked", "own", "prevalence", "composition", "kmer_logistic", "kmer_blend"}
    assert figures["stacked"] > 0.8
    assert figures["prevalence"] == 0.5
    # the command that it names has nothing left to do
    by_hand = shlex.split(next(text for name, text in said.items() if name.startswith("to go on by hand")))
    again = subprocess.run(
        [sys.executable, "-m", *by_hand, "--dry-run"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(repository / "workflow"), "PATH": search},
    )
    assert again.returncode == 0, again.stderr[-2000:]
    assert "Nothing to be done" in again.stdout + again.stderr

    code, lines = train(*files_of(world), "--start", results / "model", "--species", "gnu", "-n", tmp_path / "second")
    assert code == 0, lines
    written = yaml.safe_load((tmp_path / "second" / "config.yaml").read_text())
    assert written["models"]["own"]["start"] == {"folder": str(results / "model"), "task": "yak"}
    assert written["models"]["own"]["hyperparameters"] == config.hyperparameters
    assert not (tmp_path / "second" / "results").exists()


def test_a_dry_run_writes_a_configuration_that_fits(world, tmp_path):
    code, lines = train(*files_of(world), "--dry-run", "--extend", "20,30", tmp_path / "made")
    n = (world / "sites.bed").read_text().count("\n")
    assert (code, lines[0]) == (0, f"{n} sites of m6A, {n} of them in DRACH, {n} of these on a transcript")
    written = yaml.safe_load((tmp_path / "made" / "config.yaml").read_text())
    assert written["species"]["mine"]["extend"] == {"five": 20, "three": 30}
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["config.yaml", "made"]
    code, lines = train(*files_of(world), "--dry-run", tmp_path / "made")
    assert (code, len(lines)) == (2, 1)
    assert "the folder has a configuration" in lines[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: [], "the file holds no site"),
        (lambda rows: [row.replace("\t+", "\t.") for row in rows], r"neither \+ nor - .found"),
        (lambda rows: [row.replace("\t+", "\t-") for row in rows], r"only 0% of [0-9]+ sites have A in the genome"),
        (
            lambda rows: [row.replace("one", "chr7").replace("two", "chr8") for row in rows],
            "on a chromosome of the genome",
        ),
        (lambda rows: rows[:12], r"12 of 12 sites lie in DRACH, and a model needs 30"),
    ],
)
def test_sites_that_do_not_fit_are_one_sentence(world, tmp_path, change, said):
    (tmp_path / "bad.bed").write_text("".join(change((world / "sites.bed").read_text().splitlines(keepends=True))))
    files = [*files_of(world)]
    files[1] = tmp_path / "bad.bed"
    code, lines = train(*files, tmp_path / "made")
    assert (code, len(lines)) == (2, 1), lines
    assert re.search(said, lines[0]), lines
    assert not (tmp_path / "made").exists()


def test_options_that_do_not_fit_are_one_sentence(world, tmp_path):
    for options, said in (
        (["--motif", "DRACH"], "does not say which A is modified .*such as DRaCH"),
        (["--motif", "GGAcU"], "does not say which A is modified"),
        (["--motif", "DRa?H"], r"none of IUPAC's: \?"),
        (["--modification", "m6Z"], "no modification of that name"),
        (["--modification", "m5C"], r"only 0% of [0-9]+ sites have C"),
        (["--species", "the yak"], "letters and digits"),
        (["--extend", "250"], "takes two numbers"),
        (["--start", "nowhere"], "no model of that name"),
        (["--workflow", tmp_path], "the folder is no clone of rnamarks; clone the repository, run `make setup`"),
        (["--format", "glori"], "in the format glori have to be described"),
    ):
        code, lines = train(*files_of(world), *options, tmp_path / "made")
        assert (code, len(lines)) == (2, 1), (options, lines)
        assert re.search(said, lines[0]), (options, lines)
    assert not list(tmp_path.iterdir())


def test_the_workflow_is_found_in_a_checkout(repository):
    assert find_workflow(None) == repository


@pytest.mark.slow
def test_sites_of_another_strain_of_yeast(shared_data, tmp_path):
    folder = shared_data / "yeast"
    files = ["--genome", folder / "genome_R64-1-1.fa.gz", "--annotation", folder / "annotation_R64-1-1.96.gtf.gz"]
    with gzip.open(folder / "m6a_SK1_wrong_assembly.txt.gz", "rt") as handle:
        rows = [line.split("\t")[:3] for line in handle]
    (tmp_path / "sk1.bed").write_text(
        "".join(
            f"{ROMAN[int(chrom.removeprefix('chr')) - 1]}\t{int(at) - 1}\t{at}\tm6A\t0\t{strand}\n"
            for chrom, at, strand in rows
        )
    )
    code, lines = train("--sites", tmp_path / "sk1.bed", *files, tmp_path / "made")
    assert (code, len(lines)) == (2, 1)
    assert re.search(r"only [23][0-9]% of [0-9]+ sites have A in the genome .*wrong assembly", lines[0]), lines
    with gzip.open(folder / "sites_R64-1-1.bed.gz", "rt") as handle:
        (tmp_path / "m6a.bed").write_text("".join(line for line in handle if "\tm6A\t" in line))
    options = ["--motif", "RGaC", "--extend", "50,250", "-n", tmp_path / "made"]
    code, lines = train("--sites", tmp_path / "m6a.bed", *files, *options)
    assert (code, lines[0]) == (0, "756 sites of m6A, 753 of them in RGAC, 751 of these on a transcript")
