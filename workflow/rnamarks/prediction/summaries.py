"""Predicted sites by transcript and by gene."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from ..dictionary import column_names
from ..errors import InputError
from ..sequences import encode
from ..tables import open_tsv
from .external_sort import sort_tables
from .site_files import read_site_metadata, stream_sites
from .spool import lengths_of, open_transcripts, require_unique

CALLED = 0.5
"""Sites with a probability above this are called, as in MASS."""
FDR = 0.1
"""Sites with a ``false_fraction`` below this are called at that rate of false calls."""

_GENE_RUNS = pa.schema(
    [
        *((name, pa.string()) for name in ("transcript", "gene", "gene_name", "biotype")),
        *((name, pa.int64()) for name in ("length", "cds_start", "cds_end")),
        ("gc", pa.float64()),
        ("sites", pa.int64()),
        *((name, pa.float64()) for name in ("mean_probability", "sum_probability")),
        *((name, pa.int64()) for name in ("called", "called_fdr", "number")),
    ]
)
_BATCH_ROWS = 256
_RUN_ROWS = 1 << 12


def summarise_transcripts(sites: str | Path, transcripts: str | Path) -> Iterator[pd.DataFrame]:
    """One row per transcript that was scanned, also where it has no site.

    Parameters
    ----------
    sites : path-like
        File of **predicted sites**, in the order of the transcripts.
    transcripts : path-like
        The Parquet of the **transcripts** border that was scanned.

    Yields
    ------
    pandas.DataFrame
        ``predicted_transcripts``, some transcripts at a time, in their order: ``length`` nt; ``cds_start``,
        ``cds_end`` 0-based half-open on the transcript, -1 for none; ``gc`` fraction of G and C among A, C, G and U;
        ``mean_probability`` (NaN without a site) and ``sum_probability`` over the sites; ``called`` sites with a
        probability above :data:`CALLED`, ``called_fdr`` with a ``false_fraction`` below :data:`FDR`.

    Raises
    ------
    InputError
        If the sites are of other transcripts, or have no probability.

    Notes
    -----
    One batch of sites and of transcripts is in memory, and the ids once, to see that none comes twice.
    """
    waiting = stream_sites(sites, ["sequence", "probability", "false_fraction"])
    held = next(waiting, None)
    for frame in _describe(transcripts, read_site_metadata(sites).get("sequences")):
        index = pd.Index(frame["transcript"])
        counts, total, called, called_fdr = (np.zeros(len(frame)) for _ in range(4))
        while held is not None:
            row = index.get_indexer(held["sequence"])
            here = len(row) if (row >= 0).all() else int(np.argmin(row >= 0))
            row, part = row[:here], held[:here]
            probability = part["probability"].to_numpy(dtype=np.float64)
            if np.isnan(probability).any():
                raise InputError(
                    "the sites have no probability", path=sites, remedy="scan with a model that is calibrated"
                )
            for sums, weights in (
                (counts, None),
                (total, probability),
                (called, probability > CALLED),
                (called_fdr, part["false_fraction"].to_numpy() < FDR),
            ):
                sums += np.bincount(row, weights=weights, minlength=len(frame))
            held = held[here:]
            if len(held):
                break
            held = next(waiting, None)
        frame["sites"] = counts.astype(np.int64)
        frame["mean_probability"] = np.divide(total, counts, out=np.full(len(frame), np.nan), where=counts > 0)
        frame["sum_probability"] = total
        frame["called"], frame["called_fdr"] = called.astype(np.int64), called_fdr.astype(np.int64)
        yield frame[column_names("predicted_transcripts")]
    if held is not None:
        raise InputError(
            "a site is on a transcript that the file lacks, or has elsewhere",
            path=transcripts,
            value=held["sequence"].iloc[0],
            remedy="give the transcripts that were scanned",
        )


def summarise_genes(transcripts: Iterable[pd.DataFrame], folder: str | Path) -> Iterator[pd.DataFrame]:
    """One row per gene, with the values of its representative transcript.

    That is the one with the longest coding sequence; of equal ones the longest; of equal ones the first in the table.
    A transcript whose gene is not known counts as a gene of its own, under the transcript's id.

    Parameters
    ----------
    transcripts : iterable of pandas.DataFrame
        As :func:`summarise_transcripts` gives it.
    folder : path-like
        On whose disk the transcripts lie, sorted by gene, in a file without a name.

    Yields
    ------
    pandas.DataFrame
        ``predicted_genes``, some genes at a time, in the order in which they appear; ``transcripts`` is their
        number, ``cds_length`` in nt, 0 for none.

    Notes
    -----
    In memory are the names of the genes (about 150 bytes each) and some thousand transcripts.
    """
    numbers: dict[str, int] = {}

    def numbered() -> Iterator[pa.Table]:
        for frame in transcripts:
            gene = frame["gene"].where(frame["gene"].fillna("") != "", frame["transcript"])
            number = [numbers.setdefault(name, len(numbers)) for name in gene]
            frame = frame.assign(gene=gene, number=np.array(number, dtype=np.int64))
            yield pa.Table.from_pandas(frame, schema=_GENE_RUNS, preserve_index=False)

    for table in sort_tables(numbered(), ["number"], folder, run_rows=_RUN_ROWS):
        yield _represent(table.to_pandas())


def write_summaries(
    sites: str | Path, transcripts: str | Path, transcript_table: str | Path, gene_table: str | Path
) -> None:
    """Write the tables of :func:`summarise_transcripts` and :func:`summarise_genes` of one task's sites as TSV."""
    described = read_site_metadata(sites)
    (record,) = described["tasks"]
    metadata = {
        "predictor": described["predictor"],
        "task": record["name"],
        "modification": record["modification"],
        "motif": record["motif"],
        "model_sha256": described["model_sha256"],
    }
    with (
        open_tsv(transcript_table, column_names("predicted_transcripts"), metadata) as write_transcripts,
        open_tsv(gene_table, column_names("predicted_genes"), metadata) as write_genes,
    ):

        def written() -> Iterator[pd.DataFrame]:
            for frame in summarise_transcripts(sites, transcripts):
                write_transcripts(frame)
                yield frame

        for genes in summarise_genes(written(), Path(gene_table).parent):
            write_genes(genes)


