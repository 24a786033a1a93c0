"""Bootstrap intervals of many metrics and many models on the same resamples.

A resample is a vector of counts, one per window. Scores are sorted once; every resample is then a pair of cumulative
sums over the sorted counts, with ties taken together, so that thousands of resamples need no second sort. Models are
compared on identical resamples, which makes differences paired. Windows are drawn within strata, such as the labels,
whose numbers were chosen when the data set was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import scipy

from .metrics import call_ratios, check_predictions, require_prevalence

RANKING = ("auroc", "auprc")
AT_THRESHOLD = ("sensitivity", "specificity", "precision", "accuracy", "mcc")
LEVEL = 0.95
# blocks that stay in a core's cache run faster than larger ones
_CELLS_AT_ONCE = 250_000


@dataclass
class Ranking:
    """Scores of one model, sorted once for any number of weightings.

    Parameters
    ----------
    labels : numpy.ndarray, shape=(n,), dtype=bool
    scores : numpy.ndarray, shape=(n,), dtype=float64
    """

    labels: np.ndarray
    scores: np.ndarray
    _positives: np.ndarray = field(init=False, repr=False)
    _hits_to: np.ndarray | None = field(init=False, repr=False)
    _bins: scipy.sparse.csr_array = field(init=False, repr=False)
    _false_to: np.ndarray = field(init=False, repr=False)
    _false_before: np.ndarray | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        order = np.argsort(-self.scores, kind="stable")
        positive = self.labels[order]
        self._positives, negatives = order[positive], order[~positive]
        hits, false = -self.scores[self._positives], -self.scores[negatives]
        hits_to = np.searchsorted(hits, hits, side="right")
        self._hits_to = None if np.array_equal(hits_to, np.arange(1, len(hits) + 1)) else hits_to
        false_to = np.searchsorted(false, hits, side="right")
        before = np.searchsorted(false, hits, side="left")
        # negatives between two neighbouring positives need not be told apart
        edges = np.union1d(before, false_to)
        bins = np.searchsorted(edges, np.arange(len(negatives)), side="right")
        self._bins = scipy.sparse.csr_array(
            (np.ones(len(negatives)), (bins, negatives)), shape=(len(edges) + 1, len(self.labels))
        )
        self._false_to = np.searchsorted(edges, false_to)
        self._false_before = None if np.array_equal(before, false_to) else np.searchsorted(edges, before)

    def weighted(self, weights: np.ndarray, ratios: Sequence[float] = (1.0,)) -> tuple[np.ndarray, list[np.ndarray]]:
        """AUROC and average precision under each weighting.

        Parameters
        ----------
        weights : numpy.ndarray, shape=(n_weightings, n)
            In the order of the labels; not negative. Fortran order, as resamples come in, saves a copy.
        ratios : sequence of float
            Further weights of a negative, relative to a positive, each giving an average precision of its own: that
            of another prevalence.

        Returns
        -------
        auroc : numpy.ndarray, shape=(n_weightings,)
        auprc : list of numpy.ndarray, shape=(n_weightings,)
            One for each ratio. All are NaN where one label has no weight.
        """
        counts = np.ascontiguousarray(weights.T, dtype=np.float64)
        steps = counts[self._positives]
        hits = np.cumsum(steps, axis=0)
        false = np.cumsum(self._bins @ counts, axis=0)
        positives, negatives = hits[-1].copy() if len(hits) else np.zeros(counts.shape[1]), false[-1]
        if self._hits_to is not None:
            hits = hits[self._hits_to - 1]
        above = false[self._false_to]
        # a positive's rank is the mean of the negatives above it with and without those tied with it
        area = np.einsum("ij,ij->j", steps, above)
        if self._false_before is not None:
            area = (area + np.einsum("ij,ij->j", steps, false[self._false_before])) / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            auroc = 1 - area / (positives * negatives)
            auprc = []
            for ratio in ratios:
                called = ratio * above
                called += hits
                # nothing is called only where the step is zero, too
                np.maximum(called, np.finfo(np.float64).tiny, out=called)
                np.divide(hits, called, out=called)
                auprc.append(np.where(negatives > 0, np.einsum("ij,ij->j", steps, called) / positives, np.nan))
        return auroc, auprc


def resample_counts(strata: np.ndarray, n: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Blocks of resamples as counts: windows are drawn with replacement within strata, as many as each has.

    Parameters
    ----------
    strata : array, shape=(n_windows,)
        Stratum of each window, any sortable values; the strata are drawn from in their order.
    n : int
        Resamples in all.
    generator : numpy.random.Generator

    Yields
    ------
    numpy.ndarray, shape=(up to n, n_windows), dtype=float64
        Times that each window is drawn, in Fortran order. A block holds at most about 250,000 cells.
    """
    windows = len(strata)
    _, stratum_of = np.unique(strata, return_inverse=True)
    members_of = np.split(np.argsort(stratum_of, kind="stable"), np.cumsum(np.bincount(stratum_of))[:-1])
    size = max(1, min(n, _CELLS_AT_ONCE // windows))
    for start in range(0, n, size):
        rows = min(size, n - start)
        # windows first, so that those of one bin or label are rows
        counts = np.empty((windows, rows))
        for members in members_of:
            drawn = generator.integers(0, len(members), size=(rows, len(members))) * rows
            drawn += np.arange(rows)[:, None]
            counts[members] = np.bincount(drawn.ravel(), minlength=rows * len(members)).reshape(-1, rows)
        yield counts.T


def resample_genes(gene: np.ndarray, n: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Resamples in which genes are drawn whole, with all their windows or positions.

    Parameters
    ----------
    gene : array, shape=(n_windows,)
        Gene of each, any sortable values.
    n : int
        Resamples in all.
    generator : numpy.random.Generator

    Yields
    ------
    numpy.ndarray, shape=(up to n, n_windows), dtype=float64
        Times that each is drawn.
    """
    _, index = np.unique(gene, return_inverse=True)
    rows = max(1, _CELLS_AT_ONCE // max(1, len(gene)))
    for block in resample_counts(np.zeros(index.max() + 1, dtype=bool), n, generator):
        for first in range(0, len(block), rows):
            yield block[first : first + rows][:, index]


def resampled_metrics(
    labels: np.ndarray,
    logits: np.ndarray,
    *,
    n: int = 1000,
    seed: int = 0,
    resamples: Iterable[np.ndarray] | None = None,
    probabilities: np.ndarray | None = None,
    prevalences: Mapping[str, float] | None = None,
    called: Mapping[str, np.ndarray] | None = None,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Metrics of several models on the same windows, and the same metrics on the same resamples.

    Parameters
    ----------
    labels : array, shape=(n_windows,)
    logits : array, shape=(n_models, n_windows)
        Any scores.
    n : int
        Resamples within the labels; 0 for none.
    seed : int
    resamples : iterable of numpy.ndarray, shape=(up to n, n_windows), optional
        Blocks of counts to use instead, ``n`` in all.
    probabilities : array, shape=(n_models, n_windows), optional
        Calibrated; adds ``brier`` and ``log_loss``.
    prevalences : mapping of str to float, optional
        Adds ``auprc_<name>``, the average precision with the windows weighted to that fraction of positives.
    called : mapping of str to bool array, shape=(n_models, n_windows), optional
        Windows called by some rule; adds ``sensitivity``, ``specificity``, ``precision``, ``accuracy`` and ``mcc``,
        followed by ``@`` and the rule's name if it has one.

    Returns
    -------
    values : dict of str to numpy.ndarray, shape=(n_models,)
    draws : dict of str to numpy.ndarray, shape=(n_models, n)

    Raises
    ------
    InputError
        As :func:`~rnamarks.evaluation.metrics.check_predictions`.
    """
    labels, logits = check_predictions(labels, np.atleast_2d(np.asarray(logits, dtype=np.float64)))
    rankings = [Ranking(labels, scores) for scores in logits]
    odds = labels.mean() / (1 - labels.mean())
    ratios = {"auprc": 1.0} | {
        f"auprc_{name}": odds * (1 - require_prevalence(share)) / share for name, share in (prevalences or {}).items()
    }
    losses = _losses(labels, probabilities)

    def measure(counts: np.ndarray) -> dict[str, np.ndarray]:
        ranked = [ranking.weighted(counts, list(ratios.values())) for ranking in rankings]
        table = {"auroc": np.stack([auroc for auroc, _ in ranked])}
        table |= {name: np.stack([auprc[i] for _, auprc in ranked]) for i, name in enumerate(ratios)}
        total = counts.sum(axis=1)
        table |= {name: loss @ counts.T / total for name, loss in losses.items()}
        positives = counts[:, labels].sum(axis=1)
        for rule, calls in (called or {}).items():
            hits = (calls & labels).astype(np.float64) @ counts.T
            false = (calls & ~labels).astype(np.float64) @ counts.T
            found = call_ratios(hits, false, positives - hits, total - positives - false)
            table |= {f"{name}@{rule}" if rule else name: found[name] for name in AT_THRESHOLD}
        return table

    values = {name: value[:, 0] for name, value in measure(np.ones((1, len(labels)))).items()}
    if resamples is None:
        # positives are drawn first
        resamples = resample_counts(~labels, n, np.random.default_rng(seed))
    blocks = [measure(counts) for counts in resamples]
    draws = {name: np.hstack([block[name] for block in blocks] or [np.empty((len(logits), 0))]) for name in values}
    return values, draws


def _losses(labels: np.ndarray, probabilities: np.ndarray | None) -> dict[str, np.ndarray]:
    if probabilities is None:
        return {}
    probabilities = np.atleast_2d(np.asarray(probabilities, dtype=np.float64))
    # the same margin as scikit-learn's log loss
    margin = np.finfo(np.float64).eps
    kept = np.clip(probabilities, margin, 1 - margin)
    return {"brier": (probabilities - labels) ** 2, "log_loss": -np.where(labels, np.log(kept), np.log1p(-kept))}


def interval(draws: np.ndarray) -> tuple[float, float]:
    """95 % percentile interval of one metric's resamples; NaN resamples are left out, and NaN comes back for none."""
    kept = draws[np.isfinite(draws)]
    if not kept.size:
        return float("nan"), float("nan")
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(kept, [tail, 1 - tail])
    return float(low), float(high)


def over_seeds(draws: np.ndarray, seed: int = 0) -> np.ndarray:
    """Resamples of the mean over seeds, with seeds resampled as well as windows.

    The seeds are drawn with replacement in each resample, and their deviation from the mean is stretched by
    sqrt(k / (k - 1)), because k drawn seeds vary too little by that factor. One seed passes through unchanged: its
    interval knows of windows only.

    Parameters
    ----------
    draws : numpy.ndarray, shape=(n_seeds, n)
        One metric of the seeds' models on the same resamples; or the difference to another model.

    Returns
    -------
    numpy.ndarray, shape=(n,)
    """
    seeds, n = draws.shape
    centre = draws.mean(axis=0)
    if seeds == 1:
        return centre
    generator = np.random.default_rng(seed)
    chosen = generator.integers(0, seeds, size=(seeds, n))
    drawn = np.take_along_axis(draws, chosen, axis=0).mean(axis=0)
    return centre + np.sqrt(seeds / (seeds - 1)) * (drawn - centre)


def two_sided_p(differences: np.ndarray) -> float:
    """Twice the smaller fraction of resampled differences on either side of zero, counted with one more; at most 1."""
    kept = differences[np.isfinite(differences)]
    if not kept.size:
        return float("nan")
    below, above = int((kept <= 0).sum()), int((kept >= 0).sum())
    return min(1.0, 2 * (1 + min(below, above)) / (kept.size + 1))


def bootstrap_metrics(
    labels: np.ndarray,
    scores: np.ndarray,
    *,
    n: int = 1000,
    seed: int = 0,
    probabilities: np.ndarray | None = None,
    prevalences: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Metrics of one model with their 95 % bootstrap intervals.

    Parameters
    ----------
    labels, scores : array, shape=(n_windows,)
    n, seed, probabilities, prevalences
        See :func:`resampled_metrics`.

    Returns
    -------
    pandas.DataFrame
        Columns ``metric``, ``value``, ``low``, ``high``.
    """
    values, draws = resampled_metrics(
        labels, np.asarray(scores)[None], n=n, seed=seed, probabilities=probabilities, prevalences=prevalences
    )
    rows = [(name, float(value[0]), *interval(draws[name][0])) for name, value in values.items()]
    return pd.DataFrame(rows, columns=["metric", "value", "low", "high"])


def paired_draws(draws: np.ndarray, a: slice | np.ndarray, b: slice | np.ndarray) -> np.ndarray:
    """Resamples of the difference a - b of one metric from :func:`resampled_metrics`, shape=(n,).

    Parameters
    ----------
    draws : numpy.ndarray, shape=(n_models, n)
    a, b : slice or array of int
        The rows (seeds) of the two models.
    """
    # two streams, so that the seeds of a and of b are drawn independently
    return over_seeds(draws[a], seed=1) - over_seeds(draws[b], seed=2)
