"""What the register knows of one figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
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
    title : str
    section : str
        Of the report.
    about : str
        What it shows, in general words.
    tables : tuple of str
        Names in :data:`rnamarks.figures.dictionary.TABLES`, in the order in which the functions take them.
    functions : str
        ``module:stem``; the module beside this one holds ``draw_<stem>`` and ``explain_<stem>``. It is imported when a
        figure is drawn, since every process of a workflow reads this register and few draw.
    options : mapping
        Further arguments of both.
    shown : callable
        ``shown(design)``: whether the run has what the figure shows.
    """

    name: str
    label: str
    title: str
    section: str
    about: str
    tables: tuple[str, ...]
    functions: str
    shown: Callable[[Design], bool] = field(default=lambda design: True)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """Path of the figure relative to the run's folder."""
        return f"figures/{self.name}.svg"

    def _find(self, verb: str) -> Callable[..., Any]:
        module, stem = self.functions.split(":")
        return getattr(import_module(f".{module}", __package__), f"{verb}_{stem}")

    def draw(self, tables: Sequence[pd.DataFrame], design: Design) -> Figure:
        """The figure, from the tables that :attr:`tables` names."""
        figure = self._find("draw")(*tables, design, **self.options)
        if design.heads_are != "species":
            from matplotlib.text import Text

            for text in figure.findobj(Text):
                text.set_text(design.say(text.get_text()))
        return figure

    def explain(self, tables: Sequence[pd.DataFrame], design: Design) -> list[tuple[str, str]]:
        """Captions as (panel, text); panel is ``""`` where there is but one."""
        return [(panel, design.say(text)) for panel, text in self._find("explain")(*tables, design, **self.options)]
