"""Predicted sites: the table, isoforms merged on the genome, and TSV, BED and bigWig from it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import InputError
from ..files import atomic_path, write_text
from ..tables import METADATA_KEY

KMER = 5
"""Letters shown around a site, the site in the middle."""

SITE_SCHEMA = pa.schema(
    [
        pa.field("transcript", pa.string()),
        pa.field("gene", pa.string()),
        pa.field("gene_name", pa.string()),
        pa.field("position", pa.int32()),
        pa.field("length", pa.int32()),
        pa.field("chrom", pa.string()),
        pa.field("start", pa.int64()),
        pa.field("strand", pa.string()),
        pa.field("region", pa.string()),
        pa.field("kmer", pa.string()),
        pa.field("logit", pa.float32()),
        pa.field("probability", pa.float32()),
        pa.field("q", pa.float32()),
    ]
)
"""Border **predicted sites**: ``position`` 0-based on the transcript, 5' to 3'; ``start`` 0-based on the forward strand
of the genome, -1 where it is not known; ``kmer`` RNA, N beyond the transcript; ``logit`` natural-log odds as trained,
at 1:1."""
SITE_COLUMNS = tuple(SITE_SCHEMA.names)

MERGED_COLUMNS = (
    "chrom",
    "start",
    "end",
    "strand",
    "kmer",
    "gene",
    "gene_name",
    "transcript",
    "region",
    "logit",
    "probability",
    "q",
    "isoforms",
    "transcripts",
)
_TEXTS = ("transcript", "gene", "gene_name", "chrom", "strand", "region", "kmer")
_BATCH_ROWS = 1 << 16


class MergedSites(NamedTuple):
    """``sites``: columns :data:`MERGED_COLUMNS`, one row per genome position and strand; ``rows``: rows that were
    merged, and ``without_coordinates``: rows that could not be."""

    sites: pd.DataFrame
    rows: int
    without_coordinates: int


def with_metadata(schema: pa.Schema, metadata: Mapping[str, object]) -> pa.Schema:
    """The schema with metadata where :func:`rnamarks.tables.read_parquet` looks for it."""
    return schema.with_metadata({METADATA_KEY: json.dumps(dict(metadata), sort_keys=True).encode()})


def read_site_metadata(path: str | Path) -> dict[str, object]:
    """What a file of **predicted sites** says of itself: model, head, motif, numbers of transcripts and sites."""
    with _open_sites(path) as file:
        return json.loads((file.schema_arrow.metadata or {}).get(METADATA_KEY, b"{}"))


def stream_sites(
    path: str | Path, columns: Sequence[str] = SITE_COLUMNS, rows: int = _BATCH_ROWS
) -> Iterator[pd.DataFrame]:
    """Rows of a file of **predicted sites**, in its order, some at a time; a file without a row gives nothing."""
    with _open_sites(path) as file:
        for batch in file.iter_batches(rows, columns=list(columns)):
            yield pa.Table.from_batches([batch]).to_pandas()


def write_sites_tsv(path: str | Path, out: str | Path | TextIO) -> None:
    """Turn a file of **predicted sites** into tab-separated text, its metadata as ``#key=value`` lines on top.

    Parameters
    ----------
    path : path-like
    out : path-like or text stream
        A path that ends in ``.gz`` is compressed.
    """
    if isinstance(out, str | Path):
        with write_text(out) as handle:
            write_sites_tsv(path, handle)
        return
    for key, value in sorted(read_site_metadata(path).items()):
        out.write(f"#{key}={'' if value is None else value}\n")
    out.write("\t".join(SITE_COLUMNS) + "\n")
    for frame in stream_sites(path):
        frame.to_csv(out, sep="\t", index=False, header=False, lineterminator="\n", float_format="%.7g")


def merge_isoforms(path: str | Path) -> MergedSites:
    """One row per genome position and strand: the transcript with the highest probability speaks for the site.

    Isoforms see other windows around the same nucleotide near their ends and splice sites, hence other probabilities.
    Of equal ones the first in the file is taken. Its gene, region, k-mer, logit, probability and q are kept, and all
    transcripts that were scored there are listed in the file's order, whatever their probability.

    Parameters
    ----------
    path : path-like
        File of **predicted sites**.

    Returns
    -------
    MergedSites
        Sorted by chromosome (as text), start and strand. ``transcripts`` are joined by ``,`` and ``isoforms`` is their
        number.

    Raises
    ------
    InputError
        If the sites have no probability because the model has no calibration.

    Notes
    -----
    About 100 bytes per row of the file.
    """
    with _open_sites(path, read_dictionary=list(_TEXTS)) as file:
        table = file.read(columns=[name for name in SITE_COLUMNS if name not in ("position", "length")])
    n_rows = table.num_rows
    table = table.filter(pc.greater_equal(table["start"], 0)).unify_dictionaries()
    codes, texts = {}, {}
    for name in _TEXTS:
        codes[name], texts[name] = _dictionary(table[name])
    start, logit, probability, q = (table[name].to_numpy() for name in ("start", "logit", "probability", "q"))
    if np.isnan(probability).any():
        raise InputError("the sites have no probability", path=path, remedy="predict with a model that is calibrated")
    order = np.lexsort((start, codes["strand"], codes["chrom"]))
    fresh = np.ones(len(order), dtype=bool)
    if len(order):
        fresh[1:] = False
        for key in (codes["chrom"], start, codes["strand"]):
            fresh[1:] |= key[order[1:]] != key[order[:-1]]
    first = np.flatnonzero(fresh)
    isoforms = np.diff(first, append=len(order))
    falling = np.lexsort((order, -probability[order], np.cumsum(fresh)))
    best = order[falling][first]
    frame = pd.DataFrame({name: texts[name][codes[name][best]] for name in _TEXTS}, dtype=object)
    frame["start"], frame["end"] = start[best], start[best] + 1
    frame["logit"], frame["probability"], frame["q"] = logit[best], probability[best], q[best]
    frame["isoforms"] = isoforms
    transcript = texts["transcript"][codes["transcript"][order]]
    listed = transcript[first]
    for row in np.flatnonzero(isoforms > 1):
        listed[row] = ",".join(transcript[first[row] : first[row] + isoforms[row]])
    frame["transcripts"] = listed
    frame = frame.sort_values(["chrom", "start", "strand"], ignore_index=True)
    return MergedSites(frame[list(MERGED_COLUMNS)], len(start), n_rows - len(start))


def _dictionary(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Codes, shape=(n,), and the texts that they stand for, of a column with one dictionary."""
    if not column.num_chunks:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=object)
    codes = np.concatenate([chunk.indices.to_numpy(zero_copy_only=False) for chunk in column.chunks])
    return codes, np.array(column.chunk(0).dictionary.to_pylist(), dtype=object)


