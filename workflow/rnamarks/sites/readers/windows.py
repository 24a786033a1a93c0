"""Sites published as sequence windows, found again in the genome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...errors import InputError
from ...sequences import UNKNOWN, encode, on_strand
from ..drops import Scope
from ..modifications import Modification
from .register import GENOME_READERS
from .rows import check_stated_assembly, site_table

if TYPE_CHECKING:
    import pyfaidx

_SEED = 16
_BLOCK = 4_000_000


@GENOME_READERS.add("windows")
def read_windows(
    path: str | Path,
    scope: Scope,
    *,
    assembly: str,
    modification: Modification,
    layout: Mapping[str, Any],
    genome: pyfaidx.Fasta,
) -> pd.DataFrame:
    """Windows with the site in the middle, each of which lies in the genome letter for letter and once.

    Windows with another base in the middle, without such a place and with several places are counted. A window
    across an exon junction has none, since it is not in the genome.

    Parameters
    ----------
    path, scope, assembly, modification
        As of all readers.
    layout : mapping
        ``windows``: the format of the file, of which modified windows are read: all of ``lines`` and ``fasta``, those
        that are labelled so, with this modification, of the others.
    genome : pyfaidx.Fasta

    Raises
    ------
    InputError
        If a window is shorter than 16 nt or of an even length, or the file is not of the format.
    """
    from ..window_formats import labelled_windows

    check_stated_assembly(path, assembly)
    form = layout["windows"]
    label = 1 if form in ("lines", "fasta") else None
    records = list(labelled_windows({"file": path, "format": form, "label": label}))
    modified = [record for record in records if record.label and record.modification in (None, modification.name)]
    if not modified:
        raise InputError("the file holds no modified window", path=path, remedy="check layout.windows")
    scope.count("window of an unmodified site", len(records) - len(modified))
    for record in modified:
        if len(record.sequence) < _SEED or len(record.sequence) % 2 == 0:
            raise InputError(
                f"a window of {len(record.sequence)} nt cannot be placed",
                path=path,
                line=record.line,
                value=record.sequence,
                remedy=f"give windows of odd length from {_SEED} nt on, with the site in the middle",
            )
    texts = pd.Series([record.sequence for record in modified])
    right = texts.map(lambda text: text[len(text) // 2] == modification.base)
    texts = scope.keep(texts, right, f"no {modification.base} in the middle").reset_index(drop=True)
    places = place_windows(list(texts), genome)
    found = np.bincount(places["window"], minlength=len(texts))
    scope.count("window not in the genome", (found == 0).sum())
    scope.count("window at several places of the genome", (found > 1).sum())
    places = places[(found == 1)[places["window"]]]
    starts = places["start"].to_numpy() + texts.str.len().to_numpy()[places["window"]] // 2
    return site_table(places, starts, scope, assembly=assembly, modification=modification)


def place_windows(sequences: Sequence[str], genome: pyfaidx.Fasta) -> pd.DataFrame:
    """Every place of the genome that reads letter for letter like a sequence, on either strand.

    Parameters
    ----------
    sequences : sequence of str
        RNA or DNA, at least 16 nt each. One with other letters than A, C, G, T and U has no place.
    genome : pyfaidx.Fasta

    Returns
    -------
    pandas.DataFrame
        ``window`` (index of the sequence), ``chrom``, ``start`` (0-based, of its leftmost nt on the forward strand),
        ``strand``.

    Notes
    -----
    The first 16 nt of each sequence and of its reverse complement are numbers of 32 bits, which are looked up among
    those of the genome. 4 million nt of a chromosome are looked through at a time: about 50 MB.
    """
    wanted: list[tuple[int, str, np.ndarray]] = []
    for number, sequence in enumerate(sequences):
        codes = encode(sequence)
        if UNKNOWN not in codes:
            wanted += [(number, strand, on_strand(codes, strand)) for strand in "+-"]
    rows: list[tuple[int, str, int, str]] = []
    seeds = np.array([_seeds(codes[:_SEED])[0] for _, _, codes in wanted], dtype=np.uint32)
    order = np.argsort(seeds, kind="stable")
    ascending = seeds[order]
    longest = max((len(codes) for _, _, codes in wanted), default=0)
    for chrom in genome.keys() if wanted else ():
        length = len(genome[chrom])
        for first in range(0, length, _BLOCK):
            block = encode(genome[chrom][first : min(length, first + _BLOCK + longest - 1)].seq)
            words = _seeds(block)[:_BLOCK]
            low = np.searchsorted(ascending, words, side="left")
            hits = np.flatnonzero(ascending[np.minimum(low, len(ascending) - 1)] == words)
            for at, begin, end in zip(hits, low[hits], np.searchsorted(ascending, words[hits], "right"), strict=True):
                for number, strand, codes in (wanted[entry] for entry in order[begin:end]):
                    if np.array_equal(block[at : at + len(codes)], codes):
                        rows.append((number, chrom, first + int(at), strand))
    frame = pd.DataFrame(rows, columns=["window", "chrom", "start", "strand"])
    return frame.astype({"window": np.int64, "start": np.int64}).sort_values("window", kind="stable")


def _seeds(codes: np.ndarray) -> np.ndarray:
    """Number of the 16 nt from each position on, shape=(len(codes) - 15,); what is no nucleotide counts as A."""
    letters = (codes % UNKNOWN).astype(np.uint32)
    count = max(0, len(codes) - _SEED + 1)
    words = np.zeros(count, dtype=np.uint32)
    for step in range(_SEED):
        words = (words << np.uint32(2)) | letters[step : step + count]
    return words
