"""Predicted sites by transcript and by gene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from ..errors import InputError
from ..sequences import encode
from .site_files import read_site_metadata, stream_sites

CALLED = 0.5
"""Sites with a probability above this are called, as in MASS."""
FDR = 0.1
"""Sites with a q below this are called at that rate of false calls."""

TRANSCRIPT_TABLE_COLUMNS = (
    "transcript",
    "gene",
    "gene_name",
    "biotype",
    "length",
    "cds_start",
    "cds_end",
    "gc",
    "sites",
    "mean_probability",
    "sum_probability",
    "called",
    "called_fdr",
)
GENE_TABLE_COLUMNS = (
    "gene",
    "gene_name",
    "transcript",
    "transcripts",
    "length",
    "cds_length",
    "gc",
    "sites",
    "mean_probability",
    "sum_probability",
    "called",
    "called_fdr",
)
_BATCH_ROWS = 1024


def summarise_transcripts(sites: str | Path, transcripts: str | Path) -> pd.DataFrame:
    """One row per transcript that was scanned, also where it has no site.

    Parameters
    ----------
    sites : path-like
        File of **predicted sites**.
    transcripts : path-like
        The Parquet of the **transcripts** border that was scanned.

    Returns
    -------
    pandas.DataFrame
        :data:`TRANSCRIPT_TABLE_COLUMNS`, in the order of the transcripts: ``length`` nt; ``cds_start``, ``cds_end``
        0-based half-open on the transcript, -1 for none; ``gc`` share of G and C among A, C, G and U;
        ``mean_probability`` (NaN without a site) and ``sum_probability`` over the sites; ``called`` sites with a
        probability above :data:`CALLED`, ``called_fdr`` with a q below :data:`FDR`.

    Raises
    ------
    InputError
        If the sites are of other transcripts, or have no probability.

    Notes
    -----
    One batch of sites and of sequences is in memory beside the table.
    """
    frame = _describe(transcripts)
    scanned = read_site_metadata(sites).get("transcripts")
    if scanned is not None and scanned != len(frame):
        raise InputError(
            f"the sites are of {scanned} transcripts and the file has {len(frame)}",
            path=transcripts,
            remedy="give the transcripts that were scanned",
        )
    index = pd.Index(frame["transcript"])
    counts, total, called, called_fdr = (np.zeros(len(frame)) for _ in range(4))
    for part in stream_sites(sites, ["transcript", "probability", "q"]):
        row = index.get_indexer(part["transcript"])
        if (row < 0).any():
            raise InputError(
                "a site is on a transcript that the file lacks",
                path=transcripts,
                value=part["transcript"][row < 0].iloc[0],
                remedy="give the transcripts that were scanned",
            )
        probability = part["probability"].to_numpy(dtype=np.float64)
        if np.isnan(probability).any():
            raise InputError(
                "the sites have no probability", path=sites, remedy="predict with a model that is calibrated"
            )
        for sums, weights in (
            (counts, None),
            (total, probability),
            (called, probability > CALLED),
            (called_fdr, part["q"].to_numpy() < FDR),
        ):
            sums += np.bincount(row, weights=weights, minlength=len(frame))
    frame["sites"] = counts.astype(np.int64)
    frame["mean_probability"] = np.divide(total, counts, out=np.full(len(frame), np.nan), where=counts > 0)
    frame["sum_probability"] = total
    frame["called"], frame["called_fdr"] = called.astype(np.int64), called_fdr.astype(np.int64)
    return frame[list(TRANSCRIPT_TABLE_COLUMNS)]


def summarise_genes(transcripts: pd.DataFrame) -> pd.DataFrame:
    """One row per gene, with the values of its representative transcript.

    That is the one with the longest coding sequence; of equal ones the longest; of equal ones the first in the table.
    A transcript whose gene is not known counts as a gene of its own, under the transcript's id.

    Parameters
    ----------
    transcripts : pandas.DataFrame
        As :func:`summarise_transcripts` gives it.

    Returns
    -------
    pandas.DataFrame
        :data:`GENE_TABLE_COLUMNS`, in the order in which the genes appear; ``transcripts`` is their number,
        ``cds_length`` in nt, 0 for none.
    """
    frame = transcripts.assign(
        gene=transcripts["gene"].where(transcripts["gene"].fillna("") != "", transcripts["transcript"]),
        cds_length=(transcripts["cds_end"] - transcripts["cds_start"]).astype(np.int64),
        order=np.arange(len(transcripts)),
    )
    ranked = frame.sort_values(["cds_length", "length", "order"], ascending=[False, False, True], kind="stable")
    genes = ranked.drop_duplicates("gene").set_index("gene")
    genes["transcripts"] = frame["gene"].value_counts()
    genes = genes.loc[frame["gene"].unique()].reset_index()
    return genes[list(GENE_TABLE_COLUMNS)]


def _describe(path: str | Path) -> pd.DataFrame:
    columns = ["transcript", "gene", "gene_name", "biotype", "cds_start", "cds_end"]
    with pq.ParquetFile(path, buffer_size=1 << 20) as file:
        missing = [name for name in (*columns, "sequence") if name not in file.schema_arrow.names]
        if missing:
            raise InputError(f"the table of transcripts lacks {', '.join(missing)}", path=path, remedy="build it again")
        frame = file.read(columns=columns).to_pandas()
        lengths, gc = [], []
        for batch in file.iter_batches(_BATCH_ROWS, columns=["sequence"]):
            for text in batch.column(0).to_pylist():
                counts = np.bincount(encode(text), minlength=5)
                lengths.append(len(text))
                gc.append((counts[1] + counts[2]) / counts[:4].sum() if counts[:4].any() else np.nan)
    if frame["transcript"].duplicated().any():
        twice = frame.loc[frame["transcript"].duplicated(), "transcript"].iloc[0]
        raise InputError("a transcript comes twice", path=path, value=twice, remedy="give each its own id")
    return frame.assign(length=np.array(lengths, dtype=np.int64), gc=np.array(gc, dtype=np.float64))
