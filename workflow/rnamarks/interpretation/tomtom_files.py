"""What the MEME suite's ``tomtom`` writes, as a table of pairs like that of :mod:`rnamarks.interpretation.tomtom`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError
from ..files import open_text
from .pwm import PWM
from .tomtom import PAIR_COLUMNS

_MEME_COLUMNS = {
    "queryid": "query",
    "targetid": "target",
    "optimaloffset": "offset",
    "pvalue": "p",
    "evalue": "e",
    "qvalue": "q",
    "overlap": "overlap",
    "queryconsensus": "query_consensus",
    "targetconsensus": "target_consensus",
    "orientation": "orientation",
}


def read_tomtom(
    path: str | Path, targets: Sequence[PWM], *, queries: Sequence[PWM] | None = None, database: str = ""
) -> pd.DataFrame:
    """What the MEME suite's ``tomtom`` wrote (``tomtom.tsv``, or ``-text``), as the library's own comparison gives it.

    Its offset is that of :func:`rnamarks.interpretation.tomtom.compare`. Only the pairs that it reported are there,
    sorted by query and p.

    Parameters
    ----------
    path : path-like
    targets : sequence of PWM
        The database that was searched: gives the targets' names.
    queries : sequence of PWM, optional
        Keep the matches of these only.
    database : str

    Raises
    ------
    InputError
        If a column is missing or malformed, a target is not in the database, or a match is on the other strand.
    """
    header: list[str] | None = None
    rows: list[dict[str, object]] = []
    by_name = {motif.name: motif for motif in targets}
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            line = line.rstrip("\n")
            if not line.strip() or (header is not None and line.startswith("#")):
                continue
            fields = line.split("\t")
            if header is None:
                header = [_MEME_COLUMNS.get(re.sub(r"[^a-z]", "", field.lower()), "") for field in fields]
                lacking = sorted(set(_MEME_COLUMNS.values()) - set(header))
                if lacking:
                    raise InputError(
                        f"the table lacks {', '.join(lacking)}",
                        path=path,
                        line=number,
                        remedy="give tomtom's tomtom.tsv",
                    )
                continue
            rows.append(_meme_row(dict(zip(header, fields, strict=False)), by_name, path, number))
    if header is None:
        raise InputError("the table is empty", path=path, remedy="run tomtom again")
    frame = pd.DataFrame(rows, columns=[name for name in PAIR_COLUMNS if name not in ("database", "targets", "method")])
    frame = frame.assign(database=database, targets=len(targets), method="meme")[list(PAIR_COLUMNS)]
    if queries is not None:
        frame = frame[frame["query"].isin([motif.name for motif in queries])]
    first = {query: at for at, query in enumerate(dict.fromkeys(frame["query"]))}
    order = np.lexsort((frame["p"], frame["query"].map(first)))
    return frame.iloc[order].reset_index(drop=True)


def _meme_row(row: dict[str, str], by_name: Mapping[str, PWM], path: str | Path, line: int) -> dict[str, object]:
    out: dict[str, object] = dict(row)
    for column, kind in (("p", float), ("e", float), ("q", float), ("offset", int), ("overlap", int)):
        try:
            out[column] = kind(row[column])
        except (KeyError, ValueError) as error:
            raise InputError(
                f"the {column} is malformed", path=path, line=line, value=row.get(column), remedy="run tomtom again"
            ) from error
    if row["orientation"] != "+":
        raise InputError(
            "the match is on the other strand",
            path=path,
            line=line,
            value=row["orientation"],
            remedy="run it with -norc",
        )
    if row["target"] not in by_name:
        raise InputError(
            "the target is not in the database",
            path=path,
            line=line,
            value=row["target"],
            remedy="give what was searched",
        )
    target = by_name[row["target"]]
    # tomtom writes the consensus in DNA letters for DNA databases
    return out | {
        "target_name": target.label,
        "query_consensus": str(row["query_consensus"]).replace("T", "U"),
        "target_consensus": target.consensus(),
    }
