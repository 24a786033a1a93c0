"""Tables by transcript and by gene."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import scan_world as world

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.evaluation.calibration import Calibration
from rnamarks.prediction import summaries
from rnamarks.prediction.site_files import stream_sites
from rnamarks.prediction.summaries import summarise_genes, summarise_transcripts, write_summaries
from rnamarks.tables import read_tsv


class First(world.Weighted):
    """Logits from -3 upwards, by the first letter of a window."""

    def score(self, codes, sites, *, attend=False, structure=None):
        return world.Scores({task: codes[at - 3].astype(np.float32) * 2 - 3 for task, at in sites.items()}, None)


def scan(transcripts, tmp_path, calibration=None):
    """Sites of transcripts."""
    constants = {"human": calibration} if calibration else {}
    world.WeightedScanner(First(7), calibration=constants).table(
        transcripts, tmp_path / "sites.parquet", predictor="multi"
    )
    return tmp_path / "sites.parquet"


def transcript_table(sites, path):
    return pd.concat(summarise_transcripts(sites, path), ignore_index=True)


DESCRIBED = {"predictor": "multi", "task": "human", "modification": "m6A", "motif": "DRACH", "model_sha256": "0" * 64}
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
    table = transcript_table(sites, path)
    assert list(table.columns) == column_names("predicted_transcripts")
    assert table["transcript"].tolist() == [row["transcript"] for row in ROWS]
    assert table["length"].tolist() == [14, 4, 7, 4, 8, 8]
    assert table["gc"].tolist()[:3] == pytest.approx([6 / 12, 1, 4 / 7])
    assert np.isnan(table["gc"][3])
    assert table["sites"].tolist() == [2, 0, 1, 0, 1, 1]
    frame = pd.concat(stream_sites(sites))
    by = frame.groupby("sequence")["probability"]
    for row in table.itertuples():
        own = frame[frame["sequence"] == row.transcript]
        assert row.sum_probability == pytest.approx(own["probability"].sum(), abs=1e-6)
        assert row.called == (own["probability"] > 0.5).sum()
        assert row.called_fdr == (own["false_fraction"] < 0.1).sum()
    assert table.set_index("transcript")["mean_probability"].dropna().to_dict() == pytest.approx(by.mean().to_dict())
    assert np.isnan(table["mean_probability"][1])
    assert table["sum_probability"][1] == 0
    assert table["called"].sum() > 0


def test_genes_are_represented_by_their_longest_coding_transcript(write_transcripts, tmp_path):
    path = write_transcripts(*ROWS)
    table = transcript_table(scan(path, tmp_path, Calibration(prevalence=0.5)), path)
    genes = pd.concat(summarise_genes([table], tmp_path), ignore_index=True)
    assert list(genes.columns) == column_names("predicted_genes")
    assert genes["gene"].tolist() == ["g1", "g2", "solo"]
    assert genes["transcript"].tolist() == ["g1.c", "g2.a", "solo"]
    assert genes["transcripts"].tolist() == [4, 1, 1]
    assert genes["cds_length"].tolist() == [6, 0, 0]
    chosen = table.set_index("transcript").loc["g1.c"]
    assert (genes.loc[0, "sites"], genes.loc[0, "mean_probability"]) == (chosen["sites"], chosen["mean_probability"])


def test_no_site_at_all(write_transcripts, tmp_path):
    path = write_transcripts({"transcript": "a", "sequence": "CCC"})
    table = transcript_table(scan(path, tmp_path, Calibration(prevalence=0.5)), path)
    assert table["sites"].tolist() == [0]
    assert len(pd.concat(summarise_genes([table], tmp_path))) == 1


def test_other_transcripts_than_those_scanned(write_transcripts, tmp_path):
    path = write_transcripts(*ROWS)
    sites = scan(path, tmp_path, Calibration(prevalence=0.5))
    with pytest.raises(InputError, match="sites are of 6 transcripts and the file has 1"):
        transcript_table(sites, write_transcripts(ROWS[0], name="one.parquet"))
    renamed = [row | {"transcript": f"x{at}"} for at, row in enumerate(ROWS)]
    with pytest.raises(InputError, match=r"a transcript that the file lacks, or has elsewhere \(found 'g1.a'\)"):
        transcript_table(sites, write_transcripts(*renamed, name="other.parquet"))


def test_uncalibrated_sites(write_transcripts, tmp_path):
    path = write_transcripts(*ROWS)
    with pytest.raises(InputError, match="no probability"):
        transcript_table(scan(path, tmp_path), path)


def in_memory(sites, transcripts) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables with everything at hand."""
    frame = pd.read_parquet(transcripts)
    text = frame["sequence"]
    known = text.str.count("[ACGU]")
    frame["length"], frame["gc"] = text.str.len(), text.str.count("[GC]") / known.where(known > 0)
    groups = pd.read_parquet(sites).astype({"probability": float}).groupby("sequence")
    for name, values in (
        ("sites", groups.size()),
        ("mean_probability", groups["probability"].mean()),
        ("sum_probability", groups["probability"].sum()),
        ("called", groups["probability"].agg(lambda values: (values > 0.5).sum())),
        ("called_fdr", groups["false_fraction"].agg(lambda values: (values < 0.1).sum())),
    ):
        frame[name] = frame["transcript"].map(values)
        if name != "mean_probability":
            frame[name] = frame[name].fillna(0)
    frame = frame[column_names("predicted_transcripts")]
    genes = frame.assign(gene=frame["gene"].where(frame["gene"] != "", frame["transcript"]), order=range(len(frame)))
    genes["cds_length"] = genes["cds_end"] - genes["cds_start"]
    first = genes.groupby("gene")["order"].min()
    ranked = genes.sort_values(["cds_length", "length", "order"], ascending=[False, False, True])
    chosen = ranked.drop_duplicates("gene").set_index("gene").loc[first.sort_values().index]
    chosen["transcripts"] = genes["gene"].value_counts()
    return frame, chosen.reset_index()[column_names("predicted_genes")]


