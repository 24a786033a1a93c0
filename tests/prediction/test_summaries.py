"""Tables by transcript and by gene."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnamarks.errors import InputError
from rnamarks.evaluation.calibration import Calibration
from rnamarks.prediction.site_files import stream_sites
from rnamarks.prediction.summaries import (
    GENE_TABLE_COLUMNS,
    TRANSCRIPT_TABLE_COLUMNS,
    summarise_genes,
    summarise_transcripts,
)
from rnamarks.prediction.transcriptome import ScanSettings, scan_transcripts


def scan(transcripts, tmp_path, calibration=None):
    """Sites whose logits run from -5 upwards."""
    scan_transcripts(
        transcripts,
        tmp_path / "sites.parquet",
        lambda codes: codes[:, 0].astype(np.float32) * 2 - 3,
        ScanSettings(window=7),
        checkpoints=tmp_path / "checkpoints",
        identity={},
        calibration=calibration,
    )
    return tmp_path / "sites.parquet"


ROWS = (
    {"transcript": "g1.a", "gene": "g1", "gene_name": "G", "sequence": "UGGACUAGGACUNN", "cds_start": 1, "cds_end": 4},
    {"transcript": "g2.a", "gene": "g2", "sequence": "CCCC", "biotype": "ncRNA"},
    {"transcript": "g1.b", "gene": "g1", "gene_name": "G", "sequence": "UGGACUC", "cds_start": 0, "cds_end": 6},
    {"transcript": "solo", "sequence": "NNNN"},
    {"transcript": "g1.c", "gene": "g1", "gene_name": "G", "sequence": "UGGACUCA", "cds_start": 0, "cds_end": 6},
    {"transcript": "g1.d", "gene": "g1", "gene_name": "G", "sequence": "CGGACUCA", "cds_start": 1, "cds_end": 7},
)


def test_transcripts(write_transcripts, tmp_path):
    path = write_transcripts(*ROWS)
    sites = scan(path, tmp_path, Calibration(prevalence=0.5))
    table = summarise_transcripts(sites, path)
    assert tuple(table.columns) == TRANSCRIPT_TABLE_COLUMNS
    assert table["transcript"].tolist() == [row["transcript"] for row in ROWS]
    assert table["length"].tolist() == [14, 4, 7, 4, 8, 8]
    assert table["gc"].tolist()[:3] == pytest.approx([6 / 12, 1, 4 / 7])
    assert np.isnan(table["gc"][3])
    assert table["sites"].tolist() == [2, 0, 1, 0, 1, 1]
    frame = pd.concat(stream_sites(sites))
    by = frame.groupby("transcript")["probability"]
    for row in table.itertuples():
        own = frame[frame["transcript"] == row.transcript]
        assert row.sum_probability == pytest.approx(own["probability"].sum(), abs=1e-6)
        assert row.called == (own["probability"] > 0.5).sum()
        assert row.called_fdr == (own["q"] < 0.1).sum()
    assert table.set_index("transcript")["mean_probability"].dropna().to_dict() == pytest.approx(by.mean().to_dict())
    assert np.isnan(table["mean_probability"][1])
    assert table["sum_probability"][1] == 0
    assert table["called"].sum() > 0


def test_genes_are_represented_by_their_longest_coding_transcript(write_transcripts, tmp_path):
    path = write_transcripts(*ROWS)
    table = summarise_transcripts(scan(path, tmp_path, Calibration(prevalence=0.5)), path)
    genes = summarise_genes(table)
    assert tuple(genes.columns) == GENE_TABLE_COLUMNS
    assert genes["gene"].tolist() == ["g1", "g2", "solo"]
    assert genes["transcript"].tolist() == ["g1.c", "g2.a", "solo"]
    assert genes["transcripts"].tolist() == [4, 1, 1]
    assert genes["cds_length"].tolist() == [6, 0, 0]
    chosen = table.set_index("transcript").loc["g1.c"]
    assert (genes.loc[0, "sites"], genes.loc[0, "mean_probability"]) == (chosen["sites"], chosen["mean_probability"])


def test_no_site_at_all(write_transcripts, tmp_path):
    path = write_transcripts({"transcript": "a", "sequence": "CCC"})
    table = summarise_transcripts(scan(path, tmp_path, Calibration(prevalence=0.5)), path)
    assert table["sites"].tolist() == [0]
    assert len(summarise_genes(table)) == 1


def test_other_transcripts_than_those_scanned(write_transcripts, tmp_path):
    path = write_transcripts(*ROWS)
    sites = scan(path, tmp_path, Calibration(prevalence=0.5))
    with pytest.raises(InputError, match="sites are of 6 transcripts and the file has 1"):
        summarise_transcripts(sites, write_transcripts(ROWS[0], name="one.parquet"))
    renamed = [row | {"transcript": f"x{at}"} for at, row in enumerate(ROWS)]
    with pytest.raises(InputError, match=r"a transcript that the file lacks \(found 'g1.a'\)"):
        summarise_transcripts(sites, write_transcripts(*renamed, name="other.parquet"))


def test_uncalibrated_sites(write_transcripts, tmp_path):
    path = write_transcripts(*ROWS)
    with pytest.raises(InputError, match="no probability"):
        summarise_transcripts(scan(path, tmp_path), path)