def _represent(frame: pd.DataFrame) -> pd.DataFrame:
    """The genes of transcripts that are sorted by gene."""
    frame["cds_length"] = (frame["cds_end"] - frame["cds_start"]).astype(np.int64)
    # stable: of equal ones the first in the table
    ranked = frame.sort_values(["number", "cds_length", "length"], ascending=[True, False, False], kind="stable")
    counts = ranked.groupby("number", sort=False).size()
    return ranked.drop_duplicates("number").assign(transcripts=counts.to_numpy())[column_names("predicted_genes")]


def _describe(path: str | Path, scanned: object) -> Iterator[pd.DataFrame]:
    columns = ["transcript", "gene", "gene_name", "biotype", "cds_start", "cds_end"]
    with open_transcripts(path) as file:
        if scanned is not None and scanned != file.metadata.num_rows:
            raise InputError(
                f"the sites are of {scanned} transcripts and the file has {file.metadata.num_rows}",
                path=path,
                remedy="give the transcripts that were scanned",
            )
        require_unique(file.read(columns=["transcript"]).column(0), path)
        for batch in file.iter_batches(_BATCH_ROWS, columns=[*columns, "sequence"], use_threads=False):
            frame = batch.select(columns).to_pandas()
            counts = np.array([np.bincount(encode(text), minlength=5) for text in batch["sequence"].to_pylist()])
            known = counts[:, :4].sum(axis=1)
            frame["length"] = lengths_of(batch["sequence"])
            frame["gc"] = np.divide(
                counts[:, 1] + counts[:, 2], known, out=np.full(len(frame), np.nan), where=known > 0
            )
            yield frame
            pa.default_memory_pool().release_unused()
