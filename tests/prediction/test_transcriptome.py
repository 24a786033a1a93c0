"""Every site of every transcript, scored once, in any blocks, whatever happens on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy.special import expit

sys.path.insert(0, str(Path(__file__).parent))
import scan_world as world

from rnamarks.errors import InputError
from rnamarks.models.checkpoint import load_model
from rnamarks.prediction import kept, scan
from rnamarks.prediction.scan import ScanOptions
from rnamarks.prediction.scanner import Outputs, Scanner
from rnamarks.prediction.score import score_windows
from rnamarks.prediction.site_files import SITE_SCHEMA
from rnamarks.sequences import decode, encode, read_records
from rnamarks.sites.annotation import read_annotation
from rnamarks.sites.coordinates import TranscriptMap
from rnamarks.sites.drops import Drops
from rnamarks.sites.motifs import find_motif
from rnamarks.sites.transcript_fasta import read_transcript_fasta
from rnamarks.sites.transcripts import build_transcripts
from rnamarks.sites.windows import cut_windows
from rnamarks.tables import read_parquet, write_parquet
from rnamarks.tasks import Task


def random_rna(n: int, seed: int) -> str:
    return decode(np.random.default_rng(seed).integers(0, 4, n, dtype=np.uint8))


@pytest.fixture
def five(write_transcripts):
    """Isoforms, a short one, one without a site, one of N, one that is long."""
    long = random_rna(900, 1)
    return write_transcripts(
        {"transcript": "long", "sequence": long},
        {"transcript": "iso", "sequence": long[300:]},
        {"transcript": "short", "sequence": "GGACU"},
        {"transcript": "empty", "sequence": "CCCC"},
        {"transcript": "masked", "sequence": "N" * 50},
        {"transcript": "last", "sequence": random_rna(700, 2) + "GGACU"},
    )


def by_model(model, transcripts, out, task="human", **options):
    options = {"warn": lambda line: None, "tasks": [task], "predictor": "tiny"} | options
    return Scanner(model, device="cpu").run(transcripts, ScanOptions(alpha=None), Outputs(table=out), **options)


def test_every_site_of_every_transcript(five, tiny_model, tmp_path):
    out = tmp_path / "sites.parquet"
    seen = []
    by_model(tiny_model, five, out, checkpoints=tmp_path / "c", progress=lambda *numbers: seen.append(numbers))
    sites, metadata = read_parquet(out, SITE_SCHEMA.names)
    assert pq.read_schema(out).equals(SITE_SCHEMA)
    transcripts = pd.read_parquet(five)
    model, _ = load_model(tiny_model)
    rows = []
    for row in transcripts.itertuples():
        codes = encode(row.sequence)
        positions = find_motif(codes, "DRACH", 2)
        logits = score_windows(model, cut_windows(codes, positions, 21), "human")
        rows += [(row.transcript, len(codes), at, logit) for at, logit in zip(positions, logits, strict=True)]
    assert sites["sequence"].tolist() == [row[0] for row in rows]
    assert sites["length"].tolist() == [row[1] for row in rows]
    assert sites["start"].tolist() == [row[2] for row in rows]
    assert (sites["end"] == sites["start"] + 1).all()
    np.testing.assert_allclose(sites["logit"], [row[3] for row in rows], atol=1e-5)
    np.testing.assert_allclose(sites["probability"], expit(1.5 * (sites["logit"] + np.log(0.4 / 0.6)) + 0.2), atol=1e-6)
    assert sites["kmer"].str.fullmatch("[AGU][AG]AC[ACU]").all()
    assert {*sites["region"], *sites["base"], *sites["task"], *sites["modification"]} == {
        "unknown",
        "A",
        "human",
        "m6A",
    }
    assert set(sites["genome_start"]) == set(sites["genome_end"]) == {-1}
    assert sites[["p", "q"]].isna().all(axis=None)
    assert "short" in set(sites["sequence"])
    assert sites.iloc[-1]["start"] == 702
    assert (metadata["sites"], metadata["sequences"], metadata["nt"]) == (len(sites), 6, 900 + 600 + 5 + 4 + 50 + 705)
    assert metadata["padded_sites"] == ((sites["start"] < 10) | (sites["start"] >= sites["length"] - 10)).sum()
    assert [Task.from_record(record).name for record in metadata["tasks"]] == ["human"]
    assert (metadata["predictor"], metadata["prevalence"], metadata["null"]) == ("tiny", {"human": 0.4}, "")
    assert len(metadata["model_sha256"]) == 64
    assert seen[0] == (0, len(sites))
    assert seen[-1] == (len(sites), len(sites))
    assert not list((tmp_path / "c").iterdir())


@pytest.fixture
def in_chunks(five, monkeypatch, tmp_path):
    """Scans in chunks of small blocks; the file of sites."""
    monkeypatch.setattr(scan, "_BLOCK_NT", (150, 150))

    def scanned(scanner, n):
        paths = [tmp_path / f"{n}.{chunk}.float32" for chunk in range(n)]
        for chunk, path in enumerate(paths):
            numbers = {"chunk": chunk, "chunks": n, "checkpoints": tmp_path / "c", "warn": lambda line: None}
            scanner.score_chunk(five, path, task=scanner.tasks[0].name, **numbers)
        out = tmp_path / f"{n}.parquet"
        options = {"tasks": [scanner.tasks[0].name], "warn": lambda line: None, "chunks": paths}
        scanner.run(five, ScanOptions(alpha=None, top=False), Outputs(table=out), **options)
        return out

    return scanned


@pytest.mark.parametrize("looks_up", [False, True])
def test_chunks_change_no_byte(five, in_chunks, tiny_model, tmp_path, looks_up):
    """Also where there are more of them than blocks."""
    scanner = Scanner(world.build(tmp_path / "model", student=False) if looks_up else tiny_model, device="cpu")
    options = {"tasks": [scanner.tasks[0].name], "warn": lambda line: None}
    whole = tmp_path / "whole.parquet"
    scanner.run(five, ScanOptions(alpha=None, top=False), Outputs(table=whole), **options)
    for n in (1, 2, 5, 40):
        assert in_chunks(scanner, n).read_bytes() == whole.read_bytes()
    assert not list((tmp_path / "c").iterdir())


@pytest.mark.parametrize("change", [b"1234", -4])
def test_a_chunk_of_other_transcripts_is_refused(in_chunks, five, tmp_path, change):
    scanner = world.WeightedScanner()
    in_chunks(scanner, 2)
    path = tmp_path / "2.1.float32"
    path.write_bytes(path.read_bytes()[:change] if isinstance(change, int) else path.read_bytes() + change)
    chunks = [tmp_path / "2.0.float32", path]
    with pytest.raises(InputError, match=r"2\.1\.float32: the scores are of other transcripts"):
        scanner.table(five, tmp_path / "sites.parquet", chunks=chunks)


@pytest.mark.parametrize("block", [23, 64, 950])
def test_blocks_change_nothing(five, tmp_path, monkeypatch, block):
    scanner = world.WeightedScanner()
    scanner.table(five, tmp_path / "whole.parquet")
    monkeypatch.setattr(scan, "_BLOCK_NT", (block, block))
    scanner.table(five, tmp_path / "cut.parquet")
    cut, whole = (read_parquet(tmp_path / f"{name}.parquet")[0] for name in ("cut", "whole"))
    pd.testing.assert_frame_equal(cut, whole)


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (Task("a", modification="x", base="A"), [0, 3]),
        (Task("a", modification="x", motif="GA", motif_offset=1), [3]),
        (Task("a", modification="x", base="G", motif="R"), [2]),
    ],
)
def test_other_motifs(write_transcripts, tmp_path, task, expected):
    path = write_transcripts({"transcript": "t", "sequence": "ACGAN"})
    world.WeightedScanner(world.Weighted(3), [task]).table(path, tmp_path / "sites.parquet")
    sites, _ = read_parquet(tmp_path / "sites.parquet")
    assert sites["start"].tolist() == expected
    if expected[-1] == 3:
        assert sites["kmer"].iloc[-1] == "CGANN"


@pytest.mark.parametrize("sequences", [[], ["CCCC", "NNNN"], [""]])
def test_nothing_to_score_is_an_empty_table_and_a_warning(write_transcripts, tiny_model, tmp_path, sequences):
    rows = [{"transcript": f"t{i}", "sequence": text} for i, text in enumerate(sequences)]
    path = write_transcripts(*rows or [{"transcript": "t", "sequence": ""}])
    if not sequences:
        write_parquet(pd.read_parquet(path).iloc[:0], path)
    warnings = []
    by_model(tiny_model, path, tmp_path / "sites.parquet", warn=warnings.append)
    sites, metadata = read_parquet(tmp_path / "sites.parquet", SITE_SCHEMA.names)
    assert len(sites) == 0
    assert metadata["sequences"] == len(sequences)
    assert any("hold no DRACH" in line for line in warnings)


def test_regions_and_genome_coordinates(write_transcripts, tmp_path):
    text = "GGACUGGACUGGACUGGACU"
    path = write_transcripts(
        {
            "transcript": "plus",
            "sequence": text,
            "chrom": "chrM",
            "exon_starts": [100, 200],
            "exon_ends": [106, 214],
            "cds_start": 5,
            "cds_end": 14,
        },
        {
            "transcript": "minus",
            "sequence": text,
            "chrom": "KI270728.1",
            "strand": "-",
            "exon_starts": [10, 50],
            "exon_ends": [16, 64],
        },
        {"transcript": "over", "sequence": text[:10], "chrom": "chrM", "exon_starts": [96], "exon_ends": [106]},
    )
    world.WeightedScanner(world.Weighted(5)).table(path, tmp_path / "sites.parquet")
    sites, _ = read_parquet(tmp_path / "sites.parquet")
    assert sites["start"].tolist() == [2, 7, 12, 17, 2, 7, 12, 17, 2, 7]
    assert sites["genome_start"].tolist() == [102, 201, 206, 211, 61, 56, 51, 12, 98, 103]
    assert (sites["genome_end"] == sites["genome_start"] + 1).all()
    assert sites["strand"].tolist() == ["+"] * 4 + ["-"] * 4 + ["+"] * 2
    assert sites["region"].tolist() == ["utr5", "cds", "cds", "utr3"] + ["noncoding"] * 6
    assert sites["chrom"].tolist() == ["chrM"] * 4 + ["KI270728.1"] * 4 + ["chrM"] * 2


def test_without_a_calibration_there_is_no_probability(five, tiny_model, tmp_path):
    warnings = []
    by_model(tiny_model, five, tmp_path / "sites.parquet", "mouse", warn=warnings.append)
    sites, metadata = read_parquet(tmp_path / "sites.parquet")
    assert sites[["probability", "false_fraction"]].isna().all(axis=None)
    assert np.isfinite(sites["logit"]).all()
    assert metadata["prevalence"] == {}
    assert sum("no calibration for mouse" in line for line in warnings) == 1


def test_tasks_of_one_motif_are_scored_together(five, tiny_model, tmp_path):
    """Several species of one modification, which a model of MASS has."""
    by_model(tiny_model, five, tmp_path / "both.parquet", tasks=[])
    both, _ = read_parquet(tmp_path / "both.parquet")
    assert both["task"].tolist() == ["human", "mouse"] * (len(both) // 2)
    for name in ("human", "mouse"):
        by_model(tiny_model, five, tmp_path / "one.parquet", name)
        one, _ = read_parquet(tmp_path / "one.parquet")
        np.testing.assert_allclose(both.loc[both["task"] == name, "logit"], one["logit"], atol=1e-5)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"transcript": "a", "sequence": "GGACU"}, {"transcript": "a", "sequence": "GG"}], "a transcript comes twice"),
        ([{"transcript": "a", "sequence": "GGAXU"}], "no nucleotide"),
        ([{"transcript": "a", "sequence": None}], "no sequence"),
        (
            [{"transcript": "a", "sequence": "GGACU", "chrom": "1", "exon_starts": [0], "exon_ends": [4]}],
            "exons of a transcript have 4 nt and its sequence 5",
        ),
    ],
)
def test_bad_transcripts(write_transcripts, tmp_path, rows, message):
    path = write_transcripts(*rows)
    with pytest.raises(InputError, match=message) as caught:
        world.WeightedScanner().table(path, tmp_path / "sites.parquet", checkpoints=tmp_path / "c")
    assert str(path) in str(caught.value)
    assert [child.name for child in tmp_path.iterdir()] == ["transcripts.parquet"]


def test_a_table_without_what_transcripts_have(tmp_path):
    write_parquet(pd.DataFrame({"transcript": ["a"]}), tmp_path / "t.parquet")
    with pytest.raises(InputError, match="lacks gene"):
        world.WeightedScanner().table(tmp_path / "t.parquet", tmp_path / "sites.parquet")


class Counting(world.Weighted):
    """Counts what it is asked about, and is interrupted at a block."""

    def __init__(self, interrupted_at: int = -1) -> None:
        super().__init__()
        self.asked, self._left = 0, interrupted_at

    def score(self, codes, sites, *, attend=False, structure=None):
        if not self._left:
            raise KeyboardInterrupt
        self._left -= 1
        self.asked += sum(map(len, sites.values()))
        return super().score(codes, sites, attend=attend)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(scan, "_BLOCK_NT", (200, 200))
    monkeypatch.setattr(kept, "SECONDS", 0.0)


def interrupted(path, out, checkpoints) -> int:
    """Tests that were done when a scan was interrupted at its fifth block."""
    engine = Counting(4)
    with pytest.raises(KeyboardInterrupt):
        world.WeightedScanner(engine).table(path, out, checkpoints=checkpoints)
    assert not out.exists()
    return engine.asked


@pytest.mark.usefixtures("small_blocks")
def test_finished_blocks_are_used_again(five, tmp_path):
    out, checkpoints = tmp_path / "sites.parquet", tmp_path / "c"
    done = interrupted(five, out, checkpoints)
    (folder,) = checkpoints.iterdir()
    (folder / "rnamarks.stale").mkdir()
    engine, seen, warnings = Counting(), [], []
    world.WeightedScanner(engine).table(
        five, out, checkpoints=checkpoints, progress=lambda *numbers: seen.append(numbers), warn=warnings.append
    )
    sites, _ = read_parquet(out)
    assert 0 < done < len(sites)
    assert seen[0] == (done, len(sites))
    assert done + engine.asked == len(sites)
    assert any("were scored by an earlier run that did not end" in line for line in warnings)
    assert not list(checkpoints.iterdir())
    world.WeightedScanner().table(five, tmp_path / "fresh.parquet")
    assert out.read_bytes() == (tmp_path / "fresh.parquet").read_bytes()


@pytest.mark.usefixtures("small_blocks")
def test_what_belongs_to_another_scan_or_is_damaged_is_not_used(five, write_transcripts, tmp_path):
    out, checkpoints = tmp_path / "sites.parquet", tmp_path / "c"
    other = write_transcripts({"transcript": "t", "sequence": random_rna(900, 7)}, name="other.parquet")
    interrupted(other, out, checkpoints)
    engine = Counting()
    world.WeightedScanner(engine).table(five, out, checkpoints=checkpoints)
    assert engine.asked == len(read_parquet(out)[0])
    out.unlink()
    interrupted(five, out, checkpoints)
    (folder,) = checkpoints.iterdir()
    logits = folder / "human.logit"
    logits.write_bytes(logits.read_bytes()[:-4])
    engine = Counting()
    world.WeightedScanner(engine).table(five, out, checkpoints=checkpoints)
    assert engine.asked == len(read_parquet(out)[0])


def test_two_scans_of_one_output_at_once_are_one_too_many(five, tmp_path):
    out, checkpoints, met = tmp_path / "sites.parquet", tmp_path / "c", []

    class Meets(world.Weighted):
        def score(self, codes, sites, *, attend=False, structure=None):
            with pytest.raises(InputError) as caught:
                world.WeightedScanner().table(five, out, checkpoints=checkpoints)
            met.append(str(caught.value))
            return super().score(codes, sites, attend=attend)

    world.WeightedScanner(Meets()).table(five, out, checkpoints=checkpoints)
    assert f"process {os.getpid()} on " in met[0]
    assert "is writing this output" in met[0]
    assert out.exists()
    assert not list(checkpoints.iterdir())


def test_logits_that_are_no_numbers_end_the_scan(five, tmp_path):
    engine = world.Weighted()
    engine.weights = engine.weights * np.nan
    with pytest.raises(InputError, match="no finite number"):
        world.WeightedScanner(engine).table(five, tmp_path / "sites.parquet")
    assert not (tmp_path / "sites.parquet").exists()


JOB = """
import sys, time
sys.path.insert(0, sys.argv[5])
import scan_world as world
from rnamarks.prediction import kept, scan
transcripts, out, checkpoints, pause = sys.argv[1:5]
scan._BLOCK_NT, kept.SECONDS = (400, 400), 0
class Slow(world.Weighted):
    def score(self, *arguments, **options):
        time.sleep(float(pause))
        return super().score(*arguments, **options)
