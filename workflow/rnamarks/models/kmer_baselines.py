"""Baselines that see all k-mers of a window: linear, trees, and the mean of both."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse as sp

from .baselines import BASELINES, Baseline
from .kmers import is_centred, kmer_features
from .settings import Motif, Real, Whole, setting
from .trees import TreeSettings, fit_xgboost, load_xgboost


@dataclass
class KmerModel(Baseline):
    """The linear and the tree model: both see what :func:`rnamarks.models.kmers.kmer_features` makes of windows.

    Parameters
    ----------
    longest, motif, motif_offset, reach
        See there.
    """

    longest: int = setting(6, Whole(1, 9))
    motif: str = setting("DRACH", Motif())
    motif_offset: int = setting(2, Whole(0, 31))
    reach: int = setting(20, Whole(0, 1000))
    saved: ClassVar[tuple[str, ...]] = ("centred",)

    def features(self, codes: np.ndarray) -> sp.csr_matrix:
        """Features of windows, shape (n, n_features), float32; absent ones are not stored."""
        return kmer_features(
            codes,
            centred=self.centred,
            longest=self.longest,
            motif=self.motif,
            motif_offset=self.motif_offset,
            reach=self.reach,
        )

    def _fit(self, codes, labels, seed):
        self.centred = is_centred(codes)
        self._fit_features(self.features(codes), labels, seed)

    def _logit(self, codes):
        return self._logit_features(self.features(codes))

    @abstractmethod
    def _fit_features(self, features: sp.csr_matrix, labels: np.ndarray, seed: int) -> None: ...

    @abstractmethod
    def _logit_features(self, features: sp.csr_matrix) -> np.ndarray: ...


def _fit_logistic(features: sp.csr_matrix, labels: np.ndarray, strength: float) -> tuple[np.ndarray, float]:
    # the import takes more than a second, and most who come here only score
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, class_weight="balanced", tol=1e-3, max_iter=1000)
    model.fit(features, labels)
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])


@BASELINES.add("kmer_logistic")
@dataclass
class KmerLogistic(KmerModel):
    """Logistic regression with an L2 penalty on :class:`KmerModel`'s features, classes weighted to 1:1.

    Parameters
    ----------
    strength : float
        scikit-learn's ``C``.
    """

    strength: float = setting(0.003, Real(0, 1e6, above=True))
    saved: ClassVar[tuple[str, ...]] = (*KmerModel.saved, "coefficients", "intercept")

    def _fit_features(self, features, labels, seed):
        self.coefficients, self.intercept = _fit_logistic(features, labels, self.strength)

    def _logit_features(self, features):
        return features @ self.coefficients + self.intercept


@BASELINES.add("kmer_xgboost")
@dataclass
class KmerTrees(TreeSettings, KmerModel):
    """Gradient-boosted trees (XGBoost, histograms) on the same features, classes weighted to 1:1."""

    saved: ClassVar[tuple[str, ...]] = (*KmerModel.saved, "booster")

    @classmethod
    def from_arrays(cls, arrays, hyperparameters=None):
        """See :meth:`Baseline.from_arrays`; without xgboost it is an :class:`InputError`, before anything is scored."""
        baseline = super().from_arrays(arrays, hyperparameters)
        baseline._margin = load_xgboost(baseline.booster, baseline.threads)
        return baseline

    def _fit_features(self, features, labels, seed):
        self.booster = fit_xgboost(features, labels, seed=seed, settings=self)
        self._margin = load_xgboost(self.booster, self.threads)

    def _logit_features(self, features):
        return self._margin(features)


@BASELINES.add("kmer_blend")
@dataclass
class KmerBlend(KmerTrees):
    """Mean logit of the logistic regression and the trees: the strongest without a network."""

    strength: float = setting(0.003, Real(0, 1e6, above=True))
    saved: ClassVar[tuple[str, ...]] = (*KmerTrees.saved, "coefficients", "intercept")

    def _fit_features(self, features, labels, seed):
        super()._fit_features(features, labels, seed)
        self.coefficients, self.intercept = _fit_logistic(features, labels, self.strength)

    def _logit_features(self, features):
        return (super()._logit_features(features) + features @ self.coefficients + self.intercept) / 2
