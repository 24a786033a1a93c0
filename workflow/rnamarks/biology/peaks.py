"""Peaks of histone modifications and other intervals of the genome, and the predicted sites inside them.

Intervals are 0-based and half-open, as in BED. Sites are single nucleotides of transcripts with a place on the genome.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError, check_choice
from ..files import open_text
from ..sites.contigs import match_contigs
from ..sites.readers.rows import check_stated_assembly, refuse_rows
from .gene_tables import read_numbers

logger = logging.getLogger(__name__)

PEAK_COLUMNS = ("chrom", "start", "end", "name", "score", "strand", "signal")
PEAK_FORMATS = {"auto": None, "bed": None, "narrowPeak": 10, "broadPeak": 9}
SIGNALS = ("signal", "score")
_SIGNAL_FIELD = 6
MOVES = (-120_000, -100_000, -80_000, -60_000, 60_000, 80_000, 100_000, 120_000)
"""How far peaks are moved (nt) to see how often they hold a site by chance: further than genes are long, and within the
stretches of a chromosome that are rich or poor in genes."""
LEAST_ODDS, LEAST_EXPECTED = 1.5, 10.0


@dataclass(frozen=True)
class Peaks:
    """Peaks of one file.

    Attributes
    ----------
    frame : pandas.DataFrame
        Columns :data:`PEAK_COLUMNS`, sorted by chrom and start; ``score`` and ``signal`` are NaN where the file has
        none, ``strand`` is ``.`` where it has none.
    counts : dict of str to int
    path : str
    """

    frame: pd.DataFrame
    counts: dict[str, int]
    path: str = ""


def read_peaks(path: str | Path, peak_format: str = "auto", *, assembly: str = "") -> Peaks:
    """Read BED with 3 and more columns, narrowPeak or broadPeak; sorted or not, with strand or without.

    Column 5 is the score, column 6 the strand and, in narrowPeak and broadPeak, column 7 the signal. Rows that are
    equal in place, strand, score and signal are one peak.

    Parameters
    ----------
    path : path-like
        Plain or gzipped.
    peak_format : {"auto", "bed", "narrowPeak", "broadPeak"}
        ``auto`` takes 9 or 10 columns whose sixth is a strand and whose seventh a number as one of the latter two.
    assembly : str
        Assembly that the coordinates have to refer to, checked where the name or the header of the file states one.

    Raises
    ------
    InputError
        If a row has too few fields, a coordinate is no number, an interval is empty or begins before 0, there is no
        peak, or the file names another assembly.
    """
    check_choice(peak_format, PEAK_FORMATS, "no format of peaks of that name")
    lines, rows, header = _read_rows(path)
    if not rows:
        raise InputError("the file holds no peak", path=path, remedy="give BED, narrowPeak or broadPeak")
    check_stated_assembly(path, assembly, header)
    width = min(len(fields) for fields in rows)
    wanted = PEAK_FORMATS[peak_format] or 3
    short = next((at for at, fields in enumerate(rows) if len(fields) < wanted), None)
    if short is not None:
        raise InputError(
            f"the row has {len(rows[short])} fields and needs {wanted}",
            path=path,
            line=int(lines[short]),
            value="\t".join(rows[short]),
            remedy="give chrom, start and end at least, separated by tabs",
        )
    table = pd.DataFrame([fields[: max(3, min(width, 10))] for fields in rows], index=lines, dtype=object)
    frame = pd.DataFrame({"chrom": table[0].str.strip()})
    for at, name in ((1, "start"), (2, "end")):
        numbers = pd.to_numeric(table[at], errors="coerce").to_numpy(dtype=np.float64)
        remedy = "give chrom, start and end in the first three columns, without a header"
        whole = np.isfinite(numbers) & (np.floor(numbers) == numbers)
        refuse_rows(table, whole, at, path, f"the {name} is no whole number", remedy)
        frame[name] = numbers.astype(np.int64)
    frame["name"] = table[3].to_numpy() if width > 3 else ""
    frame["score"] = read_numbers(table[4], "the score", path)[0] if width > 4 else np.nan
    strand = table[5].str.strip() if width > 5 else pd.Series(".", index=table.index)
    frame["strand"] = strand.where(strand.isin(["+", "-"]), ".")
    frame["signal"] = _signal(table, width, strand, peak_format, path)
    sound = ((frame["start"] >= 0) & (frame["end"] > frame["start"])).to_numpy()
    what = "the interval is empty or begins before 0"
    refuse_rows(frame, sound, "start", path, what, "write 0-based, half-open intervals")
    place = ["chrom", "start", "end", "strand", "score", "signal"]
    kept = frame.drop_duplicates(place).sort_values(["chrom", "start", "end"], kind="stable", ignore_index=True)
    counts = {
        "rows": len(frame),
        "rows that repeat a peak": len(frame) - len(kept),
        "without strand": int((kept["strand"] == ".").sum()),
        "kept": len(kept),
    }
    logger.info("%s: %s", path, ", ".join(f"{count} {reason}" for reason, count in counts.items()))
    return Peaks(kept[list(PEAK_COLUMNS)], counts, str(path))


def _read_rows(path: str | Path) -> tuple[np.ndarray, list[list[str]], list[str]]:
    lines, rows, header = [], [], []
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            line = line.rstrip("\n")
            if line.startswith(("#", "track", "browser")):
                header.append(line)
            elif line.strip():
                lines.append(number)
                rows.append(line.split("\t") if "\t" in line else line.split())
    return np.array(lines), rows, header


def _signal(table: pd.DataFrame, width: int, strand: pd.Series, peak_format: str, path: str | Path) -> np.ndarray:
    if width <= _SIGNAL_FIELD or peak_format == "bed":
        return np.full(len(table), np.nan)
    if peak_format == "auto" and not (width in (9, 10) and strand.isin(["+", "-", "."]).all()):
        return np.full(len(table), np.nan)
    numbers = read_numbers(table[_SIGNAL_FIELD], "the signal", path)[0].to_numpy()
    if peak_format == "auto":
        # BED with 9 to 12 columns has thickStart there, which lies within the interval
        start, end = (pd.to_numeric(table[at], errors="coerce").to_numpy(dtype=float) for at in (1, 2))
        if not np.isfinite(numbers).all() or (width == 9 and ((numbers >= start) & (numbers <= end)).all()):
            return np.full(len(table), np.nan)
    return numbers


def match_chromosomes(peaks: Peaks, chromosomes: list[str]) -> Peaks:
    """The same peaks with the chromosome names of the sites: ``1``, ``chr1``; ``MT``, ``chrM``.

    Raises
    ------
    InputError
        If no peak lies on a chromosome that the sites know.
    """
    chrom = peaks.frame["chrom"].map(match_contigs(peaks.frame["chrom"].unique(), chromosomes))
    if chrom.isna().all():
        raise InputError(
            "no peak lies on a chromosome with sites",
            path=peaks.path,
            value=", ".join(peaks.frame["chrom"].unique()[:3]),
            remedy=f"the sites lie on {', '.join(chromosomes[:3]) or 'none: their transcripts have no coordinates'}",
        )
    kept = peaks.frame.assign(chrom=chrom)[chrom.notna()].reset_index(drop=True)
    lost = len(peaks.frame) - len(kept)
    return Peaks(kept, peaks.counts | {"on chromosomes without sites": lost}, peaks.path)


def check_genome(peaks: Peaks, lengths: Mapping[str, int], *, minimum: float = 0.5) -> int:
    """Hold peaks, named as in their file, against the chromosomes of a genome.

    Parameters
    ----------
    peaks : Peaks
    lengths : mapping of str to int
        Length of every chromosome, nt.
    minimum : float
        Fraction of the peaks that must lie on these; a peak beyond the end of its chromosome is never accepted.

    Returns
    -------
    int
        Peaks on chromosomes that the genome lacks.

    Raises
    ------
    InputError
        If a peak ends beyond its chromosome, or too few lie on a chromosome of the genome, as peaks on another
        assembly may.
    """
    chrom = peaks.frame["chrom"].map(match_contigs(peaks.frame["chrom"].unique(), lengths))
    ends, lost = chrom.map(lengths).to_numpy(dtype=np.float64), chrom.isna()
    beyond = peaks.frame["end"].to_numpy() > ends
    remedy = "give peaks on the assembly of the genome, or lift them over"
    if beyond.any():
        at = int(beyond.argmax())
        raise InputError(
            f"{int(beyond.sum())} peaks end beyond their chromosome, so they are on another assembly than the sites; "
            f"the first ends at {peaks.frame['end'].iat[at]} of {chrom.iat[at]}, which has {int(ends[at])} nt",
            path=peaks.path,
            remedy=remedy,
        )
    if 1 - lost.mean() < minimum:
        raise InputError(
            f"only {int((~lost).sum())} of {len(lost)} peaks lie on chromosomes of the genome ({1 - lost.mean():.1%}, "
            f"at least {minimum:.0%} are asked for)",
            path=peaks.path,
            value=", ".join(peaks.frame["chrom"][lost].unique())[:60],
            remedy=f"the genome has {', '.join(list(lengths)[:3])}; {remedy}, or lower regulation.minimum",
        )
    return int(lost.sum())


def meet_sites(peaks: pd.DataFrame, sites: pd.DataFrame) -> dict[str, float]:
    """How often peaks hold a site, and how often they do when all are moved by the same number of nt.

    Peaks of an assay on genes lie on transcripts; on another assembly they meet them hardly more often than elsewhere
    in the neighbourhood. Moved peaks that leave a chromosome come in again at its other end. On a chromosome too short
    for :data:`MOVES` all moves are shorter in proportion, the longest an eighth of it.

    Parameters
    ----------
    peaks : pandas.DataFrame
        ``chrom``, ``start``, ``end``, on chromosomes with sites.
    sites : pandas.DataFrame
        ``chrom``, ``genome_start``.

    Returns
    -------
    dict
        ``fraction`` with a site, ``expected`` (mean fraction over the moves), ``odds_ratio`` of the two, with half a
        peak added to each count, and ``doubtful``: 1 if that is below 1.5 although 10 peaks at least are expected to
        hold a site. H3K36me3 of K562 on hg19 has 5.5 against m6A sites on hg19, lifted to hg38 it has 1.4.
    """
    hits, moved = 0, np.zeros(len(MOVES))
    placed = {chrom: np.sort(part.to_numpy()) for chrom, part in sites.groupby("chrom", observed=True)["genome_start"]}
    for chrom, part in peaks.groupby("chrom", sort=False):
        place = placed[chrom]
        start, end = part["start"].to_numpy(), part["end"].to_numpy()
        extent = max(int(place[-1]), int(end.max())) + 1
        shrink = min(1.0, extent / (8 * max(MOVES)))
        for at, move in enumerate((0, *MOVES)):
            first = (start + int(move * shrink)) % extent
            held = np.searchsorted(place, first + end - start) > np.searchsorted(place, first)
            if at:
                moved[at - 1] += held.sum()
            else:
                hits += int(held.sum())
    n, expected = len(peaks), float(moved.mean())
    odds = [(count + 0.5) / (n - count + 0.5) for count in (hits, expected)]
    return {
        "fraction": hits / n,
        "expected": expected / n,
        "odds_ratio": odds[0] / odds[1],
        "doubtful": float(odds[0] < LEAST_ODDS * odds[1] and expected >= LEAST_EXPECTED),
    }


def unique_sites(sites: pd.DataFrame) -> pd.DataFrame:
    """Sites on the genome, each once: those that isoforms share keep their highest probability.

    Parameters
    ----------
    sites : pandas.DataFrame
        **Predicted sites**: ``chrom``, ``genome_start`` (0-based, -1 unknown), ``strand``, ``probability``, and others,
        which come from the row that is kept.

    Returns
    -------
    pandas.DataFrame
        Sorted by chrom and place.
    """
    placed = np.flatnonzero((sites["genome_start"] >= 0).to_numpy() & (sites["chrom"] != "").to_numpy())
    # numbers sort many times faster than text
    chrom, strand = (pd.factorize(sites[name].to_numpy()[placed], sort=True)[0] for name in ("chrom", "strand"))
    start = sites["genome_start"].to_numpy()[placed].astype(np.int64)
    order = np.lexsort((-sites["probability"].to_numpy()[placed], strand, start, chrom))
    chrom, strand, start = chrom[order], strand[order], start[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(chrom) != 0) | (np.diff(start) != 0) | (np.diff(strand) != 0)
    return sites.iloc[placed[order[new]]].reset_index(drop=True)


def overlap(peaks: pd.DataFrame, sites: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Number of sites in each peak and sums of their values.

    Peaks may overlap; a site counts in each that holds it, whatever the strands. Time grows as (n + m) log n; nothing
    is looped over but chromosomes.

    Parameters
    ----------
    peaks : pandas.DataFrame
        ``chrom``, ``start``, ``end``.
    sites : pandas.DataFrame
        ``chrom``, ``genome_start``, and ``columns``.
    columns : list of str
        Numbers to sum.

    Returns
    -------
    pandas.DataFrame, index as ``peaks``
        ``sites``, each of ``columns`` summed, and ``first``: row number among ``sites`` of the leftmost one, -1 for
        none.
    """
    result = pd.DataFrame(0.0, index=peaks.index, columns=["sites", *columns]).assign(first=-1)
    numbered = sites[["chrom", "genome_start", *columns]].assign(row=np.arange(len(sites)))
    groups = numbered.groupby("chrom", sort=False, observed=True)
    by_chrom = {name: part.sort_values("genome_start", kind="stable") for name, part in groups}
    for chrom, group in peaks.groupby("chrom", sort=False):
        here = by_chrom.get(chrom)
        if here is None:
            continue
        place = here["genome_start"].to_numpy()
        first, last = (np.searchsorted(place, group[name].to_numpy(), "left") for name in ("start", "end"))
        result.loc[group.index, "sites"] = last - first
        rows = np.append(here["row"].to_numpy(), -1)
        result.loc[group.index, "first"] = np.where(last > first, rows[np.minimum(first, len(here))], -1)
        for name in columns:
            total = np.concatenate([[0.0], np.cumsum(here[name].to_numpy(dtype=np.float64))])
            result.loc[group.index, name] = total[last] - total[first]
    return result.astype({"sites": np.int64, "first": np.int64})


