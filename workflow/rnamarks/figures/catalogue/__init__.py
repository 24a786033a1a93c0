"""Tables and figures, one module per stage or analysis, in the order of the report.

Each module has ``TABLES`` (dict of name to :class:`~rnamarks.figures.columns.Table`) and ``FIGURES`` (tuple of
:class:`~rnamarks.figures.entry.FigureEntry`).
"""

from __future__ import annotations

from types import ModuleType

from . import (
    attribution,
    capacity,
    datasets,
    evaluation,
    landscape,
    marks_evaluation,
    marks_interpretation,
    motifs,
    ontology,
    optimisation,
    regulation,
    training,
    transcriptome,
)

STAGES: tuple[ModuleType, ...] = (
    datasets,
    training,
    evaluation,
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
