"""Consensus motifs of several marks beside motifs from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from ..errors import InputError
from ..sequences import ALPHABET
from .motif_matches import match_logos
from .pwm import PWM, logo_rows
from .tomtom import compare

MATCH_COLUMNS = (
    "modification",
    "method",
    "database",
    "query",
    "target",
    "target_name",
    "target_modification",
    "own",
    "p",
    "e",
    "q",
    "q_mark",
    "rank",
    "offset",
    "overlap",
    "targets",
    "query_consensus",
    "target_consensus",
    "comparer",
)
LOGO_COLUMNS = ("modification", "method", "database", "role", "motif", "name", "position", *ALPHABET)
DE_NOVO = "de novo"


def mark_of(motif: PWM, marks: Sequence[str]) -> str:
    """The mark that a motif of a database belongs to: the first word of its name or second name that is one, or
    ``""``."""
    for text in (motif.name, motif.alternative):
        for word in text.replace(".", " ").replace("_", " ").replace(":", " ").replace("-", " ").split():
            if word in marks:
                return word
    return ""


def compare_consensus(
    consensus: Mapping[tuple[str, str], Sequence[PWM]],
    databases: Mapping[str, Sequence[tuple[str, PWM]]],
    *,
    method: str = "memelite",
    jobs: int = 1,
    warn: Callable[[str], None] = print,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Consensus motifs against motifs from elsewhere, by :func:`rnamarks.interpretation.tomtom.compare`.

    Parameters
    ----------
    consensus : mapping of (str, str) to sequence of PWM
        Motifs by mark and method.
    databases : mapping of str to sequence of (str, PWM)
        By name: motifs, each with the mark that it belongs to (``""`` for none). All marks' motifs are the targets of
        every query, and their columns the null.
    method, jobs
        See :func:`rnamarks.interpretation.tomtom.compare`.
    warn : callable

    Returns
    -------
    matches : pandas.DataFrame
        Columns :data:`MATCH_COLUMNS`, every pair. ``own``: the target is of the query's mark. ``q`` is Benjamini and
        Hochberg's over the targets of one query, ``q_mark`` over all pairs of a mark's motifs and its own targets
        (NaN for the others), which counts that the best of several clusters is looked at. ``rank`` is 1 for the best
        pair of a mark, method and database with an own target, else 0.
    logos : pandas.DataFrame
        Columns :data:`LOGO_COLUMNS`: letter heights in bits against equal letter frequencies of the pairs of rank 1,
        aligned, and of the first motif where there is no such pair.
    """
    matches, logos = [], []
    for name, entries in databases.items():
        targets = _unique([motif for _, motif in entries])
        marks = {motif.name: mark for (mark, _), motif in zip(entries, targets, strict=True)}
        for (modification, source), motifs in consensus.items():
            head = {"modification": modification, "method": source, "database": name}
            chosen = pd.DataFrame()
            if motifs and len(targets) > 1:
                pairs = compare(motifs, targets, database=name, method=method, jobs=jobs, warn=warn)
                pairs["target_modification"] = pairs["target"].map(marks)
                pairs["own"] = pairs["target_modification"] == modification
                pairs["q_mark"], pairs["rank"] = np.nan, 0
                mine = np.flatnonzero(pairs["own"])
                if len(mine):
                    p = pairs["p"].to_numpy()[mine]
                    pairs.iloc[mine, pairs.columns.get_loc("q_mark")] = false_discovery_control(p)
                    pairs.iloc[mine[p.argmin()], pairs.columns.get_loc("rank")] = 1
                chosen = pairs[pairs["rank"] > 0]
                # the comparer's own word for how it compares stands beside the way the motif was found
                matches.append(pairs.rename(columns={"method": "comparer"}).assign(**head))
            if len(chosen):
                logos.append(match_logos(chosen, motifs, targets).assign(**head))
            elif motifs:
                rows = [{"role": "query", "motif": motifs[0].name, "name": "", **row} for row in logo_rows(motifs[0])]
                logos.append(pd.DataFrame(rows).assign(**head))
    return _stack(matches, MATCH_COLUMNS), _stack(logos, LOGO_COLUMNS)


def _unique(motifs: Sequence[PWM]) -> list[PWM]:
    names = [motif.name for motif in motifs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError("two motifs of a database have one name", value=twice, remedy="rename one of them")
    return list(motifs)


def _stack(frames: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    kept = [frame for frame in frames if len(frame)]
    return pd.concat(kept, ignore_index=True)[list(columns)] if kept else pd.DataFrame(columns=list(columns))
