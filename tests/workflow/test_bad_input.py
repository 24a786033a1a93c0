"""Odd files give the right result, bad ones a sentence; what other jobs finished stays."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from rnamarks.tables import read_parquet, read_tsv

pytestmark = pytest.mark.workflow

WIDTH = 51


def unpacked(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode()


def bed_of(rows: pd.DataFrame) -> str:
    lines = (
        f"{row.chrom}\t{row.genome_start}\t{row.genome_start + 1}\tx\t0\t{row.strand}\n" for row in rows.itertuples()
    )
    return "".join(lines)


def letters(genome: str, change: Callable[[str], str]) -> str:
    """The genome with its sequence lines changed."""
    return "".join(line if line.startswith(">") else change(line) for line in genome.splitlines(keepends=True))


class World:
    """The finished run's human files, unpacked."""

    def __init__(self, project) -> None:
        folder = project.folder / "resources" / "tiny"
        self.genome = unpacked(folder / "human.genome.fa.gz")
        self.annotation = unpacked(folder / "human.annotation.gtf.gz")
        truth, _ = read_parquet(folder / "truth.parquet")
        self.truth = truth[truth["species"] == "human"]
        self.modified = self.truth[self.truth["label"] == 1]
        self.foreign = truth[(truth["species"] == "mouse") & (truth["label"] == 1)]
        self.chrom = self.genome.split(maxsplit=1)[0][1:]
        self.windows, _ = read_parquet(project.results / "datasets" / "human.windows.parquet")


def odd_species(world: World, folder: Path) -> dict[str, dict]:
    """Files that have to be understood."""
    off_the_end = f"{world.chrom}\t99999999\t100000000\tx\t0\t+\n"
    codes = "".join(line.strip() for line in world.genome.split(">")[1].splitlines(keepends=True)[1:]).upper()
    not_a = next(at for at in range(1000, len(codes)) if codes[at] == "C")
    bed = bed_of(world.modified)
    dressed = "\ufeff# mine\n" + bed + bed + off_the_end + f"{world.chrom}\t{not_a}\t{not_a + 1}\tx\t0\t+\n"
    dressed = dressed.replace("\nchr", "\n").replace("\n", "\r\n")
    (folder / "dressed.bed").write_bytes(gzip.compress(dressed.encode()))
    genome = letters(world.genome, lambda line: line.lower().replace("t", "u"))
    (folder / "dressed.fa").write_bytes(genome.replace("\n", "\r\n").encode())
    (folder / "dressed.gtf").write_text("\ufeff" + re.sub("^chr", "", world.annotation, flags=re.M), newline="\r\n")
    (folder / "plain.bed").write_text(bed)
    (folder / "plain.fa").write_text(world.genome)
    (folder / "nocds.gtf").write_text("".join(
        line for line in world.annotation.splitlines(keepends=True)
        if line.startswith("#") or line.split("\t")[2] not in {"CDS", "start_codon", "stop_codon"}
    ))  # fmt: skip
    (folder / "iupac.fa").write_text(letters(world.genome, lambda line: re.sub("ca", "RN", line, flags=re.I)))
    (folder / "plain.gtf").write_text(world.annotation)
    return {
        "dressed": entry(folder / "dressed.fa", folder / "dressed.gtf", folder / "dressed.bed"),
        "nocds": entry(folder / "plain.fa", folder / "nocds.gtf", folder / "plain.bed"),
        "iupac": entry(folder / "iupac.fa", folder / "plain.gtf", folder / "plain.bed"),
    }


def entry(genome: Path, annotation: Path, sites: Path) -> dict:
    return {
        "assembly": "mine1",
        "genome": str(genome),
        "annotation": str(annotation),
        "sites": [{"table": str(sites), "format": "bed", "name": "mine"}],
    }


