"""Ribosome loads of random and human 5′UTRs of 25 to 100 nt (Sample et al. 2019, GSM4084997)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..sites.drops import NOTE
from .formats import EXAMPLE_FORMATS, Count, Files, Published
from .rows import check_roles, csv_rows, parse_number

READS = 10
"""Default of the fewest reads of a 5′UTR."""
SHORTEST, LONGEST = 25, 100
DEEPEST = 100
"""5′UTRs of each length, and of each set, that are tested on."""
RANDOM, HUMAN = "random", "human"
_NONE = ("", "NA", "NaN", "nan")


@EXAMPLE_FORMATS.add("mrl_varying")
def read_varying_lengths(files: Files, entry: Mapping[str, Any], count: Count, seed: int) -> Published:
    """Mean ribosome load of random and human 5′UTRs of many lengths, as GEO has it.

    The role is ``library``: a CSV with ``utr``, ``set`` (``random`` or ``human``), ``total_reads`` and ``rl``, among
    others. ``reads`` of the entry is the fewest reads of a 5′UTR, 10 without it.

    5′UTRs of other sets, without a load or with fewer reads leave, and then all copies of one that occurs several times
    (T and U, capitals and small letters are the same), as in the code that RiNALMo's authors released. Of what is left
    the fold ``given`` tests on the 100 random 5′UTRs of most reads of each length from 25 to 100 nt (Random7600) and
    trains on the other random ones; the fold ``human`` trains on the same and tests on the 100 human 5′UTRs of most
    reads of each length (Human7600), which are in no other fold; other human ones leave. Where a length has fewer than
    100, all of them are tested on, and a note counts them. Among equal numbers of reads those that come first in the
    file are taken. A length is that of the sequence; the column ``len`` is not read.

    Raises
    ------
    InputError
        If a column is missing, or a 5′UTR, its set or a number is none.
    """
    check_roles(files, ["library"])
    reads = int(entry.get("reads") or READS)
    rows = []
    for path, line, row in csv_rows(files["library"], ["utr", "set", "total_reads", "rl"], ["total_reads", "rl"]):
        depth, load = (_number(row[name], path, line) for name in ("total_reads", "rl"))
        rows.append((f"{row['set']}_{len(rows) + 1}", row["utr"], "", row["set"], depth, load))
    frame = pd.DataFrame(rows, columns=["example", "sequence", "family", "set", "depth", "value"])

    frame = _keep(frame, frame["set"].isin([RANDOM, HUMAN]), "neither random nor human", count)
    frame = _keep(frame, frame["value"].notna(), "no ribosome load", count)
    frame = _keep(frame, frame["depth"] >= reads, f"fewer than {reads} reads", count)
    same = frame["sequence"].str.upper().str.replace("T", "U")
    frame = _keep(frame, ~same.duplicated(keep=False), "a sequence that occurs several times", count)
    # told of even where the threshold drops nothing
    count(f"{NOTE}UTRs of at least {reads} reads", len(frame))
    frame = frame.assign(tested=_deepest(frame, count))
    wanted = frame["tested"] | (frame["set"] == RANDOM)
    frame = _keep(frame, wanted, f"human, and not among the {DEEPEST} of most reads of a length", count)
    human, tested = (frame["set"] == HUMAN).to_numpy(), frame["tested"].to_numpy()
    part = np.where(human, "", np.where(tested, "test", "train")).astype(object)
    folds = {HUMAN: np.where(human, "test", np.where(tested, "", "train")).astype(object)}
    rows = frame.assign(part=part)[["example", "sequence", "family", "part", "value"]].reset_index(drop=True)
    return Published(rows, transferred=f"{HUMAN}_", folds=folds, conflicts="all")


def _keep(frame: pd.DataFrame, mask: pd.Series, reason: str, count: Count) -> pd.DataFrame:
    count(reason, int((~mask).sum()))
    return frame[mask]


def _deepest(frame: pd.DataFrame, count: Count) -> pd.Series:
    """Which 5′UTRs are among those of most reads of their set and length; short lengths are counted."""
    lengths = frame["sequence"].str.len()
    ordered = frame.assign(length=lengths).sort_values("depth", ascending=False, kind="stable")
    groups = ordered[ordered["length"].between(SHORTEST, LONGEST)].groupby(["set", "length"])
    chosen = groups.cumcount() < DEEPEST
    for name in (RANDOM, HUMAN):
        sizes = groups.size()
        few = sizes[(sizes < DEEPEST) & (sizes.index.get_level_values("set") == name)]
        count(f"{NOTE}tested {name} UTRs of a length that has fewer than {DEEPEST}", int(few.sum()))
    return chosen.reindex(frame.index, fill_value=False)


def _number(text: str, path: Path, line: int) -> float:
    return np.nan if text in _NONE else parse_number(text, path, line)
