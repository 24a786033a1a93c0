"""Calibration and thresholds of one predictor from its own predictions."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from .panels import build_panels
from .seeds import ENSEMBLE, Run
from .tables import calibration_table, threshold_tables
from .thresholds import PRECISIONS


def calibrate(
    frames: Sequence[pd.DataFrame], *, model: str, setting: str, scheme: str, precisions: Sequence[float] = PRECISIONS
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Constants that turn a predictor's mean logits into probabilities, and thresholds of stated precision.

    Parameters
    ----------
    frames : sequence of pandas.DataFrame
        Predictions of its seeds, table ``predictions``. Frames of different
        tasks are parts of one predictor; the frames that have a task are its seeds.
    model, setting, scheme : str
        Values of these columns.
    precisions : sequence of float

    Returns
    -------
    calibration, thresholds : pandas.DataFrame
        As :func:`~rnamarks.evaluation.tables.calibration_table` and
        :func:`~rnamarks.evaluation.tables.threshold_tables` give them, ``seed`` being ``ensemble``; constants are
        fitted and thresholds chosen on the validation split and checked on the test split.
    """
    panels = build_panels([Run(model, setting, scheme, number, frame) for number, frame in enumerate(frames)])
    calibration, thresholds = calibration_table(panels), threshold_tables(panels, precisions=precisions)
    return tuple(table[table["seed"] == ENSEMBLE].reset_index(drop=True) for table in (calibration, thresholds))