def select_sites(sites: pd.DataFrame, *, above: float | None = None, fdr: float | None = None) -> pd.DataFrame:
    """Sites with a probability above ``above`` and a q below ``fdr``; None for no limit.

    Parameters
    ----------
    sites : pandas.DataFrame
        With the columns ``probability`` and ``q``.
    """
    require_limits(above, fdr)
    keep = np.ones(len(sites), dtype=bool)
    if above is not None:
        keep &= sites["probability"].to_numpy() > above
    if fdr is not None:
        keep &= sites["q"].to_numpy() < fdr
    return sites[keep].reset_index(drop=True)


def require_limits(above: float | None, fdr: float | None) -> None:
    """Raise :class:`InputError` unless both are None or a share."""
    for name, limit in (("above", above), ("fdr", fdr)):
        if limit is not None and not 0 <= limit <= 1:
            raise InputError(f"{name} is no share", value=limit, remedy="give a number from 0 to 1")


def export_comments(
    metadata: Mapping[str, object],
    merged: MergedSites,
    chosen: pd.DataFrame,
    *,
    above: float | None = None,
    fdr: float | None = None,
) -> list[str]:
    """What stands above exported sites: that they are predictions, whose, and how many were left out and why.

    Parameters
    ----------
    metadata : mapping
        See :func:`read_site_metadata`.
    merged : MergedSites
    chosen : pandas.DataFrame
        Those of ``merged`` that are exported.
    above, fdr : float, optional
        As given to :func:`select_sites`.
    """
    model, head = metadata.get("predictor") or "unnamed", metadata.get("head")
    limits = [f"a probability of at most {above:g}"] if above is not None else []
    limits += [f"q of at least {fdr:g}"] if fdr is not None else []
    lines = [
        "sites are PREDICTIONS from sequence, not measured",
        f"model {model}, head {head}, weights sha256 {metadata.get('model_sha256')}",
        f"{metadata.get('sites')} occurrences of {metadata.get('motif')} on {metadata.get('transcripts')} transcripts; "
        f"{merged.without_coordinates} without genome coordinates left out",
        f"{merged.rows} on the genome merged to {len(merged.sites)} positions, each with its most probable isoform",
    ]
    if limits:
        lines.append(f"{len(merged.sites) - len(chosen)} with {' or '.join(limits)} left out")
    return [*lines, f"{len(chosen)} sites below"]


