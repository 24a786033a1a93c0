"""Every site of every transcript, scored once, in any chunks, whatever happens on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy.special import expit

from rnamarks.errors import InputError
from rnamarks.models.checkpoint import load_model
from rnamarks.prediction.plan import ScanSettings, offset_of, plan_scan
from rnamarks.prediction.score import score_windows
from rnamarks.prediction.site_files import SITE_COLUMNS, SITE_SCHEMA
from rnamarks.prediction.transcriptome import scan_digest, scan_transcripts, scan_with_model
from rnamarks.sequences import decode, encode, read_records
from rnamarks.sites.annotation import read_annotation
from rnamarks.sites.coordinates import TranscriptMap
from rnamarks.sites.drops import Drops
from rnamarks.sites.motifs import find_motif
from rnamarks.sites.transcript_fasta import read_transcript_fasta
from rnamarks.sites.transcripts import build_transcripts
from rnamarks.sites.windows import cut_windows
from rnamarks.tables import read_parquet, write_parquet


def random_rna(n: int, seed: int) -> str:
    return decode(np.random.default_rng(seed).integers(0, 4, n, dtype=np.uint8))


def count_purines(codes: np.ndarray) -> np.ndarray:
    """A cheap score that hangs on every letter of the window."""
    return (codes * np.arange(1, codes.shape[1] + 1)).sum(axis=1).astype(np.float32)


def scan(transcripts, out, settings, score=count_purines, **options):
    options = {"identity": {}, "checkpoints": out.parent / "checkpoints", "warn": lambda line: None} | options
    return scan_transcripts(transcripts, out, score, settings, **options)


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


def test_every_site_of_every_transcript(five, tiny_model, tmp_path):
    out = tmp_path / "sites.parquet"
    seen = []
    scan_with_model(
        tiny_model,
        "human",
        five,
        out,
        checkpoints=tmp_path / "c",
        predictor="tiny",
        device="cpu",
        progress=lambda *numbers: seen.append(numbers),
    )
    sites, metadata = read_parquet(out, SITE_COLUMNS)
    assert pq.read_schema(out).equals(SITE_SCHEMA)
    transcripts = pd.read_parquet(five)
    model, _ = load_model(tiny_model)
    rows = []
    for row in transcripts.itertuples():
        codes = encode(row.sequence)
        positions = find_motif(codes, "DRACH", 2)
        logits = score_windows(model, cut_windows(codes, positions, 21), "human")
        rows += [(row.transcript, len(codes), at, logit) for at, logit in zip(positions, logits, strict=True)]
    assert sites["transcript"].tolist() == [row[0] for row in rows]
    assert sites["length"].tolist() == [row[1] for row in rows]
    assert sites["position"].tolist() == [row[2] for row in rows]
    np.testing.assert_allclose(sites["logit"], [row[3] for row in rows], atol=1e-5)
    np.testing.assert_allclose(sites["probability"], expit(1.5 * (sites["logit"] + np.log(0.4 / 0.6)) + 0.2), atol=1e-6)
    assert sites["kmer"].str.fullmatch("[AGU][AG]AC[ACU]").all()
    assert set(sites["region"]) == {"unknown"}
    assert set(sites["start"]) == {-1}
    assert "short" in set(sites["transcript"])
    assert sites.iloc[-1]["position"] == 702
    assert metadata["sites"] == len(sites)
    assert metadata["transcripts"] == 6
    assert metadata["padded_sites"] == ((sites["position"] < 10) | (sites["position"] >= sites["length"] - 10)).sum()
    assert (metadata["head"], metadata["predictor"], metadata["motif"]) == ("human", "tiny", "DRACH")
    assert len(metadata["model_sha256"]) == 64
    assert seen[0] == (0, len(sites))
    assert seen[-1] == (len(sites), len(sites))
    assert not (tmp_path / "c").exists() or not list((tmp_path / "c").iterdir())


@pytest.mark.parametrize(("chunk_nt", "chunk_sites"), [(1, 10**6), (10**6, 5), (950, 10**6), (10**7, 10**7)])
def test_chunks_change_nothing(five, tmp_path, chunk_nt, chunk_sites):
    settings = ScanSettings(window=31, chunk_nt=chunk_nt, chunk_sites=chunk_sites)
    scan(five, tmp_path / "chunked.parquet", settings)
    scan(five, tmp_path / "whole.parquet", ScanSettings(window=31))
    chunked, whole = (read_parquet(tmp_path / f"{name}.parquet")[0] for name in ("chunked", "whole"))
    pd.testing.assert_frame_equal(chunked, whole)
    plan = plan_scan(five, settings)
    assert plan.bounds[0] == 0
    assert plan.n_transcripts == 6
    assert plan.n_sites == len(whole)
    assert plan.n_nt == 900 + 600 + 5 + 4 + 50 + 705


def test_equal_windows_are_scored_once_per_chunk(five, tmp_path):
    given_windows = []

    def score(codes):
        given_windows.append(codes.copy())
        return count_purines(codes)

    described = scan(five, tmp_path / "sites.parquet", ScanSettings(window=31), score)
    assert len(given_windows) == 1
    windows = given_windows[0]
    assert len(np.unique(windows, axis=0)) == len(windows) < described["sites"]


@pytest.mark.parametrize(("motif", "offset", "expected"), [("A", 0, [0, 3]), ("N", 0, [0, 1, 2, 3]), ("GA", 1, [3])])
def test_other_motifs(write_transcripts, tmp_path, motif, offset, expected):
    path = write_transcripts({"transcript": "t", "sequence": "ACGAN"})
    scan(path, tmp_path / "sites.parquet", ScanSettings(motif, offset, window=3))
    sites, _ = read_parquet(tmp_path / "sites.parquet")
    assert sites["position"].tolist() == expected
    assert sites["kmer"].iloc[-1] == "CGANN"


def test_the_offset_of_a_motif():
    assert [offset_of("DRACH"), offset_of("drach"), offset_of("A"), offset_of("BCA", 2)] == [2, 2, 0, 2]
    with pytest.raises(InputError, match="give its offset"):
        offset_of("BCA")
    with pytest.raises(InputError, match="outside the motif"):
        offset_of("BCA", 3)
    with pytest.raises(InputError, match="needs a middle"):
        ScanSettings(window=100)


@pytest.mark.parametrize("sequences", [[], ["CCCC", "NNNN"], [""]])
def test_nothing_to_score_is_an_empty_table_and_a_warning(write_transcripts, tiny_model, tmp_path, sequences):
    rows = [{"transcript": f"t{i}", "sequence": text} for i, text in enumerate(sequences)]
    path = write_transcripts(*rows or [{"transcript": "t", "sequence": ""}])
    if not sequences:
        write_parquet(pd.read_parquet(path).iloc[:0], path)
    warnings = []
    out = tmp_path / "sites.parquet"
    scan_with_model(tiny_model, "human", path, out, checkpoints=tmp_path / "c", device="cpu", warn=warnings.append)
    sites, metadata = read_parquet(out, SITE_COLUMNS)
    assert len(sites) == 0
    assert metadata["transcripts"] == len(sequences)
    assert any("no DRACH" in line for line in warnings)


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
    scan(path, tmp_path / "sites.parquet", ScanSettings(window=5))
    sites, _ = read_parquet(tmp_path / "sites.parquet")
    assert sites["position"].tolist() == [2, 7, 12, 17, 2, 7, 12, 17, 2, 7]
    assert sites["start"].tolist() == [102, 201, 206, 211, 61, 56, 51, 12, 98, 103]
    assert sites["region"].tolist() == ["utr5", "cds", "cds", "utr3"] + ["noncoding"] * 6
    assert sites["chrom"].tolist() == ["chrM"] * 4 + ["KI270728.1"] * 4 + ["chrM"] * 2


def test_without_a_calibration_there_is_no_probability(five, tiny_model, tmp_path):
    warnings = []
    out = tmp_path / "sites.parquet"
    scan_with_model(tiny_model, "mouse", five, out, checkpoints=tmp_path / "c", device="cpu", warn=warnings.append)
    sites, metadata = read_parquet(out)
    assert sites["probability"].isna().all()
    assert sites["q"].isna().all()
    assert np.isfinite(sites["logit"]).all()
    assert metadata["prevalence"] is None
    assert any("no calibration for mouse" in line for line in warnings)


def test_another_motif_than_the_model_was_trained_on_is_said(five, tiny_model, tmp_path):
    warnings = []
    options = {"checkpoints": tmp_path / "c", "device": "cpu", "warn": warnings.append}
    scan_with_model(tiny_model, "human", five, tmp_path / "sites.parquet", motif="A", **options)
    assert any("trained on sites in DRACH and is asked about A" in line for line in warnings)


@pytest.mark.parametrize(
    ("rows", "says"),
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
def test_bad_transcripts(write_transcripts, tmp_path, rows, says):
    path = write_transcripts(*rows)
    with pytest.raises(InputError, match=says) as caught:
        scan(path, tmp_path / "sites.parquet", ScanSettings(window=5))
    assert str(path) in str(caught.value)
    assert not (tmp_path / "sites.parquet").exists()


def test_a_file_that_holds_no_transcripts(tmp_path):
    path = tmp_path / "t.parquet"
    with pytest.raises(InputError, match="no such file"):
        plan_scan(path, ScanSettings())
    path.write_text("text")
    with pytest.raises(InputError, match="not a Parquet file"):
        plan_scan(path, ScanSettings())
    write_parquet(pd.DataFrame({"transcript": ["a"]}), path)
    with pytest.raises(InputError, match="lacks gene"):
        plan_scan(path, ScanSettings())


def test_finished_chunks_are_used_again(five, tmp_path):
    settings = ScanSettings(window=31, chunk_nt=1)
    scored = []

    def fails(codes):
        if len(scored) == 2:
            raise KeyboardInterrupt
        scored.append(len(codes))
        return count_purines(codes)

    with pytest.raises(KeyboardInterrupt):
        scan(five, tmp_path / "sites.parquet", settings, fails)
    kept = tmp_path / "checkpoints" / scan_digest(five, settings, {})
    assert len(list(kept.glob("*.npy"))) == 2
    assert not (tmp_path / "sites.parquet").exists()
    (kept / ".stale.part").write_bytes(b"half")
    rest, seen, warnings = [], [], []

    def counts(codes):
        rest.append(len(codes))
        return count_purines(codes)

    options = {"progress": lambda *numbers: seen.append(numbers), "warn": warnings.append}
    described = scan(five, tmp_path / "sites.parquet", settings, counts, **options)
    assert seen[0] == (sum(scored), described["sites"])
    assert sum(scored) + sum(rest) == described["sites"]
    assert any("goes on from there" in line for line in warnings)
    assert not kept.exists()
    scan(five, tmp_path / "fresh.parquet", settings)
    assert (tmp_path / "sites.parquet").read_bytes() == (tmp_path / "fresh.parquet").read_bytes()


def test_damaged_chunks_are_named(five, tmp_path):
    settings = ScanSettings(window=31)
    folder = tmp_path / "checkpoints" / scan_digest(five, settings, {})
    folder.mkdir(parents=True)
    np.save(folder / "logits-000000.npy", np.zeros(3, dtype=np.float32))
    calibration = type("Flat", (), {"probability": staticmethod(expit)})
    with pytest.raises(InputError, match=r"logits-000000.npy: .*another scan; delete the file"):
        scan(five, tmp_path / "sites.parquet", settings, calibration=calibration)
    (folder / "logits-000000.npy").write_bytes(b"junk")
    with pytest.raises(InputError, match="damaged; delete the file"):
        scan(five, tmp_path / "sites.parquet", settings)


def test_the_digest_knows_what_decides_the_logits(five, write_transcripts):
    settings = ScanSettings()
    other = write_transcripts({"transcript": "t", "sequence": "GGACU"}, name="other.parquet")
    digests = {
        scan_digest(five, settings, {"model": "a"}),
        scan_digest(five, settings, {"model": "b"}),
        scan_digest(five, ScanSettings("A", 0), {"model": "a"}),
        scan_digest(other, settings, {"model": "a"}),
    }
    assert len(digests) == 4


def test_logits_that_are_no_numbers_end_the_scan(five, tmp_path):
    with pytest.raises(FloatingPointError, match="not finite"):
        scan(five, tmp_path / "sites.parquet", ScanSettings(), lambda codes: np.full(len(codes), np.nan))


JOB = """
import sys, time
import numpy as np
from rnamarks.prediction.plan import ScanSettings
from rnamarks.prediction.transcriptome import scan_transcripts
transcripts, out, checkpoints, pause = sys.argv[1:]
def score(codes):
    time.sleep(float(pause))
    return (codes * np.arange(1, codes.shape[1] + 1)).sum(axis=1).astype(np.float32)
