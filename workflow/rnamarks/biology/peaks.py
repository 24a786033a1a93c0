"""Peaks of chromatin marks and other intervals of the genome, and the predicted sites inside them.

Intervals are 0-based and half-open, as in BED. Sites are single nucleotides of transcripts with a place on the genome.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError
from ..files import open_text

logger = logging.getLogger(__name__)

PEAK_COLUMNS = ("chrom", "start", "end", "name", "score", "strand", "signal")
PEAK_FORMATS = {"auto": None, "bed": None, "narrowPeak": 10, "broadPeak": 9}
SIGNALS = ("signal", "score")
_SIGNAL_FIELD = 6
_ASSEMBLY = re.compile(r"(?:^#+\s*(?:assembly|genome)[-_ ]?(?:build|version)?\s*[=:]\s*|\bdb=)[\"']?([A-Za-z0-9_.]+)")
_SYNONYMS = {"grch37": "hg19", "grch38": "hg38", "grcm38": "mm10", "grcm39": "mm39", "grcz10": "danrer10"}


@dataclass(frozen=True)
class Peaks:
    """Peaks of one file.

    Attributes
    ----------
    frame : pandas.DataFrame
        Columns :data:`PEAK_COLUMNS`, sorted by chrom and start; ``score`` and ``signal`` are NaN where the file has
        none, ``strand`` is ``.`` where it has none.
    counts : dict of str to int
    assembly : str
        As the file's header names it, ``""`` where it does not.
    path : str
    """

    frame: pd.DataFrame
    counts: dict[str, int]
    assembly: str = ""
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
        What coordinates have to refer to, where the header of the file says it.

    Raises
    ------
    InputError
        If a row has too few fields, a coordinate is no number, an interval is empty or begins before 0, there is no
        peak, or the header names another assembly.
    """
    if peak_format not in PEAK_FORMATS:
        raise InputError(
            "no format of peaks of that name", value=peak_format, remedy=f"choose one of {', '.join(PEAK_FORMATS)}"
        )
    lines, rows, named = _read_rows(path)
    if not rows:
        raise InputError("the file holds no peak", path=path, remedy="give BED, narrowPeak or broadPeak")
    if named and assembly and _plain(named) != _plain(assembly):
        raise InputError(
            f"the peaks are on another assembly than the sites, which are on {assembly}",
            path=path,
            value=named,
            remedy="give peaks on that assembly, or lift them over",
        )
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
    table = pd.DataFrame([fields[: max(3, min(width, 10))] for fields in rows], dtype=object)
    frame = pd.DataFrame({"chrom": table[0].str.strip()})
    for at, name in ((1, "start"), (2, "end")):
        frame[name] = _whole(table[at], name, path, lines)
    frame["name"] = table[3].to_numpy() if width > 3 else ""
    frame["score"] = pd.to_numeric(table[4], errors="coerce").to_numpy(dtype=float) if width > 4 else np.nan
    strand = table[5].str.strip() if width > 5 else pd.Series(".", index=table.index)
    frame["strand"] = strand.where(strand.isin(["+", "-"]), ".")
    frame["signal"] = _signal(table, width, strand, peak_format)
    faulty = ~((frame["start"] >= 0) & (frame["end"] > frame["start"])).to_numpy()
    if faulty.any():
        at = int(faulty.argmax())
        raise InputError(
            "the interval is empty or begins before 0",
            path=path,
            line=int(lines[at]),
            value=f"{frame['start'].iat[at]}-{frame['end'].iat[at]}",
            remedy="write 0-based, half-open intervals",
        )
    place = ["chrom", "start", "end", "strand", "score", "signal"]
    kept = frame.drop_duplicates(place).sort_values(["chrom", "start", "end"], kind="stable", ignore_index=True)
    counts = {
        "rows": len(frame),
        "rows that repeat a peak": len(frame) - len(kept),
        "without strand": int((kept["strand"] == ".").sum()),
        "kept": len(kept),
    }
    logger.info("%s: %s", path, ", ".join(f"{count} {reason}" for reason, count in counts.items()))
    return Peaks(kept[list(PEAK_COLUMNS)], counts, named, str(path))