def display_score(probability: np.ndarray) -> np.ndarray:
    """BED's score, a whole number from 0 to 1000: a thousand times the probability."""
    return np.round(1000 * np.asarray(probability, dtype=np.float64)).astype(np.int64)


def write_bed(sites: pd.DataFrame, path: str | Path, name: str, comments: Sequence[str] = ()) -> None:
    """Write merged sites as BED6.

    Parameters
    ----------
    sites : pandas.DataFrame
        Columns ``chrom``, ``start`` (0-based), ``strand``, ``probability``; sorted.
    path : path-like
    name : str
        Short name of the modification, the fourth column.
    comments : sequence of str
        Lines above the sites, written behind ``# ``.
    """
    table = pd.DataFrame(
        {
            "chrom": sites["chrom"],
            "start": sites["start"],
            "end": sites["start"] + 1,
            "name": name,
            "score": display_score(sites["probability"]),
            "strand": sites["strand"],
        }
    )
    with write_text(path) as handle:
        handle.writelines(f"# {line}\n" for line in comments)
        table.to_csv(handle, sep="\t", index=False, header=False, lineterminator="\n")


def chromosome_sizes(transcripts: str | Path, genome: Mapping[str, int] | None = None) -> dict[str, int]:
    """Lengths of the chromosomes that carry transcripts, for bigWig.

    Parameters
    ----------
    transcripts : path-like
        Parquet of the **transcripts** border.
    genome : mapping, optional
        Lengths of the genome's sequences in nt. Without it a chromosome is taken to end with its last exon, which is
        enough to hold every site.

    Returns
    -------
    dict of str to int
        In sorted order of the names; empty where no transcript has coordinates.
    """
    sizes: dict[str, int] = {}
    with pq.ParquetFile(transcripts, buffer_size=1 << 20) as file:
        for batch in file.iter_batches(1024, columns=["chrom", "exon_ends"]):
            for chrom, ends in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                if ends:
                    sizes[chrom] = max(sizes.get(chrom, 0), ends[-1])
    if genome is not None:
        missing = [chrom for chrom, size in sizes.items() if genome.get(chrom, -1) < size]
        if missing:
            raise InputError(
                "the genome lacks a chromosome of the transcripts, or has a shorter one",
                path=transcripts,
                value=missing[0],
                remedy="give the genome that the transcripts were built from",
            )
        sizes = {chrom: genome[chrom] for chrom in sizes}
    return dict(sorted(sizes.items()))


def write_bigwig(sites: pd.DataFrame, path: str | Path, strand: str, sizes: Mapping[str, int]) -> None:
    """Write the probabilities of one strand's merged sites as bigWig.

    Parameters
    ----------
    sites : pandas.DataFrame
        Columns ``chrom``, ``start`` (0-based), ``strand``, ``probability``; sorted.
    path : path-like
    strand : {"+", "-"}
    sizes : mapping
        See :func:`chromosome_sizes`.

    Raises
    ------
    InputError
        If no chromosome is known.
    """
    import pyBigWig

    if not sizes:
        raise InputError(
            "a bigWig needs chromosomes, and no transcript has coordinates",
            path=path,
            remedy="give the transcripts with an annotation",
        )
    chosen = sites[sites["strand"] == strand]
    with atomic_path(path) as part:
        track = pyBigWig.open(str(part), "w")
        try:
            track.addHeader(list(sizes.items()))
            for chrom in sizes:
                rows = chosen[chosen["chrom"] == chrom]
                if len(rows):
                    starts = rows["start"].tolist()
                    track.addEntries(
                        [chrom] * len(rows),
                        starts,
                        ends=[start + 1 for start in starts],
                        values=rows["probability"].astype(float).tolist(),
                    )
        finally:
            track.close()


def _open_sites(path: str | Path, **options: object) -> pq.ParquetFile:
    if not Path(path).is_file():
        raise InputError("no such file", path=path, remedy="predict the sites first")
    try:
        file = pq.ParquetFile(path, buffer_size=1 << 20, **options)
    except pa.ArrowInvalid as error:
        raise InputError("not a Parquet file, or a damaged one", path=path, remedy="predict the sites again") from error
    missing = [name for name in SITE_COLUMNS if name not in file.schema_arrow.names]
    if missing:
        file.close()
        raise InputError(f"the table of sites lacks {', '.join(missing)}", path=path, remedy="predict the sites again")
    return file