def measure_peaks(
    peaks: pd.DataFrame, sites: pd.DataFrame, *, value: str = "signal"
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Potential, log2 signal and covariates of the peaks that hold a site.

    Parameters
    ----------
    peaks : pandas.DataFrame
        :data:`PEAK_COLUMNS`.
    sites : pandas.DataFrame
        One row per place on the genome, with ``probability``, ``gc`` (of the transcript) and ``gene``.
    value : {"signal", "score"}
        Column of the peaks.

    Returns
    -------
    measured : pandas.DataFrame
        ``potential``, ``value`` (log2), ``length``, ``sites``, ``gc``, ``gene`` (that of the first site).
    counts : dict of str to int
    """
    known = sites.assign(gc=sites["gc"].fillna(sites["gc"].mean()))
    inside = overlap(peaks, known, ["probability", "gc"])
    numbers = peaks[value].to_numpy(dtype=np.float64)
    holds, positive = inside["sites"].to_numpy() > 0, numbers > 0
    kept = holds & positive
    length = (peaks["end"] - peaks["start"]).to_numpy(dtype=np.float64)
    gene = known["gene"].astype(object).to_numpy()
    measured = pd.DataFrame(
        {
            "potential": inside["probability"].to_numpy()[kept] / length[kept],
            "value": np.log2(numbers[kept]),
            "length": length[kept],
            "sites": inside["sites"].to_numpy()[kept],
            "gc": inside["gc"].to_numpy()[kept] / inside["sites"].to_numpy()[kept],
            "gene": gene[inside["first"].to_numpy()[kept]],
        }
    )
    counts = {
        "without a site": int((~holds).sum()),
        f"with a site, without a {value} above 0": int((holds & ~positive).sum()),
        "used": int(kept.sum()),
    }
    return measured, counts


def fraction_inside(peaks: pd.DataFrame, sites: pd.DataFrame) -> float:
    """Fraction of the sites that lie in a peak."""
    inside = 0
    for chrom, part in sites.groupby("chrom", observed=True):
        own = peaks[peaks["chrom"] == chrom].sort_values("start")
        if len(own):
            reach = np.maximum.accumulate(own["end"].to_numpy())
            at = np.searchsorted(own["start"].to_numpy(), part["genome_start"].to_numpy(), "right") - 1
            inside += int(((at >= 0) & (part["genome_start"].to_numpy() < reach[at])).sum())
    return inside / max(1, len(sites))
