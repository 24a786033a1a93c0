"""From logits of a model trained at 1:1 to probabilities of the population that they are used on.

Two steps. A network fed as many positives as negatives gives log odds for a population of which half is modified;
adding ln(pi / (1 - pi)) moves them to prevalence pi (Bayes' rule; Saerens, Latinne & Decaestecker 2002). Probabilities
that are still too extreme or not extreme enough are then corrected by a logistic regression of the label on that logit,
fitted on the validation split with Platt's softened targets (Platt 1999):

    probability = sigmoid(slope * (logit + ln(pi / (1 - pi))) + intercept)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np
import pandas as pd
import scipy
from scipy.special import expit
from scipy.special import logit as log_odds

from ..dictionary import column_names
from ..errors import InputError
from .metrics import check_predictions, check_probabilities, equal_mass_bins, prevalence_weights, require_prevalence

METHODS = ("platt", "prior", "flat")
FEWEST = 20
"""Positives and negatives that a refit needs in the validation split, each."""


@dataclass(frozen=True)
class Calibration:
    """Constants that turn one task's logits into probabilities.

    Attributes
    ----------
    prevalence : float
        Fraction of positives that the probabilities are for.
    slope, intercept : float
        Of the logistic regression on the prior-corrected logit; 1 and 0 leave it as it is.
    method : str
        ``platt``: fitted. ``prior``: only the prevalence is corrected. ``flat``: the fit found no rising relation, so
        every window gets the prevalence.
    n_positive, n_negative : int
        Windows that it was fitted on; 0 and 0 for none.
    fitted_on : str
        Which data, in words.
    """

    prevalence: float
    slope: float = 1.0
    intercept: float = 0.0
    method: str = "prior"
    n_positive: int = 0
    n_negative: int = 0
    fitted_on: str = ""

    def __post_init__(self) -> None:
        require_prevalence(self.prevalence)
        if self.method not in METHODS:
            raise InputError("no calibration of that name", value=self.method, remedy=f"one of {', '.join(METHODS)}")
        if not (np.isfinite(self.slope) and np.isfinite(self.intercept) and self.slope >= 0):
            raise InputError(
                "a calibration needs a finite slope of at least 0 and a finite intercept",
                value=(self.slope, self.intercept),
                remedy="calibrate the model again",
            )

    def logit(self, logit: np.ndarray, prevalence: float | None = None) -> np.ndarray:
        """Calibrated log odds; see :meth:`probability`."""
        prior = log_odds(self.prevalence)
        calibrated = self.slope * (np.asarray(logit, dtype=np.float64) + prior) + self.intercept
        if prevalence is None:
            return calibrated
        return calibrated + log_odds(require_prevalence(prevalence)) - prior

    def probability(self, logit: np.ndarray, prevalence: float | None = None) -> np.ndarray:
        """Probability of the modification.

        Parameters
        ----------
        logit : array
            Natural-log odds as trained, at 1:1; any shape.
        prevalence : float, optional
            Fraction of positives where the model is used, if other than where it was calibrated: 0.5 for a balanced
            test set. Positives and negatives must each look as they did there; only their ratio may change.

        Returns
        -------
        numpy.ndarray, dtype=float64
        """
        return expit(self.logit(logit, prevalence))

    def to_dict(self) -> dict[str, object]:
        """Plain values for ``config.json``."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Calibration:
        """The reverse of :meth:`to_dict`; a key too many or too few is an :class:`InputError`."""
        known = {field.name for field in fields(cls)}
        if set(values) != known:
            raise InputError(
                "a calibration has unknown or missing keys",
                value=sorted(set(values) ^ known),
                remedy=f"it has {', '.join(sorted(known))}",
            )
        return cls(**values)


