"""The sections of the report and the figures in them, in their order, read from the sheet beside this module.

In ``figures.tsv`` spaces separate the names of tables, of what a run needs (:attr:`Design.offers
<rnamarks.figures.design.Design.offers>` and :data:`CONDITIONS`), and the options, ``name=value``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..dictionary.tables import TABLES, read_rows
from ..errors import check_choice
from .design import Design

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

SECTIONS = {
    "positions": "Do the positions fit?",
    "ranking": "Does the model rank measured sites first?",
    "stoichiometry": "Score and stoichiometry",
    "corpus": "Corpus",
    "pretraining": "Language models",
    "families": "RNA families",
    "downstream": "Downstream tasks",
    "data": "Data",
    "splits": "Splits and leaks",
    "training": "Training",
    "metrics": "Metrics",
    "together": "All tasks together",
    "variants": "Variants of the networks",
    "calibration": "Calibration",
    "thresholds": "Thresholds",
    "similarity": "Similarity to training",
    "external": "Test sets from elsewhere",
    "attention": "What the networks attend to",
    "landscape": "Where the sites lie",
    "proximity": "Distances between sites",
    "motifs": "Local motifs",
    "optimisation": "Global motifs",
    "capacity": "Conserved genes",
    "ontology": "Gene ontology",
    "regulation": "Gene regulation",
}
"""Sections of the report that hold figures, in their order, with their titles."""

CONDITIONS: dict[str, Callable[[Design], bool]] = {
    "tasks": lambda design: bool(design.tasks),
    "drops": lambda design: bool(design.tasks) or not design.offers.isdisjoint({"corpus", "downstream"}),
    "models": lambda design: bool(design.series),
    "several_models": lambda design: len(design.on(design.scheme)) > 1,
    "trained": lambda design: design.recommended is not None,
    "both_schemes": lambda design: any(len(series.schemes) > 1 for series in design.series),
    "several_of_one_task": lambda design: not design.several_modifications and len(design.single()) > 1,
    "ladder": lambda design: not design.several_modifications and len(design.ladder()) > 1,
    "one_by_one": lambda design: (
        bool(design.tasks) and not (design.several_modifications and "all_tasks" in design.offers)
    ),
    "over_four_tasks": lambda design: len(design.tasks) > 4,
    "several_species": lambda design: design.several_species,
}
"""What a figure may need of a run besides what :attr:`Design.offers <rnamarks.figures.design.Design.offers>` names."""


@dataclass(frozen=True)
class FigureEntry:
    """One figure.

    Attributes
    ----------
    name : str
        Stem of its file.
    label : str
        The paper's number where it has one, else a name.
    title, about : str
        What it shows, in short and in a sentence; ``{word}`` and ``{words}`` stand for :attr:`Design.word
        <rnamarks.figures.design.Design.word>` and its plural.
    section : str
        Of the report, a key of :data:`SECTIONS`.
    tables : tuple of str
        Names in :data:`rnamarks.dictionary.tables.TABLES`, in the order in which the functions take them.
    functions : str
        ``module:stem``; the module beside this one holds ``draw_<stem>`` and ``explain_<stem>``. It is imported when a
        figure is drawn, since every process of a workflow reads this register and few draw.
    needs : str
        What a run needs to have it, by words.
    options : mapping
        Further arguments of both.
    shown : callable
        ``shown(design)``: whether the run has what the figure shows.
    """

    name: str
    title: str
    about: str
    label: str
    section: str
    functions: str
    tables: tuple[str, ...]
    needs: str = ""
    shown: Callable[[Design], bool] = field(default=lambda design: True)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """Path of the figure relative to the run's folder."""
        return f"figures/{self.name}.svg"

    @property
    def module(self) -> Path:
        """File of the module that draws and explains it."""
        return Path(__file__).with_name(f"{self.functions.partition(':')[0]}.py")

    def _find(self, verb: str) -> Callable[..., Any]:
        module, stem = self.functions.split(":")
        return getattr(import_module(f".{module}", __package__), f"{verb}_{stem}")

    def title_in(self, design: Design) -> str:
        """The title in the words of a run."""
        return self.title.format(word=design.word, words=design.words)

    def about_in(self, design: Design) -> str:
        """What it shows, in the words of a run."""
        return self.about.format(word=design.word, words=design.words)

    def draw(self, tables: Sequence[pd.DataFrame], design: Design) -> Figure:
        """The figure, from the tables that :attr:`tables` names."""
        return self._find("draw")(*tables, design, **self.options)

    def explain(self, tables: Sequence[pd.DataFrame], design: Design) -> list[tuple[str, str]]:
        """Captions as (panel, text); panel is ``""`` where there is but one."""
        return self._find("explain")(*tables, design, **self.options)


def _shown(needs: str) -> Callable[[Design], bool]:
    """Whether a run has all of some offers and conditions, which spaces separate."""
    return lambda design: all(
        need in design.offers or (need in CONDITIONS and CONDITIONS[need](design)) for need in needs.split()
    )


def _entry(
    name: str, section: str, label: str, functions: str, tables: str, needs: str, options: str, title: str, about: str
) -> FigureEntry:
    given = dict(option.split("=") for option in options.split())
    return FigureEntry(
        name, title, about, label, section, functions, tuple(tables.split()), needs, _shown(needs), given
    )


FIGURES = {row[0]: _entry(*row) for row in read_rows(Path(__file__).with_name("figures.tsv"))}


def figures_of(design: Design) -> list[str]:
    """Names of the figures that a run makes, in the order of the report.

    Decided from the configuration alone, so that a workflow knows its outputs before anything has run.
    """
    return [entry.name for entry in FIGURES.values() if entry.shown(design)]


def sections_of(design: Design) -> dict[str, list[str]]:
    """Sections of the report that a run has figures for, and the names of these."""
    found: dict[str, list[str]] = {}
    for name in figures_of(design):
        found.setdefault(FIGURES[name].section, []).append(name)
    return found


def tables_read(figures: Iterable[str]) -> list[str]:
    """Names of the tables that some figures read, in the order of the dictionary."""
    used = {name for figure in figures for name in FIGURES[figure].tables}
    return [name for name in TABLES if name in used]


def tables_of(design: Design) -> list[str]:
    """Names of the tables that the figures of a run read and the report lists, in the same order."""
    used = {*tables_read(figures_of(design)), *(["metrics"] if design.tasks else [])}
    return [name for name in TABLES if name in used]


def find_figure(name: str) -> FigureEntry:
    """The entry of a figure."""
    check_choice(name, FIGURES, "no such figure")
    return FIGURES[name]