def bad_species(world: World, folder: Path) -> dict[str, tuple[dict, str, str]]:
    """Entry, file that cannot be made, and what has to be said, for each species that cannot be used."""

    def write(name: str, text: str | bytes) -> Path:
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return folder / name

    genome, annotation, sites = (folder / f"plain.{end}" for end in ("fa", "gtf", "bed"))
    packed = gzip.compress(bed_of(world.modified).encode())
    broken = bed_of(world.modified).splitlines()
    broken[6] = broken[6].replace("\t", "\tx", 1)
    window = "ACGU" * (WIDTH // 4) + "A" * (WIDTH % 4)

    def tables(**changed: Path) -> dict:
        return entry(**({"genome": genome, "annotation": annotation, "sites": sites} | changed))

    def windows(**files: Path) -> dict:
        return {"windows": {"all": {label: str(file) for label, file in files.items()}}}

    def site_table(name: str) -> str:
        return f"results/tiny/sites/{name}.sites.tsv.gz"

    def transcripts(name: str) -> str:
        return f"results/tiny/sites/{name}.transcripts.parquet"

    def cut(name: str) -> str:
        return f"results/tiny/datasets/{name}.windows.parquet"

    good = write("good.txt", f"{window}\n")
    return {
        "emptybed": (
            tables(sites=write("empty.bed", "")),
            site_table("emptybed"),
            r"empty\.bed: the file holds no site; fetch it again",
        ),
        "brokenrow": (
            tables(sites=write("broken.bed", "\n".join(broken))),
            site_table("brokenrow"),
            r"broken\.bed:7: start is no whole number of at least 0 \(found 'x[0-9]+'\); correct it",
        ),
        "cutgzip": (
            tables(sites=write("cut.bed.gz", packed[: len(packed) // 2])),
            site_table("cutgzip"),
            r"cut\.bed\.gz: the gzip stream is cut off or corrupt; fetch the file again",
        ),
        "otherworld": (
            tables(sites=write("foreign.bed", bed_of(world.foreign))),
            site_table("otherworld"),
            r"foreign\.bed: only [0-9]+% of [0-9]+ sites have A in the genome .*; give the genome of the assembly",
        ),
        "stated": (
            tables(sites=write("stated.bed", "track db=hg18\n" + bed_of(world.modified))) | {"assembly": "hg19"},
            site_table("stated"),
            r"stated\.bed: the file says that it is of another assembly than hg19 \(found 'hg18'\); set the assembly",
        ),
        "twice": (
            tables(genome=write("twice.fa", world.genome + f">{world.chrom}\nACGT\n")),
            transcripts("twice"),
            r"twice\.fa: the genome cannot be indexed: .*; give FASTA with lines of one length and each name once",
        ),
        "emptygenome": (
            tables(genome=write("empty.fa", "")),
            transcripts("emptygenome"),
            r"empty\.fa: the genome is empty; give a FASTA file that begins with '>'",
        ),
        "emptygtf": (
            tables(annotation=write("empty.gtf", "")),
            transcripts("emptygtf"),
            r"empty\.gtf: .*; give ",
        ),
        "nonegatives": (
            tables(sites=write("all.bed", bed_of(world.truth))),
            cut("nonegatives"),
            r"nonegatives: no DRACH on the transcripts is left as a negative; give more transcripts",
        ),
        "letters": (
            windows(positives=good, negatives=write("letters.txt", f"{window}\n{window[:-1]}!\n")),
            cut("letters"),
            rf"letters\.txt:2: letter {WIDTH} is no nucleotide \(found '!'\); use A, C, G, U or T",
        ),
        "lengths": (
            windows(positives=good, negatives=write("lengths.txt", f"{window}\n{window}A\n")),
            cut("lengths"),
            rf"lengths\.txt:2: the window has {WIDTH + 1} nt and should have {WIDTH}.*; give windows of one length",
        ),
        "nofile": (
            windows(positives=good, negatives=write("blank.txt", "\r\n\r\n")),
            cut("nofile"),
            r"blank\.txt: the file holds no sequence; give FASTA or one sequence per line",
        ),
    }  # fmt: skip


@pytest.fixture(scope="module")
def world(finished) -> World:
    return World(finished)


@pytest.fixture(scope="module")
def mixed(world, new_project):
    """Good and bad species in one run that goes on after failures: project, result, and the bad species."""
    project = new_project("mixed", {})
    odd = odd_species(world, project.folder)
    bad = bad_species(world, project.folder)
    config = {"run": "tiny", "window": WIDTH, "negatives_per_positive": 4, "baselines": ["prevalence"]}
    config["species"] = odd | {name: given for name, (given, _, _) in bad.items()}
    (project.folder / "tiny.yaml").write_text(json.dumps(config))
    targets = [f"results/tiny/datasets/{name}.windows.parquet" for name in odd]
    done = project.run(*targets, *(target for _, target, _ in bad.values()), options=["--keep-going"])
    return project, done, bad


def windows_of(project, species: str) -> pd.DataFrame:
    frame, _ = read_parquet(project.results / "datasets" / f"{species}.windows.parquet")
    return frame


def test_dressed_files_give_the_windows_of_the_plain_ones(mixed, world):
    project, _, _ = mixed
    columns = ["sequence", "label", "chrom", "genome_start", "strand", "transcript", "gene", "start", "region"]
    found = windows_of(project, "dressed")
    positives = world.windows.loc[world.windows["label"] == 1, columns]
    assert found.loc[found["label"] == 1, columns].to_numpy().tolist() == positives.to_numpy().tolist()
    assert set(found["sequence"].str.cat()) <= set("ACGUN")
    drops, _ = read_tsv(project.results / "sites" / "dressed.sites.drops.tsv")
    counted = drops.set_index("reason")["rows"]
    assert counted["duplicate position"] == len(world.modified)
    assert counted["off the end of its chromosome"] == 1
    assert counted["base at the site is not A"] == 1


def test_without_coding_sequence_every_place_is_noncoding(mixed, world):
    project, _, _ = mixed
    found = windows_of(project, "nocds")
    assert set(found["region"]) == {"noncoding"}
    assert found["label"].sum() == world.windows["label"].sum()
    log = (project.folder / "logs" / "tiny" / "sites" / "build_transcripts" / "nocds.log").read_text()
    assert "no coding sequence" in log


def test_ambiguous_letters_become_n_and_motifs_on_them_are_counted(mixed, world):
    project, _, _ = mixed
    found = windows_of(project, "iupac")
    both = found.merge(world.windows, on=["chrom", "genome_start", "strand"], suffixes=("", "_plain"))
    assert len(both) > 100
    letters, plain = ("".join(both[name]) for name in ("sequence", "sequence_plain"))
    assert all(one in (other, "N") for one, other in zip(letters, plain, strict=True))
    assert letters.count("N") - plain.count("N") > 0.05 * len(letters)
    drops, _ = read_tsv(project.results / "datasets" / "iupac.drops.tsv")
    lost = drops.loc[drops["reason"] == "not in DRACH", "rows"].sum()
    assert lost == world.windows["label"].sum() - found["label"].sum() > 0


def test_bad_files_are_refused_in_a_sentence(mixed):
    _, done, bad = mixed
    assert done.returncode == 1
    said = [line.removeprefix("error: ") for line in done.stderr.splitlines() if line.startswith("error: ")]
    for name, (_, _, expected) in bad.items():
        assert any(re.search(expected, line) for line in said), f"{name}: {expected} is not in {said}"
    assert "Traceback" not in done.stderr
    assert done.stderr.count("returned non-zero exit status 2") >= len(bad)
    assert "returned non-zero exit status 1" not in done.stderr


def test_the_sentence_is_in_the_rules_log(mixed):
    project, _, bad = mixed
    logs = "".join(file.read_text() for file in (project.folder / "logs").rglob("*.log"))
    assert all(re.search(expected, logs) for _, _, expected in bad.values())


def test_finished_work_stays_and_bad_outputs_are_not_there(mixed):
    project, _, bad = mixed
    assert not [target for _, target, _ in bad.values() if (project.folder / target).exists()]
    assert not list(project.results.rglob("*.part"))
    assert not list(project.results.rglob(".genome.*"))
    target = "results/tiny/datasets/dressed.windows.parquet"
    done = project.run_well(target, options=["-n"])
    assert "Nothing to be done" in done.stdout + done.stderr


def test_windows_of_one_class_are_refused_before_anything_is_fitted(world, new_project):
    project = new_project("oneclass", {})
    (project.folder / "pos.txt").write_text("\n".join(world.windows["sequence"]) + "\n")
    config = {
        "run": "tiny",
        "window": WIDTH,
        "species": {"yak": {"windows": {"all": {"positives": "pos.txt"}}}},
        "baselines": ["prevalence"],
    }
    (project.folder / "tiny.yaml").write_text(json.dumps(config))
    done = project.run("results/tiny/datasets/yak.split.parquet")
    assert done.returncode == 1
    assert "error: pos.txt: yak has 980 modified windows and no unmodified one; give both" in done.stderr
