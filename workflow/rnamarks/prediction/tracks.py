"""Merged sites as BED and bigWig."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from ..errors import InputError
from ..files import write_bytes, write_text
from ..tables import TSV, metadata_of, open_parquet

STRANDS = (("+", "plus"), ("-", "minus"))
"""Strands, and what the bigWig files of each are called."""


def display_score(probability: np.ndarray) -> np.ndarray:
    """BED's score, a whole number from 0 to 1000: a thousand times the probability."""
    return np.round(1000 * np.asarray(probability, dtype=np.float64)).astype(np.int64)


def write_bed(
    sites: Iterable[pd.DataFrame], path: str | Path, comments: Sequence[str] = (), *, colour: str = ""
) -> None:
    """Write merged sites as BED6, the modification as the name, or as BED9 in a colour.

    Parameters
    ----------
    sites : iterable of pandas.DataFrame
        Columns ``chrom``, ``start`` (0-based), ``strand``, ``modification``, ``probability``;
        some sites at a time, sorted.
    path : path-like
    comments : sequence of str
        Lines above the sites, written behind ``# ``.
    colour : str
        ``#RRGGBB``; BED9 has it.
    """
    with write_text(path) as handle:
        handle.writelines(f"# {line}\n" for line in comments)
        for frame in sites:
            table = pd.DataFrame(
                {
                    "chrom": frame["chrom"],
                    "start": frame["start"],
                    "end": frame["start"] + 1,
                    "name": frame["modification"],
                    "score": display_score(frame["probability"]),
                    "strand": frame["strand"],
                }
            )
            if colour:
                table = table.assign(thickStart=table["start"], thickEnd=table["end"], itemRgb=rgb_text(colour))
            table.to_csv(handle, header=False, **TSV)


def chromosome_sizes(transcripts: str | Path) -> dict[str, int]:
    """Lengths of the chromosomes that carry transcripts, for bigWig: those of the genome, or where there was none up to
    the last exon.

    Parameters
    ----------
    transcripts : path-like
        Parquet of the **transcripts** border.

    Returns
    -------
    dict of str to int
        In sorted order of the names; empty where no transcript has coordinates.
    """
    sizes: dict[str, int] = {}
    with open_parquet(transcripts, buffer_size=1 << 20, pre_buffer=False) as file:
        lengths = metadata_of(file).get("lengths", {})
        for batch in file.iter_batches(1024, columns=["chrom", "exon_ends"]):
            for chrom, ends in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                if ends:
                    sizes[chrom] = lengths.get(chrom) or max(sizes.get(chrom, 0), ends[-1])
    return dict(sorted(sizes.items()))


def write_bigwig(sites: Iterable[pd.DataFrame], path: str | Path, strand: str, sizes: Mapping[str, int]) -> None:
    """Write the probabilities of one strand's merged sites as bigWig.

    Parameters
    ----------
    sites : iterable of pandas.DataFrame
        Columns ``chrom``, ``start`` (0-based), ``strand``, ``probability``; some sites at a time, sorted.
    path : path-like
    strand : {"+", "-"}
    sizes : mapping
        See :func:`chromosome_sizes`.

    Raises
    ------
    InputError
        If no chromosome is known.

    Notes
    -----
    pyBigWig holds the zoom levels until the file is closed, about 50 bytes per site of the strand. The file itself is
    made in memory, about 12 bytes per site: on a disk that becomes full pyBigWig ends the process, or never ends.
    """
    import pyBigWig

    if not sizes:
        raise InputError(
            "a bigWig needs chromosomes, and no transcript has coordinates",
            path=path,
            remedy="give the transcripts with an annotation",
        )
    with write_bytes(path) as handle, _file_for_pybigwig() as (made, name):
        track = pyBigWig.open(name, "w")
        try:
            track.addHeader(list(sizes.items()))
            for frame in sites:
                for chrom, rows in frame[frame["strand"] == strand].groupby("chrom", sort=False):
                    starts = rows["start"].to_numpy()
                    track.addEntries(
                        np.full(len(rows), chrom),
                        starts,
                        ends=starts + 1,
                        values=rows["probability"].to_numpy(dtype=np.float64),
                    )
        finally:
            track.close()
        shutil.copyfileobj(made, handle, 1 << 20)


@contextmanager
def _file_for_pybigwig() -> Iterator[tuple[BinaryIO, str]]:
    """A file in memory, and a name by which a library can open it; outside Linux a temporary one."""
    if hasattr(os, "memfd_create"):
        with open(os.memfd_create("rnamarks"), "rb") as made:
            yield made, f"/proc/self/fd/{made.fileno()}"
    else:
        with tempfile.NamedTemporaryFile(prefix="rnamarks.") as made:
            yield made, made.name


def rgb_text(colour: str) -> str:
    """``#RRGGBB`` as browsers want it: three whole numbers."""
    return ",".join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