def fit_calibration(
    labels: np.ndarray,
    logits: np.ndarray,
    *,
    prevalence: float | None = None,
    fitted_on: str = "",
    few: str = "error",
    fewest: int = FEWEST,
) -> Calibration:
    """Fit the calibration of one task on its validation split.

    Parameters
    ----------
    labels, logits : array, shape=(n,)
        Validation windows; logits as trained, at 1:1.
    prevalence : float, optional
        Fraction of positives that the probabilities are for; the windows are weighted to it. Default: their own.
    fitted_on : str
        Recorded in the result.
    few : str
        What to do with fewer than ``fewest`` positives or negatives: ``error``, or ``prior`` to correct the prevalence
        and nothing else, which ``method`` then says.
    fewest : int

    Returns
    -------
    Calibration

    Raises
    ------
    InputError
        If labels or logits cannot be used, or there are too few windows and ``few`` is ``error``.
    """
    if few not in ("error", "prior"):
        raise InputError("unknown choice for too few windows", value=few, remedy="use error or prior")
    labels, logits = check_predictions(labels, logits, both_classes=few == "error" or prevalence is None)
    positives, negatives = int(labels.sum()), int((~labels).sum())
    share = positives / len(labels) if prevalence is None else require_prevalence(prevalence)
    counts = {"n_positive": positives, "n_negative": negatives, "fitted_on": fitted_on}
    if min(positives, negatives) < fewest:
        if few == "error":
            raise InputError(
                f"{positives} positives and {negatives} negatives are too few to calibrate on",
                remedy=f"give at least {fewest} of each in the validation split",
            )
        return Calibration(share, method="prior", **counts)
    corrected = logits + log_odds(share)
    if np.ptp(logits) == 0:
        return Calibration(share, 0.0, float(log_odds(share)), "flat", **counts)
    from sklearn.linear_model import LogisticRegression

    weights = prevalence_weights(labels, share)
    # softened targets: each window counts for both labels, which keeps the fit finite on separable data
    soft = np.where(labels, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10, max_iter=200)
    model.fit(
        np.tile(corrected, 2)[:, None],
        np.repeat([1, 0], len(labels)),
        sample_weight=np.concatenate([weights * soft, weights * (1 - soft)]),
    )
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope <= 0:
        return Calibration(share, 0.0, float(log_odds(share)), "flat", **counts)
    return Calibration(share, slope, intercept, "platt", **counts)


def reliability_table(labels: np.ndarray, probabilities: np.ndarray, *, bins: int = 10) -> pd.DataFrame:
    """Predicted against observed fraction of positives in equal-mass bins.

    Parameters
    ----------
    labels, probabilities : array, shape=(n,)
    bins : int
        Ties can leave fewer; see :func:`~rnamarks.evaluation.metrics.equal_mass_bins`.

    Returns
    -------
    pandas.DataFrame
        ``bin`` (1 for the smallest probabilities), ``from``, ``to`` (smallest and largest probability in it),
        ``predicted`` (mean), ``observed`` (fraction of positives), ``low``, ``high`` (95 % Wilson interval of
        ``observed``), ``n``, ``n_positive``.
    """
    labels, probabilities = check_probabilities(labels, probabilities)
    frame = pd.DataFrame({"bin": equal_mass_bins(probabilities, bins) + 1, "p": probabilities, "y": labels})
    table = frame.groupby("bin").agg(
        **{"from": ("p", "min"), "to": ("p", "max"), "predicted": ("p", "mean")},
        observed=("y", "mean"),
        n=("y", "size"),
        n_positive=("y", "sum"),
    )
    table["low"], table["high"] = wilson(table["n_positive"].to_numpy(), table["n"].to_numpy())
    return table.reset_index()[column_names("reliability", first="bin")]


def wilson(hits: np.ndarray | int, n: np.ndarray | int) -> np.ndarray:
    """Wilson's 95 % interval of fractions, shape=(2, ...): low and high; NaN for ``n`` = 0."""
    bounds = [
        scipy.stats.binomtest(int(k), int(size)).proportion_ci(0.95, "wilson") if size else (np.nan, np.nan)
        for k, size in np.broadcast(hits, n)
    ]
    return np.reshape(np.transpose(bounds), (2, *np.broadcast(hits, n).shape))
