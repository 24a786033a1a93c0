"""Tasks: what a model is asked, one kind of answer for one modification in one species.

m6A in human and m6A in mouse are two tasks, as are m6A and pseudouridine in human. Models have one head per task, and
every table of windows, predictions and metrics names the task in the column ``task``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from .errors import InputError

if TYPE_CHECKING:
    import pandas as pd

TASK_COLUMNS = ("task", "species", "modification")
_KINDS = {str: "text", int: "a whole number", bool: "true or false"}
_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
_MOTIF = re.compile(r"[ACGURYSWKMBDHVN]{1,32}")
_BASE = re.compile(r"[ACGU]?")
_COLOUR = re.compile(r"(#[0-9A-Fa-f]{6})?")


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes
    ----------
    name : str
        Letters, digits and ``_``; the value of the column ``task`` and the name of the model's head.
    target : str
        Kind of answer: ``site``, whether the nucleotide in the middle is modified.
    species : str
        Name in the sheet of species; ``""`` where it is not known.
    modification : str
        MODOMICS short name; ``""`` for a task about none.
    base : str
        The unmodified nucleotide, A, C, G or U; ``""`` for a task about none.
    motif : str
        IUPAC motif, RNA, that a site lies in; the base alone where there is none.
    motif_offset : int
        0-based index of the site in the motif.
    centred : bool
        Whether windows have their site in the middle; where not, a window may hold one anywhere.
    label : str
        What figures and pages call the task; its name if left out.
    colour : str
        ``#RRGGBB``, or ``""``.
    """

    name: str
    target: str = "site"
    species: str = ""
    modification: str = ""
    base: str = ""
    motif: str = ""
    motif_offset: int = 0
    centred: bool = True
    label: str = ""
    colour: str = ""

    def __post_init__(self) -> None:
        for field in fields(self):
            value, kind = getattr(self, field.name), type(field.default) if field.name != "name" else str
            if type(value) is not kind:
                raise InputError(f"{field.name} of a task is not {_KINDS[kind]}", value=value, remedy="correct it")
        for what in ("target", "species", "modification", "label"):
            value = getattr(self, what)
            if len(value) > 256 or not value.isprintable():
                raise InputError(f"{what} of task {self.name} is malformed", value=value, remedy="use printable text")
        for what, pattern, remedy in (
            ("name", _NAME, "use up to 64 letters, digits and _"),
            ("motif", _MOTIF, "use up to 32 IUPAC capitals with U"),
            ("base", _BASE, "give A, C, G or U"),
            ("colour", _COLOUR, "write a colour as #RRGGBB"),
        ):
            value = getattr(self, what)
            if not pattern.fullmatch(value) and (value or what == "name"):
                raise InputError(f"{what} of task {self.name} is malformed", value=value, remedy=remedy)
        if not 0 <= self.motif_offset < max(1, len(self.motif)):
            raise InputError(
                f"motif_offset of task {self.name} lies outside its motif {self.motif}",
                value=self.motif_offset,
                remedy="count from 0",
            )
        if not self.label:
            object.__setattr__(self, "label", self.name)

    @property
    def place(self) -> tuple[str, int]:
        """The motif and the 0-based index of the site in it; the base alone where there is no motif."""
        return (self.motif, self.motif_offset) if self.motif.strip("N") else (self.base, 0)

    def record(self) -> dict[str, Any]:
        """Plain values, for a rule's params or JSON."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Task:
        """The reverse of :meth:`record`; an :class:`InputError` names an unknown, missing or malformed entry."""
        known = {field.name for field in fields(cls)}
        if not isinstance(record, Mapping) or not known >= set(record) >= {"name"}:
            raise InputError("a task has unknown or missing entries", value=record, remedy=f"it has {sorted(known)}")
        return cls(**record)


def find_task(tasks: Iterable[Task], name: str | None = None) -> Task:
    """The task of a name; without one the only task.

    Raises
    ------
    InputError
        If there is no such task, or several and no name was given; the message lists them.
    """
    known = {task.name: task for task in tasks}
    if name is None and len(known) == 1:
        return next(iter(known.values()))
    if name not in known:
        what = "there are several tasks" if name is None else "there is no such task"
        raise InputError(what, value=name, remedy=f"choose one of {', '.join(known)}")
    return known[name]


def add_task_columns(frame: pd.DataFrame, tasks: Iterable[Task]) -> pd.DataFrame:
    """A table with the column ``task``, and behind it ``species`` and ``modification`` of each row's task.

    A value that is no task's name (``mean`` of several, say) gets ``""`` in both.
    """
    known = {task.name: task for task in tasks}
    at = frame.columns.get_loc("task") + 1
    frame = frame.copy()
    for name in ("modification", "species"):
        values = [getattr(known[task], name) if task in known else "" for task in frame["task"]]
        frame.insert(at, name, values)
    return frame
