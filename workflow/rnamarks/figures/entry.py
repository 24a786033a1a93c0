"""What the register knows of one figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from .design import Design


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
        Of the report, a key of :data:`rnamarks.figures.catalogue.SECTIONS`.
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