def test_streamed_tables_are_those_made_in_memory(write_transcripts, tmp_path, monkeypatch):
    """Isoforms far apart, genes without a name, ties in length, and batches much smaller than the tables."""
    rng = np.random.default_rng(8)
    rows = []
    for at in range(60):
        length = int(rng.integers(3, 60))
        sequence = "".join(rng.choice(list("GGACUN"), length)) + "GGACU" * int(rng.integers(3))
        coding = {"cds_start": 0, "cds_end": 3 * int(rng.integers(1, 3))} if rng.random() < 0.5 else {}
        gene = f"g{rng.integers(12)}" if rng.random() < 0.9 else ""
        rows.append({"transcript": f"t{at}", "gene": gene, "gene_name": gene.upper(), "sequence": sequence} | coding)
    path = write_transcripts(*rows)
    sites = scan(path, tmp_path, Calibration(prevalence=0.5))
    monkeypatch.setattr(summaries, "_BATCH_ROWS", 7)
    monkeypatch.setattr(summaries, "_RUN_ROWS", 5)
    monkeypatch.setattr(summaries, "stream_sites", lambda path, columns: stream_sites(path, columns, rows=4))
    write_summaries(sites, path, tmp_path / "t.tsv", tmp_path / "g.tsv")
    for name, expected in zip(("t.tsv", "g.tsv"), in_memory(sites, path), strict=True):
        table, metadata = read_tsv(tmp_path / name)
        assert metadata == DESCRIBED
        pd.testing.assert_frame_equal(
            table.fillna({"gene": "", "gene_name": "", "biotype": ""}), expected, check_dtype=False, rtol=1e-9
        )


def test_tables_without_a_transcript_have_a_header(write_transcripts, tmp_path):
    path = write_transcripts(ROWS[0])
    sites = scan(path, tmp_path, Calibration(prevalence=0.5))
    pd.read_parquet(path).iloc[:0].to_parquet(path)
    sites = scan(path, tmp_path, Calibration(prevalence=0.5))
    write_summaries(sites, path, tmp_path / "t.tsv", tmp_path / "g.tsv")
    for name, columns in (("t.tsv", column_names("predicted_transcripts")), ("g.tsv", column_names("predicted_genes"))):
        lines = (tmp_path / name).read_text().splitlines()
        assert lines[len(DESCRIBED) :] == ["\t".join(columns)]


def test_sites_in_another_order_than_the_transcripts(write_transcripts, tmp_path, monkeypatch):
    monkeypatch.setattr(summaries, "_BATCH_ROWS", 2)
    sites = scan(write_transcripts(*ROWS), tmp_path, Calibration(prevalence=0.5))
    path = write_transcripts(*reversed(ROWS), name="reversed.parquet")
    with pytest.raises(InputError, match="or has elsewhere"):
        transcript_table(sites, path)
