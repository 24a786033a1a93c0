"""Structure scores by nucleotide, as PARS publishes them, at given positions of transcripts.

PARS reads RNase V1 (cuts paired nucleotides) against RNase S1 (cuts unpaired ones): a positive score means
double-stranded. A score file has one line per transcript, ``name<TAB>length<TAB>score;score;...``; the tracks of
GSE50676 have ``name<TAB>reads;reads;...``, one file per enzyme, from which the score is made here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError, check_choice
from ..files import open_text
from .identifiers import match_ids, without_version

logger = logging.getLogger(__name__)

DOUBLE, SINGLE = 1.0, -1.0
"""Default bounds of the classes: at least twofold more reads of one enzyme. MASS gives neither its bounds nor its rule
for ``poised`` in the text at hand, so these are ours and options."""
PSEUDOCOUNT, SMOOTHED = 5.0, 5
STRUCTURE_FORMATS = ("pars", "pars_pair")


@dataclass(frozen=True)
class SiteScores:
    """Scores at sites.

    Attributes
    ----------
    score : numpy.ndarray, shape=(n_sites,), dtype=float32
        NaN where there is none.
    counts : dict of str to int
        Transcripts and sites by what became of them.
    """

    score: np.ndarray
    counts: dict[str, int]


def read_scores(path: str | Path) -> Iterator[tuple[str, np.ndarray]]:
    """Transcripts of a PARS file one after the other: name, and a number per nucleotide, 5' to 3'.

    Both forms are read, with and without the length; with it, it has to be right. ``NA`` and empty fields are NaN.

    Raises
    ------
    InputError
        If a line has another form, a field is no number, or the length is wrong.
    """
    empty = True
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            line = line.rstrip("\n")
            if not line.strip() or line.startswith("#"):
                continue
            fields = line.split("\t")
            if len(fields) not in (2, 3) or not fields[0].strip():
                raise InputError(
                    "the line is no transcript with its scores",
                    path=path,
                    line=number,
                    value=line[:40],
                    remedy="write name, length and the scores joined by ;, separated by tabs",
                )
            stated = fields[1].strip() if len(fields) == 3 else ""
            scores = _numbers(fields[-1], stated, path, number)
            if stated and stated != str(len(scores)):
                raise InputError(
                    f"the transcript has {len(scores)} scores and states another length",
                    path=path,
                    line=number,
                    value=stated,
                    remedy="fetch the file again",
                )
            empty = False
            yield fields[0].strip(), scores
    if empty:
        raise InputError("the file holds no transcript", path=path, remedy="give a PARS file")


def _numbers(text: str, stated: str, path: str | Path, line: int) -> np.ndarray:
    fields = text.strip().split(";")
    # a last ; may end the list or be followed by a gap
    if not fields[-1] and stated != str(len(fields)):
        fields.pop()
    try:
        return np.array(fields, dtype=np.float64)
    except ValueError:
        series = pd.Series(fields, dtype=object).str.strip()
        numbers = pd.to_numeric(series, errors="coerce")
        wrong = numbers.isna() & ~series.str.lower().isin(["", "na", "nan", "null"])
        if wrong.any():
            raise InputError(
                f"score {int(wrong.argmax()) + 1} of the transcript is no number",
                path=path,
                line=line,
                value=series[wrong.argmax()],
                remedy="write numbers, or NA",
            ) from None
        return numbers.to_numpy(dtype=np.float64)


def pair_scores(double: str | Path, single: str | Path) -> Iterator[tuple[str, np.ndarray]]:
    """PARS scores from the two tracks of read counts, for the transcripts that both have.

    Each track is divided by its mean count per nucleotide, averaged over 5 nt (ends as they are), and the score is
    log2((V1 + 5) / (S1 + 5)); where neither enzyme has a read in the 5 nt it is NaN. Wan et al. 2014, Nature 505:706,
    as public re-analyses of GSE50676 compute it.

    Parameters
    ----------
    double, single : path-like
        Tracks of V1 and of S1. The second is held in memory.

    Raises
    ------
    InputError
        If no transcript is in both, or one has different lengths.
    """
    depth = [_mean_count(path) for path in (double, single)]
    others = {name: counts.astype(np.float32) for name, counts in read_scores(single)}
    shared = 0
    for name, counts in read_scores(double):
        other = others.get(name)
        if other is None:
            continue
        if len(other) != len(counts):
            raise InputError(
                f"the transcript {name} has {len(counts)} nt in one track and {len(other)} in the other",
                path=single,
                remedy="give the two tracks of one sample",
            )
        shared += 1
        smooth = [_smooth(np.nan_to_num(track)) for track in (counts, other)]
        levels = [track / mean + PSEUDOCOUNT for track, mean in zip(smooth, depth, strict=True)]
        yield name, np.where(smooth[0] + smooth[1] > 0, np.log2(levels[0] / levels[1]), np.nan)
    if not shared:
        raise InputError("no transcript is in both tracks", path=single, remedy="give the two tracks of one sample")


def _mean_count(path: str | Path) -> float:
    total, length = 0.0, 0
    for _, counts in read_scores(path):
        total += float(np.nansum(counts))
        length += len(counts)
    if total <= 0:
        raise InputError("the track holds no read", path=path, remedy="give a track of read counts")
    return total / length


def _smooth(counts: np.ndarray) -> np.ndarray:
    if len(counts) < SMOOTHED:
        return counts.astype(np.float64)
    result = counts.astype(np.float64)
    half = SMOOTHED // 2
    result[half:-half] = np.convolve(counts, np.full(SMOOTHED, 1 / SMOOTHED), mode="valid")
    return result


def open_scores(paths: Sequence[str | Path], structure_format: str = "pars") -> Iterator[tuple[str, np.ndarray]]:
    """Transcripts with scores of a file, or of the tracks of V1 and S1 in this order."""
    check_choice(structure_format, STRUCTURE_FORMATS, "no format of structure tables of that name")
    wanted = 2 if structure_format == "pars_pair" else 1
    if len(paths) != wanted:
        raise InputError(
            f"the format {structure_format} needs {wanted} file{'s' if wanted > 1 else ''}",
            value=", ".join(map(str, paths)),
            remedy="give the tracks of V1 and S1 in this order" if wanted > 1 else "give the file of scores",
        )
    return pair_scores(*paths) if wanted == 2 else read_scores(paths[0])


def scores_at(
    sites: pd.DataFrame, scores: Iterable[tuple[str, np.ndarray]], *, path: str | Path = "", minimum: float = 0.5
) -> SiteScores:
    """Scores at positions of transcripts.

    Only the scores asked for are kept, so memory does not grow with the file. A score of exactly 0 is missing: score
    files write it for a nucleotide without reads. A transcript whose length differs from
    that of the scored one is another version of it and is left out; so are further lines of a transcript.

    Parameters
    ----------
    sites : pandas.DataFrame
        **Predicted sites**: ``sequence`` (the transcript), ``start`` (0-based), ``length`` (of the transcript, nt).
    scores : iterable of (str, numpy.ndarray)
        From :func:`open_scores`.
    path : path-like
        For messages.
    minimum
        See :func:`~rnamarks.biology.identifiers.match_ids`; of the shorter list of transcripts.

    Raises
    ------
    InputError
        If too few transcripts match.
    """
    codes, names = pd.factorize(sites["sequence"].astype(str))
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(names) + 1))
    positions, lengths = (sites[name].to_numpy(dtype=np.int64) for name in ("start", "length"))
    exact, loose = _indexes(names)
    result = np.full(len(sites), np.nan, dtype=np.float32)
    listed: list[str] = []
    seen: set[int] = set()
    counts = dict.fromkeys(("not scored here", "of another length", "further lines of a transcript"), 0)
    for name, values in scores:
        listed.append(name)
        at = exact.get(name, loose.get(without_version(name), -1))
        if at < 0:
            counts["not scored here"] += 1
        elif at in seen:
            counts["further lines of a transcript"] += 1
        else:
            seen.add(at)
            rows = order[bounds[at] : bounds[at + 1]]
            if lengths[rows[0]] == len(values):
                result[rows] = values[positions[rows]]
            else:
                counts["of another length"] += 1
    shorter, longer = (names, listed) if len(names) <= len(set(listed)) else (listed, names)
    matched = match_ids(shorter, longer, what="transcripts of the structure table", path=path, minimum=minimum)
    result[result == 0] = np.nan
    summary = {
        "transcripts in the file": len(listed),
        **counts,
        "transcripts used": len(seen) - counts["of another length"],
        "sites": len(sites),
        "sites with a score": int(np.isfinite(result).sum()),
    }
    logger.info("%s: %s", path, ", ".join(f"{count} {reason}" for reason, count in summary.items()))
    return SiteScores(result, {**summary, "wanted": matched.attrs["wanted"], "matched": matched.attrs["matched"]})


def _indexes(names: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Number of each name, and of each name without version where but one has it."""
    exact = {name: at for at, name in enumerate(names)}
    loose: dict[str, int] = {}
    for name, at in exact.items():
        key = without_version(name)
        loose[key] = -1 if key in loose else at
    return exact, loose


def classify(scores: np.ndarray) -> np.ndarray:
    """Class of each score: ``DS`` at 1 (:data:`DOUBLE`) and above, ``SS`` at -1 and below, ``poised`` between.

    Parameters
    ----------
    scores : numpy.ndarray, shape=(n,)
        log2 ratios, positive for double-stranded.

    Returns
    -------
    numpy.ndarray of str, shape=(n,)
        ``SS`` (single-stranded), ``DS`` (double-stranded) or ``poised`` (in between), ``""`` where the score is NaN.
    """
    result = np.full(len(scores), "poised", dtype=object)
    result[scores >= DOUBLE] = "DS"
    result[scores <= SINGLE] = "SS"
    result[~np.isfinite(scores)] = ""
    return result
