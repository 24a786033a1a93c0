"""Gradient-boosted trees of XGBoost and CatBoost: fitted to bytes, and from bytes to a function that scores.

What is kept is each library's own model format, UBJSON and CBM, as an array of bytes; nothing is unpickled. The same
seed and threads give the same bytes. The packages are imported when they are needed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..errors import InputError, needs
from .settings import Real, Settings, Whole, setting

Features = np.ndarray | sp.csr_matrix
Margin = Callable[[Features], np.ndarray]

_SUBSAMPLE = 0.8
_COLUMNS = 0.3
_XGBOOST = "install it (pip install xgboost-cpu), or choose a model without trees, such as kmer_logistic"
_CATBOOST = "install it (pip install catboost), or choose a model without it, such as xgboost_one_hot"


@dataclass
class TreeSettings(Settings):
    """What a fit is told, and what baselines of trees have.

    Parameters
    ----------
    trees : int
        Per class, where there are several.
    depth : int
    eta : float
        Learning rate.
    threads : int
        Of the CPU.
    """

    trees: int = setting(300, Whole(1, 100_000))
    depth: int = setting(6, Whole(1, 16))
    eta: float = setting(0.1, Real(0, 1, above=True))
    threads: int = setting(1, Whole(1, 1024))


def fit_xgboost(
    features: Features,
    labels: np.ndarray,
    *,
    seed: int,
    settings: TreeSettings,
    classes: int = 0,
    weights: np.ndarray | None = None,
    weighted: bool = True,
    columns: float = _COLUMNS,
    bins: int = 16,
    child: float = 5,
) -> np.ndarray:
    """Fit XGBoost's histogram trees.

    Parameters
    ----------
    features : array or scipy.sparse.csr_matrix, shape=(n, n_features)
    labels : numpy.ndarray, shape=(n,)
        bool, or with ``classes`` 0 to classes - 1, each of which must occur.
    seed : int
    settings : TreeSettings
    classes : int
        0 for one margin, the log odds with the labels weighted to 1:1.
    weights : numpy.ndarray, shape=(n,), optional
        Of windows; with ``classes``.
    weighted : bool
        Whether labels of one margin count 1:1; else it is the log odds at the fraction of positives that there is.
    columns : float
        Fraction of the features that each tree is shown.
    bins : int
        Of a feature's values.
    child : float
        Smallest sum of Hessians of a leaf.

    Returns
    -------
    numpy.ndarray, dtype=uint8
        For :func:`load_xgboost`.
    """
    with needs("xgboost", _XGBOOST):
        import xgboost
    if classes:
        objective: dict[str, Any] = {"objective": "multi:softprob", "num_class": classes}
    else:
        odds = float((~labels).sum() / labels.sum())
        objective = {"objective": "binary:logistic", "scale_pos_weight": odds if weighted else 1.0}
    parameters = objective | {
        "tree_method": "hist",
        "max_bin": bins,
        "eta": settings.eta,
        "max_depth": settings.depth,
        "subsample": _SUBSAMPLE,
        "colsample_bytree": columns,
        "min_child_weight": child,
        "base_score": 0.5,
        "nthread": settings.threads,
        "seed": seed,
    }
    data = xgboost.QuantileDMatrix(features, labels, weight=weights, max_bin=bins, nthread=settings.threads)
    booster = xgboost.train(parameters, data, settings.trees)
    return np.frombuffer(bytes(booster.save_raw("ubj")), dtype=np.uint8)


def load_xgboost(saved: np.ndarray, threads: int) -> Margin:
    """A function from features to margins, shape (n,) or (n, classes), of what :func:`fit_xgboost` gave.

    Raises
    ------
    InputError
        If xgboost is not installed, or it cannot read the bytes.
    """
    with needs("xgboost", _XGBOOST):
        import xgboost
    booster = xgboost.Booster({"nthread": threads})
    try:
        booster.load_model(bytearray(saved.tobytes()))
    except xgboost.core.XGBoostError as error:
        raise InputError("the boosted trees cannot be read", remedy="fit the baseline again") from error
    return lambda features: booster.inplace_predict(features, predict_type="margin")


def fit_catboost(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    seed: int,
    settings: TreeSettings,
    classes: int = 0,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Fit CatBoost's symmetric trees; parameters and result as those of :func:`fit_xgboost`, features dense."""
    with needs("catboost", _CATBOOST):
        import catboost
    if classes:
        objective: dict[str, Any] = {"loss_function": "MultiClass", "classes_count": classes}
    else:
        objective = {
            "loss_function": "Logloss",
            "scale_pos_weight": float((~labels).sum() / labels.sum()),
            "boost_from_average": False,
        }
    parameters = objective | {
        "iterations": settings.trees,
        "depth": settings.depth,
        "learning_rate": settings.eta,
        # ordered boosting, the default for few windows, is several times slower
        "boosting_type": "Plain",
        "bootstrap_type": "Bernoulli",
        "subsample": _SUBSAMPLE,
        "rsm": _COLUMNS,
        "thread_count": settings.threads,
        "random_seed": seed,
        "allow_writing_files": False,
        "logging_level": "Silent",
    }
    model = catboost.CatBoost(parameters)
    model.fit(catboost.Pool(features, labels.astype(np.int32), weight=weights, thread_count=settings.threads))
    metadata = model.get_metadata()
    # a random name and the time of day would make equal models differ
    for key in ("model_guid", "train_finish_time"):
        if key in metadata:
            del metadata[key]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.cbm"
        model.save_model(str(path), format="cbm")
        return np.fromfile(path, dtype=np.uint8)


def load_catboost(saved: np.ndarray, threads: int) -> Margin:
    """A function from features to margins of what :func:`fit_catboost` gave; else as :func:`load_xgboost`."""
    with needs("catboost", _CATBOOST):
        import catboost
    model = catboost.CatBoost()
    try:
        model.load_model(blob=saved.tobytes())
    except catboost.CatBoostError as error:
        raise InputError("the boosted trees cannot be read", remedy="fit the baseline again") from error
    return lambda features: model.predict(features, prediction_type="RawFormulaVal", thread_count=threads)