world.WeightedScanner(Slow()).table(transcripts, out, checkpoints=checkpoints, warn=print)
"""


@pytest.mark.slow
def test_a_killed_job_ends_with_the_same_bytes(write_transcripts, tmp_path, monkeypatch):
    path = write_transcripts(*({"transcript": f"t{i}", "sequence": random_rna(400, i) + "GGACU"} for i in range(12)))
    environment = dict(os.environ) | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    work = tmp_path / "work"
    work.mkdir()

    def start(pause):
        command = [sys.executable, "-c", JOB, path, work / "killed.parquet", work / "kept", pause]
        command.append(Path(world.__file__).parent)
        return subprocess.Popen(list(map(str, command)), env=environment, stdout=subprocess.PIPE, text=True)

    def kept_bytes() -> int:
        return sum(file.stat().st_size for file in (work / "kept").glob("*/human.logit"))

    with start(0.2) as job:
        deadline = time.monotonic() + 600
        while kept_bytes() < 60:
            assert job.poll() is None, "the job ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(job.pid, signal.SIGKILL)
        assert job.wait() == -signal.SIGKILL
    assert kept_bytes() > 0
    assert [child.name for child in work.iterdir()] == ["kept"]
    with start(0) as job:
        said, _ = job.communicate(timeout=600)
    assert job.returncode == 0
    assert "were scored by an earlier run that did not end" in said
    monkeypatch.setattr(scan, "_BLOCK_NT", (400, 400))
    world.WeightedScanner().table(path, tmp_path / "whole.parquet")
    assert (work / "killed.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert not list((work / "kept").iterdir())


def test_folders_of_dead_processes_are_removed(tmp_path):
    dead = tmp_path / "work-dead"
    dead.mkdir()
    (dead / "lock").touch()
    with kept.scratch(tmp_path) as one:
        assert not dead.exists()
        with kept.scratch(tmp_path) as other:
            assert one.is_dir()
            assert other != one
    assert not tmp_path.exists(), "a folder that holds nothing else goes, too"


def check_round_trip(transcripts, sites) -> None:
    """Position on the transcript to the position on the genome, for every site; and the bases of overlapping sites."""
    coordinates = TranscriptMap(transcripts)
    row = pd.Index(transcripts["transcript"]).get_indexer(sites["sequence"])
    assert (row >= 0).all()
    assert (sites["genome_start"] >= 0).all()
    assert (coordinates.to_genome(row, sites["start"].to_numpy()) == sites["genome_start"].to_numpy()).all()
    for name, at, kmer in zip(sites["sequence"], sites["start"], sites["kmer"], strict=True):
        text = transcripts["sequence"].iloc[pd.Index(transcripts["transcript"]).get_loc(name)]
        assert ("NN" + text + "NN")[at : at + 5] == kmer


def test_fly_round_trip_and_genome(tmp_path, shared_data):
    folder = shared_data / "transcripts" / "fly_chr4"
    rows = read_annotation(folder / "dmelanogaster_chr4.gtf.gz", Drops())
    built = build_transcripts(rows, folder / "dmelanogaster_chr4_genome.fa.gz", Drops(), workdir=tmp_path)
    write_parquet(built, tmp_path / "t.parquet")
    world.WeightedScanner().table(tmp_path / "t.parquet", tmp_path / "sites.parquet")
    sites, _ = read_parquet(tmp_path / "sites.parquet")
    without = built[~built["transcript"].isin(sites["sequence"])]
    assert len(built) == 334
    assert not any(len(find_motif(encode(text), "DRACH", 2)) for text in without["sequence"])
    check_round_trip(built, sites)
    (genome,) = read_records(folder / "dmelanogaster_chr4_genome.fa.gz")
    base = np.frombuffer(genome.sequence.encode(), dtype="S1")[sites["genome_start"]]
    assert (base == np.where(sites["strand"] == "+", b"A", b"U")).all()
    assert set(sites["region"]) == {"utr5", "cds", "utr3", "noncoding"}


def test_hox_round_trip(tmp_path, shared_data):
    folder = shared_data / "transcripts" / "human_hox"
    rows = read_annotation(folder / "transcripts.gtf.gz", Drops())
    frame = read_transcript_fasta(folder / "transcripts.fasta.gz", Drops(), annotation=rows)
    write_parquet(frame, tmp_path / "t.parquet")
    world.WeightedScanner().table(tmp_path / "t.parquet", tmp_path / "sites.parquet")
    sites, _ = read_parquet(tmp_path / "sites.parquet")
    assert set(sites["sequence"]) == set(frame["transcript"])
    assert len(frame) == 14
    check_round_trip(frame, sites)


def test_chr22_from_fasta_and_from_a_table_is_the_same(tmp_path, shared_data, monkeypatch):
    monkeypatch.setattr(scan, "_BLOCK_NT", (400_000, 400_000))
    fasta = shared_data / "transcripts/human_chr22/refseq_chr22_transcripts.fa.gz"
    frame = read_transcript_fasta(fasta, Drops())
    write_parquet(frame, tmp_path / "t.parquet")
    scanner = world.WeightedScanner()
    for source, name in ((fasta, "fasta"), (tmp_path / "t.parquet", "table")):
        scanner.table(source, tmp_path / f"{name}.parquet")
    (bare, _), (sites, metadata) = (read_parquet(tmp_path / f"{name}.parquet") for name in ("fasta", "table"))
    expected = sum(len(find_motif(encode(text), "DRACH", 2)) for text in frame["sequence"])
    assert metadata["sites"] == len(sites) == expected
    assert metadata["sequences"] == 918
    assert set(sites["genome_start"]) == {-1}
    assert set(sites["region"]) == {"unknown"}
    columns = [name for name in bare.columns if name != "sequence"]
    pd.testing.assert_frame_equal(bare[columns], sites[columns])