settings = ScanSettings(window=31, chunk_nt=1)
scan_transcripts(transcripts, out, score, settings, checkpoints=checkpoints, identity={}, warn=print)
"""


def test_a_killed_job_ends_with_the_same_bytes(write_transcripts, tmp_path):
    path = write_transcripts(*({"transcript": f"t{i}", "sequence": random_rna(400, i) + "GGACU"} for i in range(12)))
    environment = dict(os.environ) | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}

    def start(pause):
        command = [sys.executable, "-c", JOB, path, tmp_path / "killed.parquet", tmp_path / "kept", pause]
        return subprocess.Popen(list(map(str, command)), env=environment, stdout=subprocess.PIPE, text=True)

    with start(0.2) as job:
        deadline = time.monotonic() + 60
        while len(list((tmp_path / "kept").glob("*/logits-*.npy"))) < 3:
            assert job.poll() is None, "the job ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(job.pid, signal.SIGKILL)
        assert job.wait() == -signal.SIGKILL
    assert 3 <= len(list((tmp_path / "kept").glob("*/logits-*.npy"))) < 12
    assert not (tmp_path / "killed.parquet").exists()
    with start(0) as job:
        said, _ = job.communicate(timeout=60)
    assert job.returncode == 0
    assert "were scored by an earlier run that did not end" in said
    scan(path, tmp_path / "whole.parquet", ScanSettings(window=31, chunk_nt=1))
    assert (tmp_path / "killed.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert not list((tmp_path / "kept").glob("*"))


def check_round_trip(transcripts, sites) -> None:
    """Genome position back to the position on the transcript, for every site; and the bases of overlapping sites."""
    coordinates = TranscriptMap(transcripts)
    row = pd.Index(transcripts["transcript"]).get_indexer(sites["transcript"])
    assert (row >= 0).all()
    assert (sites["start"] >= 0).all()
    assert (coordinates.to_transcript(row, sites["start"].to_numpy()) == sites["position"].to_numpy()).all()
    assert (coordinates.to_genome(row, sites["position"].to_numpy()) == sites["start"].to_numpy()).all()
    for name, at, kmer in zip(sites["transcript"], sites["position"], sites["kmer"], strict=True):
        text = transcripts["sequence"].iloc[pd.Index(transcripts["transcript"]).get_loc(name)]
        assert ("NN" + text + "NN")[at : at + 5] == kmer


def test_fly_round_trip_and_genome(tmp_path, shared_data):
    folder = shared_data / "transcripts" / "fly_chr4"
    rows = read_annotation(folder / "dmelanogaster_chr4.gtf.gz", Drops())
    built = build_transcripts(rows, folder / "dmelanogaster_chr4_genome.fa.gz", Drops(), workdir=tmp_path)
    write_parquet(built, tmp_path / "t.parquet")
    scan(tmp_path / "t.parquet", tmp_path / "sites.parquet", ScanSettings())
    sites, _ = read_parquet(tmp_path / "sites.parquet")
    without = built[~built["transcript"].isin(sites["transcript"])]
    assert len(built) == 334
    assert not any(len(find_motif(encode(text), "DRACH", 2)) for text in without["sequence"])
    check_round_trip(built, sites)
    (genome,) = read_records(folder / "dmelanogaster_chr4_genome.fa.gz")
    base = np.frombuffer(genome.sequence.encode(), dtype="S1")[sites["start"]]
    assert (base == np.where(sites["strand"] == "+", b"A", b"U")).all()
    assert set(sites["region"]) == {"utr5", "cds", "utr3", "noncoding"}


def test_hox_round_trip(tmp_path, shared_data):
    folder = shared_data / "transcripts" / "human_hox"
    rows = read_annotation(folder / "transcripts.gtf.gz", Drops())
    frame = read_transcript_fasta(folder / "transcripts.fasta.gz", Drops(), annotation=rows)
    write_parquet(frame, tmp_path / "t.parquet")
    scan(tmp_path / "t.parquet", tmp_path / "sites.parquet", ScanSettings())
    sites, _ = read_parquet(tmp_path / "sites.parquet")
    assert set(sites["transcript"]) == set(frame["transcript"])
    assert len(frame) == 14
    check_round_trip(frame, sites)


def test_chr22_without_coordinates(tmp_path, shared_data):
    frame = read_transcript_fasta(shared_data / "transcripts/human_chr22/refseq_chr22_transcripts.fa.gz", Drops())
    write_parquet(frame, tmp_path / "t.parquet")
    described = scan(tmp_path / "t.parquet", tmp_path / "sites.parquet", ScanSettings(chunk_nt=400_000))
    sites, _ = read_parquet(tmp_path / "sites.parquet")
    expected = sum(len(find_motif(encode(text), "DRACH", 2)) for text in frame["sequence"])
    assert described["sites"] == len(sites) == expected
    assert described["transcripts"] == 918
    assert set(sites["start"]) == {-1}
    assert set(sites["region"]) == {"unknown"}
