"""Counts of what is left out, by reason, so that no row disappears unseen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..dictionary import column_names
from ..errors import InputError
from ..tables import read_tsv, write_tsv

KEPT = "kept"
NOTE = "note: "


class Drops:
    """Collector of the drops table: one count per stage, subject, source and reason.

    The subject is the name of a task, or of a set of transcripts.

    The reason ``kept`` says what remained. A reason that begins with ``note: `` counts rows that stayed although
    something is odd about them. All other reasons and ``kept`` add up to the rows that came in.
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str, str], int] = {}

    def count(self, stage: str, subject: str, source: str, reason: str, rows: int) -> None:
        """Add ``rows`` to a reason; a count of 0 is kept only for ``kept``."""
        rows = int(rows)
        if rows < 0:
            raise ValueError(f"a count cannot be negative: {rows} for {reason!r}")
        if rows or reason == KEPT:
            key = (stage, subject, source, reason)
            self._rows[key] = self._rows.get(key, 0) + rows

    def scope(self, stage: str, subject: str, source: str) -> Scope:
        """The same collector with stage, subject and source filled in."""
        return Scope(self, stage, subject, source)

    def rows(self, reason: str, *, stage: str | None = None, subject: str | None = None) -> int:
        """Sum of the counts of one reason, over everything or within one stage or subject."""
        return sum(
            rows
            for (at_stage, at_subject, _, at_reason), rows in self._rows.items()
            if at_reason == reason and stage in (None, at_stage) and subject in (None, at_subject)
        )

    def merge(self, other: Drops) -> None:
        """Add another collector's counts to this one's."""
        for key, rows in other._rows.items():
            self.count(*key, rows)

    def frame(self) -> pd.DataFrame:
        """The table ``drops``, in the order in which the reasons were first counted."""
        return pd.DataFrame([(*key, rows) for key, rows in self._rows.items()], columns=column_names("drops")).astype(
            {"rows": "int64"}
        )

    def write(self, path: str | Path) -> None:
        """Write the table as TSV, atomically."""
        write_tsv(self.frame(), path)

    @classmethod
    def read(cls, path: str | Path) -> Drops:
        """Read a table that :meth:`write` wrote."""
        names = column_names("drops")
        frame, _ = read_tsv(path, names, dtype=dict.fromkeys(names, str))
        drops = cls()
        for number, row in enumerate(frame[names].fillna("").itertuples(index=False), 2):
            if not row.rows.isdecimal():
                raise InputError(
                    "the count is not a whole number", path=path, line=number, value=row.rows, remedy="make it again"
                )
            drops.count(row.stage, row.subject, row.source, row.reason, int(row.rows))
        return drops


@dataclass(frozen=True)
class Scope:
    """A :class:`Drops` collector bound to one stage, subject and source."""

    drops: Drops
    stage: str
    subject: str
    source: str

    def count(self, reason: str, rows: int) -> None:
        """Add ``rows`` to a reason."""
        self.drops.count(self.stage, self.subject, self.source, reason, rows)

    def keep(self, frame: pd.DataFrame, mask: Iterable[bool], reason: str) -> pd.DataFrame:
        """The rows of ``frame`` where ``mask`` is true; the others are counted under ``reason``."""
        mask = np.asarray(mask, dtype=bool)
        if mask.shape != (len(frame),):
            raise ValueError(f"the mask has shape {mask.shape} and the table {len(frame)} rows")
        self.count(reason, int((~mask).sum()))
        return frame if mask.all() else frame[mask]

    def kept(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Count all rows of ``frame`` as kept and hand it back."""
        self.count(KEPT, len(frame))
        return frame
