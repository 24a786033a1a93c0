"""Site tables: the border format, and what is done to whole tables before they meet a transcriptome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..dictionary import column_names
from ..errors import InputError
from ..tables import write_tsv
from .contigs import match_contigs
from .drops import Scope

# one column more where a run names the technologies of its sources
TECHNOLOGIES = "technologies"

# one lookup reads at most this much and joins sites that lie at most this far apart
_BLOCK = 1_000_000
_GAP = 2_000

# RNA nucleotide of a genome byte read on either strand; byte 0 stands for a position off the end
_PLUS_BASE = np.array(["", *map(chr, range(1, 256))], dtype="U1")
_MINUS_BASE = _PLUS_BASE.copy()
_PLUS_BASE[ord("T")] = "U"
_MINUS_BASE[[ord(letter) for letter in "ACGTU"]] = list("UGCAA")


def write_sites(sites: pd.DataFrame, path: str | Path, assembly: str) -> None:
    """Write a site table with its ``#assembly=`` line: table ``sites``, and ``technologies`` if it is there."""
    columns = [*column_names("sites"), *(name for name in (TECHNOLOGIES,) if name in sites)]
    write_tsv(sites[columns], path, {"assembly": assembly})


def harmonise_chromosomes(
    frame: pd.DataFrame, known_names: Iterable[str], scope: Scope, *, path: str | Path | None = None
) -> pd.DataFrame:
    """Rename chromosomes as the genome file has them; rows on unknown ones are dropped and counted.

    A file that mixes two namings may name one site twice afterwards, which :func:`merge_sites` mends.

    Parameters
    ----------
    frame : pandas.DataFrame
        Any table with a column ``chrom``.
    known_names : iterable of str
        Names in the genome file, see :func:`rnamarks.sites.contigs.match_contigs`.
    scope : Scope
        Where the drop is counted.
    path : path-like, optional
        The file that the sites came from, for the message.

    Raises
    ------
    InputError
        If fewer than half of the rows are on a known chromosome.
    """
    known = list(known_names)
    renamed = frame["chrom"].map(match_contigs(frame["chrom"].unique(), known))
    matched = renamed.notna().to_numpy()
    if len(frame) and matched.mean() < 0.5:
        raise InputError(
            f"only {matched.mean():.0%} of the rows are on a chromosome of the genome ({', '.join(known[:3])}, ...)",
            path=path,
            value=frame["chrom"].to_numpy()[~matched][0],
            remedy="check that sites and genome are of one assembly and naming",
        )
    return scope.keep(frame.assign(chrom=renamed), matched, "chromosome not in the genome")


def bases_at(sites: pd.DataFrame, genome_lookup: Callable[[str, int, int], str]) -> np.ndarray:
    """RNA base of each site on its own strand.

    Parameters
    ----------
    sites : pandas.DataFrame
        Columns ``chrom``, ``start`` (0-based), ``strand``.
    genome_lookup : callable
        ``(chrom, start, end)`` to the plus-strand text of ``[start, end)``, cut at the chromosome's end.

    Returns
    -------
    numpy.ndarray, shape=(len(sites),), dtype="U1"
        Capitals, U for T, ``""`` where the site is off the end of its chromosome.
    """
    letters = np.zeros(len(sites), dtype=np.uint8)
    chroms, starts = sites["chrom"].to_numpy(), sites["start"].to_numpy(dtype=np.int64)
    order = np.lexsort((starts, chroms.astype(str)))
    for block in _blocks(chroms[order], starts[order]):
        rows = order[block]
        chrom, first, last = chroms[rows[0]], int(starts[rows[0]]), int(starts[rows[-1]])
        try:
            text = str(genome_lookup(chrom, first, last + 1)).upper().encode("ascii")
        except KeyError as error:
            raise InputError(
                "the genome has no such chromosome", value=chrom, remedy="harmonise the chromosome names first"
            ) from error
        padded = np.frombuffer(text.ljust(last + 1 - first, b"\0"), dtype=np.uint8)
        letters[rows] = padded[starts[rows] - first]
    minus = (sites["strand"] == "-").to_numpy()
    return np.where(minus, _MINUS_BASE[letters], _PLUS_BASE[letters])


