"""Boosted trees as plain arrays: fitted by XGBoost, scored by NumPy alone, so that predicting needs no package more."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from ..errors import InputError

MOST_NODES = 1 << 16
"""Nodes that a tree may have."""
_ROWS = 1024
_REMEDY = "copy the whole model directory again"


@dataclass(frozen=True)
class Forest:
    """Sum of regression trees.

    Attributes
    ----------
    feature : numpy.ndarray, shape=(n_trees, n_nodes), dtype=int32
        Column that a node asks about; -1 of a leaf.
    threshold : numpy.ndarray, dtype=float32
        Below it the way goes left; of a leaf its value.
    left, right : numpy.ndarray, dtype=int32
        Nodes, above the number of their parent; 0 of a leaf.
    base : float
        What the sum begins with.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    base: float = 0.0

    @classmethod
    def from_xgboost(cls, saved: np.ndarray, base: float = 0.0) -> Self:
        """Trees of what :func:`rnamarks.models.trees.fit_xgboost` gave for one margin, and a constant beside them."""
        import xgboost

        booster = xgboost.Booster()
        booster.load_model(bytearray(saved.tobytes()))
        trees = json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]["model"]["trees"]
        size = max(len(tree["left_children"]) for tree in trees)
        shape = (len(trees), size)
        feature, left, right = np.full(shape, -1, np.int32), np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        threshold = np.zeros(shape, np.float32)
        for row, tree in enumerate(trees):
            n = len(tree["left_children"])
            children = np.array(tree["left_children"], np.int32), np.array(tree["right_children"], np.int32)
            inner = children[0] >= 0
            feature[row, :n] = np.where(inner, tree["split_indices"], -1)
            threshold[row, :n] = tree["split_conditions"]
            left[row, :n], right[row, :n] = (np.where(inner, part, 0) for part in children)
        return cls(feature, threshold, left, right, base)

    def margin(self, features: np.ndarray) -> np.ndarray:
        """Sums of leaves.

        Parameters
        ----------
        features : numpy.ndarray, shape=(n, n_features), dtype=float32
            Finite.

        Returns
        -------
        numpy.ndarray, shape=(n,), dtype=float32
        """
        features = np.ascontiguousarray(features, dtype=np.float32)
        found = np.empty(len(features), dtype=np.float32)
        column, threshold, child, depth = self._flat
        roots = np.arange(len(self.feature)) * self.feature.shape[1]
        for start in range(0, len(features), _ROWS):
            part = features[start : start + _ROWS]
            row = np.arange(len(part))[:, None] * part.shape[1]
            node = np.broadcast_to(roots, (len(part), len(roots)))
            values = part.ravel()
            for _ in range(depth):
                goes_right = values.take(row + column.take(node)) >= threshold.take(node)
                node = child.take(2 * node + goes_right)
            found[start : start + _ROWS] = threshold.take(node).sum(axis=1, dtype=np.float64) + self.base
        return found

    @cached_property
    def _flat(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        """Columns, thresholds and the two children of nodes, numbered through all trees, and the longest way; a leaf is
        its own child."""
        own = np.arange(self.feature.size).reshape(self.feature.shape)
        inner = self.feature >= 0
        left, right = (np.where(inner, own[:, :1] + part, own) for part in (self.left, self.right))
        child = np.stack([left.ravel(), right.ravel()], axis=1)
        depth, here = 0, own[:, 0]
        while len(here := here[inner.ravel()[here]]):
            depth, here = depth + 1, np.unique(child[here])
        return np.maximum(self.feature, 0).ravel().astype(np.intp), self.threshold.ravel(), child.ravel(), depth

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What a file keeps."""
        return {
            "feature": self.feature,
            "threshold": self.threshold,
            "left": self.left,
            "right": self.right,
            "base": np.array([self.base], dtype=np.float32),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], n_features: int) -> Self:
        """The reverse of :meth:`to_arrays`; arrays that are no trees over ``n_features`` are an :class:`InputError`."""
        wanted: dict[str, Any] = {"feature": "i", "threshold": "f", "left": "i", "right": "i", "base": "f"}
        if set(arrays) != set(wanted) or any(arrays[name].dtype.kind != kind for name, kind in wanted.items()):
            raise InputError("the trees do not have the arrays that they need", value=sorted(arrays), remedy=_REMEDY)
        feature, threshold, left, right = (arrays[name] for name in list(wanted)[:4])
        shapes = {part.shape for part in (feature, threshold, left, right)}
        if (
            len(shapes) > 1
            or feature.ndim != 2
            or arrays["base"].shape != (1,)
            or not 0 < feature.shape[1] < MOST_NODES
        ):
            raise InputError("the trees' arrays do not fit each other", value=sorted(shapes), remedy=_REMEDY)
        inner = feature >= 0
        own = np.arange(feature.shape[1])
        # children behind their parents, so that every way ends
        sound = (left > own) & (right > own) & (left < feature.shape[1]) & (right < feature.shape[1])
        if feature.min() < -1 or feature.max() >= n_features or not sound[inner].all():
            raise InputError("the trees lead to nodes or features that are not there", remedy=_REMEDY)
        if not np.isfinite(threshold).all():
            raise InputError("the trees hold a number that is not finite", remedy=_REMEDY)
        return cls(feature, threshold, left, right, float(arrays["base"][0]))