def _read_rows(path: str | Path) -> tuple[np.ndarray, list[list[str]], str]:
    lines, rows, named = [], [], ""
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            line = line.rstrip("\n")
            if line.startswith(("#", "track", "browser")):
                found = _ASSEMBLY.search(line)
                named = named or (found.group(1) if found else "")
            elif line.strip():
                lines.append(number)
                rows.append(line.split("\t") if "\t" in line else line.split())
    return np.array(lines), rows, named


def _plain(assembly: str) -> str:
    name = assembly.lower()
    return _SYNONYMS.get(name.split(".")[0], name)


def _whole(column: pd.Series, name: str, path: str | Path, lines: np.ndarray) -> np.ndarray:
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    wrong = ~np.isfinite(numbers) | (numbers != np.floor(np.nan_to_num(numbers)))
    if wrong.any():
        at = int(wrong.argmax())
        raise InputError(
            f"the {name} is no whole number",
            path=path,
            line=int(lines[at]),
            value=column.iat[at],
            remedy="give chrom, start and end in the first three columns, without a header",
        )
    return numbers.astype(np.int64)


def _signal(table: pd.DataFrame, width: int, strand: pd.Series, peak_format: str) -> np.ndarray:
    if width <= _SIGNAL_FIELD or peak_format == "bed":
        return np.full(len(table), np.nan)
    numbers = pd.to_numeric(table[_SIGNAL_FIELD], errors="coerce").to_numpy(dtype=float)
    if peak_format == "auto":
        # BED with 9 to 12 columns has thickStart there, which lies within the interval
        extended = width in (9, 10) and strand.isin(["+", "-", "."]).all() and np.isfinite(numbers).all()
        start, end = (pd.to_numeric(table[at], errors="coerce").to_numpy(dtype=float) for at in (1, 2))
        if not extended or (width == 9 and ((numbers >= start) & (numbers <= end)).all()):
            return np.full(len(table), np.nan)
    return numbers


def match_chromosomes(peaks: Peaks, chromosomes: list[str]) -> Peaks:
    """The same peaks with the chromosome names of the sites: ``1``, ``chr1``; ``MT``, ``chrM``.

    Raises
    ------
    InputError
        If no peak lies on a chromosome that the sites know.
    """
    known = set(chromosomes)
    names = {name: _renamed(name, known) for name in peaks.frame["chrom"].unique()}
    if not any(names.values()):
        raise InputError(
            "no peak lies on a chromosome with sites",
            path=peaks.path,
            value=", ".join(list(names)[:3]),
            remedy=f"the sites lie on {', '.join(chromosomes[:3]) or 'none: their transcripts have no coordinates'}",
        )
    chrom = peaks.frame["chrom"].map(names)
    kept = peaks.frame.assign(chrom=chrom)[chrom != ""].reset_index(drop=True)
    lost = len(peaks.frame) - len(kept)
    return Peaks(kept, peaks.counts | {"on chromosomes without sites": lost}, peaks.assembly, peaks.path)


def _renamed(name: str, known: set[str]) -> str:
    bare = name[3:] if name.lower().startswith("chr") else name
    choices = [name, f"chr{bare}", bare]
    if bare in ("M", "MT"):
        choices += ["chrM", "MT", "M"]
    return next((choice for choice in choices if choice in known), "")


def read_lengths(path: str | Path) -> dict[str, int]:
    """Chromosome lengths from the first two columns of a ``chrom.sizes`` file or a FASTA index (``.fai``)."""
    lengths: dict[str, int] = {}
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            fields = line.split()
            if not fields or line.startswith("#"):
                continue
            if len(fields) < 2 or not fields[1].isdigit():
                raise InputError(
                    "the line is no chromosome with its length",
                    path=path,
                    line=number,
                    value=line.strip(),
                    remedy="give a chrom.sizes file or a FASTA index",
                )
            lengths[fields[0]] = int(fields[1])
    if not lengths:
        raise InputError("the file names no chromosome", path=path, remedy="give a chrom.sizes file or a FASTA index")
    return lengths