def check_assembly(
    sites: pd.DataFrame,
    genome_lookup: Callable[[str, int, int], str],
    base: str,
    scope: Scope,
    *,
    minimum_fraction: float = 0.5,
    path: str | Path | None = None,
) -> pd.DataFrame:
    """Keep the sites whose genome base is the modified base; refuse the table if these are few.

    Parameters
    ----------
    sites : pandas.DataFrame
        Site table with the genome's chromosome names.
    genome_lookup : callable
        See :func:`bases_at`.
    base : str
        RNA base of the modification.
    scope : Scope
        Where drops are counted: ``off the end of its chromosome``, ``base at the site is not A``, and all sites of
        a chromosome where of ten or more less than half as many as elsewhere have it, since one name may mean two
        sequences.
    minimum_fraction : float
        Refuse below this fraction. By chance about a quarter to a third of the sites meet the right base.
    path : path-like, optional
        For the message.

    Raises
    ------
    InputError
        If the fraction is under ``minimum_fraction``; the text names that at the neighbouring positions if one of
        them is above it, which means that the table counts from another origin.
    """
    bases = bases_at(sites, genome_lookup)
    right = bases == base
    if len(sites) and right.mean() < minimum_fraction:
        hint = "wrong assembly, or sites of another modification"
        for shift in (-1, 1):
            moved = sites.assign(start=sites["start"] + shift)
            moved = moved[moved["start"] >= 0]
            fraction = float(np.mean(bases_at(moved, genome_lookup) == base))
            if fraction >= max(minimum_fraction, 2 * right.mean()):
                hint = (
                    f"{fraction:.0%} have it {abs(shift)} nt to the {'left' if shift < 0 else 'right'}: 0- or 1-based"
                )
        raise InputError(
            f"only {right.mean():.0%} of {len(sites):,} sites have {base} in the genome on their strand ({hint}?)",
            path=path,
            remedy="give the genome of the assembly that the sites were called on",
        )
    sites = scope.keep(sites, bases != "", "off the end of its chromosome")
    bases = bases[bases != ""]
    contigs = pd.Series(bases == base).groupby(sites["chrom"].to_numpy(), sort=False).agg(["size", "mean"])
    for chrom, (size, fraction) in contigs.iterrows():
        if minimum_fraction and size >= 10 and fraction < right.mean() / 2:
            here = (sites["chrom"] == chrom).to_numpy()
            why = f"the genome's {chrom} is another sequence, {fraction:.0%} of {size:.0f} sites have {base} there"
            sites, bases = scope.keep(sites, ~here, why), bases[~here]
    return scope.kept(scope.keep(sites, bases == base, f"base at the site is not {base}"))


def merge_sites(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Union of site tables of one assembly: one row per position, strand and modification.

    ``source`` joins the names. ``support`` adds the numbers of experiments of different sources and takes the
    largest within one source. Where a row came in with joined names already, the result is a lower bound, never a
    number that counts an experiment of one source twice. A database and a study that it includes are two
    sources here: give one of them.

    Returns
    -------
    pandas.DataFrame
        Table ``sites``, ``start`` and ``end`` 0-based half-open; sorted by chromosome, start and strand.

    Raises
    ------
    InputError
        If readers said that the tables are of different assemblies.
    """
    assemblies = sorted({frame.attrs["assembly"] for frame in frames if "assembly" in frame.attrs})
    if len(assemblies) > 1:
        raise InputError(
            "the site tables are of different assemblies", value=", ".join(assemblies), remedy="lift them to one"
        )
    keys = ["chrom", "start", "strand", "modification"]
    columns = [*keys, "source", "support"]
    full = [frame[columns] for frame in frames if len(frame)]
    if not full:
        return empty_sites(assemblies[0] if assemblies else None)
    rows = pd.concat(full, ignore_index=True).groupby([*keys, "source"], as_index=False, sort=True)["support"].max()
    rows["group"] = rows.groupby(keys, sort=False).ngroup()
    names = rows["source"].str.split(",")
    single = names.str.len() == 1
    names_of = pd.DataFrame({"group": rows["group"], "name": names}).explode("name").drop_duplicates()
    names_of = names_of.sort_values(["group", "name"], kind="stable")
    exploded = names_of.groupby("group", sort=True)["name"]
    added = rows["support"].where(single, 0).groupby(rows["group"]).sum()
    largest = rows.groupby("group")["support"].max()
    merged = rows.drop_duplicates("group")[keys].reset_index(drop=True)
    merged["end"] = merged["start"] + 1
    joined, count = exploded.first(), exploded.size()
    several = (count > 1).to_numpy()
    if several.any():
        wanted = names_of[names_of["group"].isin(count.index[several])]
        joined[several] = wanted.groupby("group", sort=True)["name"].agg(",".join)
    merged["source"] = joined.to_numpy()
    merged["support"] = np.maximum.reduce([added.to_numpy(), largest.to_numpy(), count.to_numpy()])
    merged = merged[column_names("sites")]
    if assemblies:
        merged.attrs["assembly"] = assemblies[0]
    return merged


def empty_sites(assembly: str | None = None) -> pd.DataFrame:
    """A site table without rows."""
    frame = pd.DataFrame({name: pd.Series(dtype=object) for name in column_names("sites")}).astype(
        {"start": "int64", "end": "int64", "support": "int64"}
    )
    if assembly is not None:
        frame.attrs["assembly"] = assembly
    return frame


def _blocks(chroms: np.ndarray, starts: np.ndarray) -> list[np.ndarray]:
    """Index arrays of consecutive sorted sites to look up together."""
    if not len(starts):
        return []
    breaks = np.flatnonzero((chroms[1:] != chroms[:-1]) | (np.diff(starts) > _GAP)) + 1
    blocks: list[np.ndarray] = []
    for run in np.split(np.arange(len(starts)), breaks):
        within = (starts[run] - starts[run[0]]) // _BLOCK
        blocks.extend(np.split(run, np.flatnonzero(np.diff(within)) + 1))
    return blocks
