"""The predictions table: what a predictor answers for the examples that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..errors import InputError
from .examples import FOLD, fold_names
from .formats import TARGET_COLUMNS

TRAIN = "train"


def fold_rows(examples: pd.DataFrame, fold: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training examples of a fold, and all others of it, each with their split in the column ``split``.

    Raises
    ------
    InputError
        If there is no such fold.
    """
    if FOLD + fold not in examples:
        raise InputError("no such fold", value=fold, remedy=f"choose one of {', '.join(fold_names(examples))}")
    rows = examples[examples[FOLD + fold] != ""].rename(columns={FOLD + fold: "split"})
    trained = (rows["split"] == TRAIN).to_numpy()
    return rows[trained].reset_index(drop=True), rows[~trained].reset_index(drop=True)


def label_names(examples: pd.DataFrame) -> list[str]:
    """Labels in the order of the column ``probability``: those of the whole table, sorted."""
    return sorted(examples["label"].unique())


def predictions_table(
    rows: pd.DataFrame, target: str, predicted: Sequence | np.ndarray, labels: Sequence[str] = ()
) -> pd.DataFrame:
    """Predictions of examples.

    Parameters
    ----------
    rows : pandas.DataFrame
        From :func:`fold_rows`.
    target : {"pairs", "label", "value"}
    predicted : sequence
        Of ``pairs`` an array of 0-based partners per RNA, -1 for none; of ``label`` probabilities, shape (n, n_labels);
        of ``value`` numbers, shape (n,).
    labels : sequence of str
        Of the columns of the probabilities.

    Returns
    -------
    pandas.DataFrame
        ``example``, ``split``, ``family``, ``length`` (nt), then the answer (``partners``, ``label`` or ``value``) and
        ``predicted``, and of labels ``probability``.
    """
    column = TARGET_COLUMNS[target]
    frame = rows[["example", "split", "family"]].assign(length=rows["sequence"].str.len())
    frame[column] = rows[column].to_numpy()
    if target == "pairs":
        frame["predicted"] = pd.Series([np.asarray(one, np.int32) for one in predicted], dtype=object)
    elif target == "label":
        probabilities = np.asarray(predicted, dtype=np.float32)
        frame["predicted"] = np.array(labels, dtype=object)[probabilities.argmax(axis=1)]
        frame["probability"] = pd.Series(list(probabilities), dtype=object)
    else:
        frame["predicted"] = np.asarray(predicted, dtype=np.float64)
    return frame
