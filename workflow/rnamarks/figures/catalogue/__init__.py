"""Tables and figures of the stages after the evaluation, one module per stage.

Each module has ``TABLES`` (dict of name to :class:`~rnamarks.figures.columns.Table`) and ``FIGURES`` (tuple of
:class:`~rnamarks.figures.entry.FigureEntry`).
"""

from __future__ import annotations

from types import ModuleType

from . import (
    attribution,
    capacity,
    landscape,
    marks_evaluation,
    marks_interpretation,
    motifs,
    ontology,
    optimisation,
    regulation,
    transcriptome,
)

STAGES: tuple[ModuleType, ...] = (
    transcriptome,
    landscape,
    motifs,
    attribution,
    optimisation,
    capacity,
    ontology,
    regulation,
    marks_evaluation,
    marks_interpretation,
)
