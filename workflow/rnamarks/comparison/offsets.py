"""Whether the positions of a site table are where the modified base is: a scan of shifts and strands.

Tables are often off by one: positions that count from 1 written as BED, or the base before a stop of reverse
transcription in place of the base itself. The first moves all sites one way along the genome, the second along the RNA.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy

from ..dictionary import column_names
from ..sequences import ALPHABET, encode
from ..sites.motifs import motif_masks
from ..sites.site_tables import bases_at
from ..tasks import Task

REACH = 5
MOST = 100_000
"""Sites that are looked at, drawn at random where there are more."""
CLEARLY = 1.5
"""A shift is recommended if this many times as many sites fit, and chance is ruled out."""
_LEVEL = 1e-3


class Fit(NamedTuple):
    """How well sites fit the genome.

    Attributes
    ----------
    table : pandas.DataFrame
        Table ``offsets`` without the columns of the task; first the sites as given.
    sentence : str
        What the table says.
    remedy : str
        What to do to the file, "" if no other offset or strand is clearly better.
    """

    table: pd.DataFrame
    sentence: str
    remedy: str


def scan_offsets(sites: pd.DataFrame, genome_lookup: Callable[[str, int, int], str], task: Task) -> Fit:
    """Count sites on the task's base and in its motif at every shift, on the strand given and on the other.

    Parameters
    ----------
    sites : pandas.DataFrame
        ``chrom`` as the genome has it, ``start`` 0-based, ``strand``.
    genome_lookup : callable
        See :func:`rnamarks.sites.site_tables.bases_at`.
    task : Task

    Notes
    -----
    The motif is looked for in the genome, so one that spans an exon junction is not found. A shift is recommended if
    :data:`CLEARLY` times as many sites lie in the motif (on the base, of a task without motif) and an exact McNemar
    test of the sites that differ gives p below 0.001.
    """
    if len(sites) > MOST:
        sites = sites.iloc[np.sort(np.random.default_rng(0).choice(len(sites), MOST, replace=False))]
    motif, motif_offset = task.place
    masks = motif_masks(motif)
    base = 1 << ALPHABET.index(task.base) if task.base else int(masks[motif_offset])
    margin = REACH + max(motif_offset, len(masks) - 1 - motif_offset)
    bits = _letters(sites, genome_lookup, margin)
    forward = (sites["strand"] == "+").to_numpy()
    rows, fits = [], []
    for along, strand, offset in _places():
        ahead = forward if strand == "given" else ~forward
        step = np.where(ahead, 1, -1)
        middle = margin + offset * (1 if along == "genome" else step)
        on_base = _at(bits, middle, ahead) & base > 0
        in_motif = on_base.copy()
        for place, mask in enumerate(masks):
            in_motif &= _at(bits, middle + step * (place - motif_offset), ahead) & mask > 0
        fits.append(in_motif)
        rows.append((along, offset, strand, len(sites), on_base.sum(), on_base.mean(), in_motif.sum(), in_motif.mean()))
    table = pd.DataFrame(rows, columns=column_names("offsets", first="along", last="in_motif_share"))
    best = _clearly_better(table, fits)
    table["recommended"] = np.arange(len(table)) == best
    given = table.iloc[0]
    # at other offsets the base is as frequent as where the assembly is wrong
    elsewhere = table[(table["strand"] == "given") & (table["offset"] != 0)]
    chance = float(elsewhere["on_base_share"].mean())
    recommended = None if best is None else table.iloc[best].to_dict()
    remedy = "" if recommended is None else _remedy(recommended)
    return Fit(table, _say(given, recommended, remedy, task, chance), remedy)


def _places() -> Iterator[tuple[str, str, int]]:
    """Ways to move a site: as it is first, then along the genome, then along the RNA where that is another way."""
    yield "genome", "given", 0
    for along in ("genome", "rna"):
        for strand in ("given", "flipped"):
            for offset in range(-REACH, REACH + 1):
                if (strand, offset) != ("given", 0) and not (along == "rna" and offset == 0):
                    yield along, strand, offset


def _letters(sites: pd.DataFrame, lookup: Callable[[str, int, int], str], margin: int) -> np.ndarray:
    """Letters of the forward strand around each site as bits (1 A, 2 C, 4 G, 8 U; 0 unknown);
    shape=(len(sites), 2 * margin + 1)."""
    steps = np.arange(-margin, margin + 1)
    around = np.zeros((len(sites), len(steps)), dtype=np.uint8)
    places = sites["start"].to_numpy()[:, None] + steps
    inside = places >= 0
    chroms = np.repeat(sites["chrom"].to_numpy(), inside.sum(axis=1))
    letters = bases_at(pd.DataFrame({"chrom": chroms, "start": places[inside], "strand": "+"}), lookup)
    codes = encode("".join(np.where(letters == "", "N", letters)))
    around[inside] = np.where(codes < len(ALPHABET), 1 << np.minimum(codes, 3), 0)
    return around


def _at(bits: np.ndarray, column: np.ndarray | int, ahead: np.ndarray) -> np.ndarray:
    """Letters in a column of each row, complemented where the RNA runs against the genome."""
    found = bits[np.arange(len(bits)), np.broadcast_to(column, len(bits))]
    # bits of A and U, of C and G change places
    turned = (found & 1) << 3 | (found & 2) << 1 | (found & 4) >> 1 | (found & 8) >> 3
    return np.where(ahead, found, turned)


def _clearly_better(table: pd.DataFrame, fits: list[np.ndarray]) -> int | None:
    counts = table["in_motif"].to_numpy()
    best = int(np.argmax(counts))
    if not best or counts[best] < CLEARLY * counts[0]:
        return None
    gained, lost = (fits[best] & ~fits[0]).sum(), (fits[0] & ~fits[best]).sum()
    return best if scipy.stats.binomtest(int(gained), int(gained + lost)).pvalue < _LEVEL else None


def _remedy(recommended: dict) -> str:
    move = ["exchange + and -"] if recommended["strand"] == "flipped" else []
    offset = recommended["offset"]
    if offset and recommended["along"] == "genome":
        move.append(f"add {offset:+d} to every position (--shift {offset})")
    elif offset:
        move.append(f"move every site {abs(offset)} nt towards the {'3′' if offset > 0 else '5′'} end of its RNA")
    return " and ".join(move)


def _say(given: pd.Series, recommended: dict | None, remedy: str, task: Task, chance: float) -> str:
    motif = task.place[0]
    in_motif = f" and {given['in_motif_share']:.1%} in {motif}" if len(motif) > 1 else ""
    as_given = (
        f"As given, {given['on_base_share']:.1%} of {given['sites']:,} sites are on {task.base}{in_motif}; at other "
        f"offsets {chance:.1%} are on {task.base}, which is chance"
    )
    if recommended is not None:
        what = f"{task.base} in {motif}" if len(motif) > 1 else f"on {task.base}"
        return (
            f"{as_given}. {recommended['in_motif_share']:.1%} are {what} if you {remedy}: look at the file before you "
            "do. Nothing was moved here."
        )
    if given["on_base_share"] < 0.5:
        return (
            f"{as_given}. No offset from -{REACH} to {REACH} and neither strand is clearly better: is the file of "
            "another assembly than the genome, or of another modification?"
        )
    return f"{as_given}. No other offset or strand is clearly better."
