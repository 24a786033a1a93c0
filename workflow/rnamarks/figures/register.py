"""The register of figures: what each shows, which tables it reads, and when it has something to show."""

from __future__ import annotations

from ..dictionary.tables import TABLES
from ..errors import InputError
from .catalogue import FIGURES
from .design import Design
from .entry import FigureEntry


def figures_of(design: Design) -> list[str]:
    """Names of the figures that a run makes, in the order of the report.

    Decided from the configuration alone, so that a workflow knows its outputs before anything has run.
    """
    return [entry.name for entry in FIGURES.values() if entry.shown(design)]


def tables_of(design: Design) -> list[str]:
    """Names of the tables that the figures of a run read and the report lists, in the order of the register."""
    used = {name for figure in figures_of(design) for name in FIGURES[figure].tables} | {"metrics"}
    return [name for name in TABLES if name in used]


def find_figure(name: str) -> FigureEntry:
    """The entry of a figure."""
    if name not in FIGURES:
        raise InputError("no such figure", value=name, remedy=f"choose one of {', '.join(FIGURES)}")
    return FIGURES[name]