def check_lengths(peaks: Peaks, lengths: Mapping[str, int]) -> None:
    """Raise :class:`InputError` if a peak ends beyond its chromosome, as peaks on another assembly may.

    Parameters
    ----------
    peaks : Peaks
        Named as the chromosomes are.
    lengths : mapping of str to int
        Chromosome to its length; peaks on others are not checked.
    """
    end = peaks.frame["chrom"].map(lengths).to_numpy(dtype=np.float64)
    beyond = peaks.frame["end"].to_numpy() > end
    if beyond.any():
        row = peaks.frame[beyond].iloc[0]
        raise InputError(
            f"{int(beyond.sum())} peaks end beyond their chromosome, so they are on another assembly than the sites; "
            f"the first ends at {row['end']} of {row['chrom']}, which has {int(lengths[row['chrom']])} nt",
            path=peaks.path,
            remedy="give peaks on the assembly of the genome, or lift them over",
        )


def unique_sites(sites: pd.DataFrame) -> pd.DataFrame:
    """Sites on the genome, each once: those that isoforms share keep their highest probability.

    Parameters
    ----------
    sites : pandas.DataFrame
        ``chrom``, ``start`` (0-based, -1 unknown), ``strand``, ``probability``, and others, which come from the row
        that is kept.

    Returns
    -------
    pandas.DataFrame
        Sorted by chrom and start.
    """
    placed = np.flatnonzero((sites["start"] >= 0).to_numpy() & (sites["chrom"] != "").to_numpy())
    # numbers sort many times faster than text
    chrom, strand = (pd.factorize(sites[name].to_numpy()[placed], sort=True)[0] for name in ("chrom", "strand"))
    start = sites["start"].to_numpy()[placed].astype(np.int64)
    order = np.lexsort((-sites["probability"].to_numpy()[placed], strand, start, chrom))
    chrom, strand, start = chrom[order], strand[order], start[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(chrom) != 0) | (np.diff(start) != 0) | (np.diff(strand) != 0)
    return sites.iloc[placed[order[new]]].reset_index(drop=True)


def overlap(peaks: pd.DataFrame, sites: pd.DataFrame, columns: list[str], *, stranded: bool = False) -> pd.DataFrame:
    """Number of sites in each peak and sums of their values.

    Peaks may overlap; a site counts in each that holds it. Time grows as (n + m) log n; nothing is looped over but
    chromosomes.

    Parameters
    ----------
    peaks : pandas.DataFrame
        ``chrom``, ``start``, ``end``, ``strand``.
    sites : pandas.DataFrame
        ``chrom``, ``start``, ``strand``, and ``columns``.
    columns : list of str
        Numbers to sum.
    stranded : bool
        Count sites of the peak's strand alone; peaks without one hold sites of both.

    Returns
    -------
    pandas.DataFrame, index as ``peaks``
        ``sites``, each of ``columns`` summed, and ``first``: row number among ``sites`` of the leftmost one, -1 for
        none.
    """
    result = pd.DataFrame(0.0, index=peaks.index, columns=["sites", *columns]).assign(first=-1)
    numbered = sites[["chrom", "start", "strand", *columns]].assign(row=np.arange(len(sites)))
    groups = numbered.groupby("chrom", sort=False, observed=True)
    by_chrom = {name: part.sort_values("start", kind="stable") for name, part in groups}
    for chrom, group in peaks.groupby("chrom", sort=False):
        here = by_chrom.get(chrom)
        if here is None:
            continue
        strands = ("+", "-", ".") if stranded else (None,)
        for strand in strands:
            chosen = group if strand is None else group[group["strand"] == strand]
            own = here if strand in (None, ".") else here[here["strand"] == strand]
            place = own["start"].to_numpy()
            first, last = (np.searchsorted(place, chosen[name].to_numpy(), "left") for name in ("start", "end"))
            result.loc[chosen.index, "sites"] = last - first
            rows = np.append(own["row"].to_numpy(), -1)
            result.loc[chosen.index, "first"] = np.where(last > first, rows[np.minimum(first, len(own))], -1)
            for name in columns:
                total = np.concatenate([[0.0], np.cumsum(own[name].to_numpy(dtype=np.float64))])
                result.loc[chosen.index, name] = total[last] - total[first]
    return result.astype({"sites": np.int64, "first": np.int64})
