"""Where along transcripts sites lie: metagene and distance to the stop codon, calls against all motif positions.

Calls of a model and measured sites are rows of one table (:mod:`rnamarks.biology.candidates`).

Two axes. ``metagene``: each position as a fraction of its region, the regions 5'UTR, CDS (with the stop codon) and
3'UTR drawn with widths proportional to their median lengths. ``stop``: nucleotides from the first nucleotide of the
stop codon, negative upstream.

Two quantities. ``density``: fraction of the calls in a bin over the bin's fraction of the axis, so that 1 is evenly
spread; the published landscape (MASS, Figure 3) is of this kind, and it follows the motif wherever that is frequent.
``rate``: calls per motif position, which does not.

Intervals resample genes, since sites of one gene are no independent observations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

from ..dictionary import column_names
from ..errors import InputError
from ..evaluation.bootstrap import interval, resample_counts
from ..sites.coordinates import SPAN
from ..tables import stack_frames
from .candidates import Candidates
from .statistics import delta_of_counts, ratio

REGIONS = ("utr5", "cds", "utr3")
AXES = ("metagene", "stop")
STOP_CODON = 3
REACH = 1000

# resolution of the distances when medians are resampled; the medians themselves are exact
_DISTANCE_BINS = 400


@dataclass(frozen=True)
class Axes:
    """Bins that all sets of transcripts and predictors share.

    Attributes
    ----------
    widths : tuple of float
        Fraction of the metagene that 5'UTR, CDS and 3'UTR take; sums to 1.
    bins : tuple of int
        Bins of each region.
    stop_edges : numpy.ndarray, shape=(n_stop_bins + 1,)
        Nucleotides from the first nucleotide of the stop codon; a bin holds its lower edge.
    """

    widths: tuple[float, float, float]
    bins: tuple[int, int, int]
    stop_edges: np.ndarray

    @property
    def metagene_edges(self) -> np.ndarray:
        """Edges of the metagene's bins from 0 to 1; shape=(sum(bins) + 1,)."""
        ends = np.cumsum((0.0, *self.widths))
        parts = [np.linspace(ends[at], ends[at + 1], count, endpoint=False) for at, count in enumerate(self.bins)]
        return np.concatenate([*parts, [1.0]])


def make_axes(tables: Sequence[pd.DataFrame], *, bins: int = 60, stop_bin: int = 50) -> Axes:
    """Common bins for several sets of transcripts.

    Parameters
    ----------
    tables : sequence of pandas.DataFrame
        As :func:`rnamarks.biology.candidates.coding_transcripts` gives them. The width of a region is the median over
        the sets of their median lengths.
    bins : int
        Of the metagene, shared out to the regions by their widths, each at least 3.
    stop_bin : int
        Nucleotides per bin, of which a whole number reaches 1000 nt (:data:`REACH`) to either side of the stop codon.
    """
    if bins < 9 or stop_bin < 1 or REACH % stop_bin:
        raise InputError(
            "the bins of the landscape do not fit",
            value=f"bins {bins}, stop_bin {stop_bin}",
            remedy=f"give at least 9 bins and a stop_bin that divides {REACH}",
        )
    medians = [np.median(_region_bounds(table)[1], axis=0) for table in tables if len(table)]
    lengths = np.maximum(np.median(medians, axis=0), 1.0) if medians else np.ones(3)
    widths = lengths / lengths.sum()
    counts = np.maximum(3, np.round(bins * widths)).astype(int)
    return Axes(tuple(widths.tolist()), tuple(counts.tolist()), np.arange(-REACH, REACH + stop_bin, stop_bin))


def metagene_bin(table: pd.DataFrame, transcript: np.ndarray, position: np.ndarray, axes: Axes) -> np.ndarray:
    """Bin of the metagene that each position falls into.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`rnamarks.biology.candidates.coding_transcripts` gives it.
    transcript, position : numpy.ndarray of int, shape=(n,)
        Row of the table, and 0-based position on the transcript.
    axes : Axes

    Returns
    -------
    numpy.ndarray of int, shape=(n,)
    """
    starts, lengths = _region_bounds(table)
    start, end = table["cds_start"].to_numpy()[transcript], table["cds_end"].to_numpy()[transcript]
    region = (position >= start).astype(np.int64) + (position >= end)
    length = lengths[transcript, region]
    bins = np.asarray(axes.bins)[region]
    # whole numbers, so that no rounding moves a position over an edge: the middle of the nucleotide decides
    along = (2 * (position - starts[transcript, region]) + 1) * bins // (2 * length)
    return np.concatenate(([0], np.cumsum(axes.bins)))[region] + along


def stop_distance(table: pd.DataFrame, transcript: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Nucleotides from the first nucleotide of the stop codon, negative upstream; arguments as :func:`metagene_bin`."""
    return position - (table["cds_end"].to_numpy()[transcript] - STOP_CODON)


def measure_landscape(
    table: pd.DataFrame,
    calls: Mapping[str, Candidates],
    axes: Axes,
    *,
    transcripts: str = "",
    task: str = "",
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Landscape and its statistics of one task on one set of transcripts, for any number of predictors.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`rnamarks.biology.candidates.coding_transcripts` gives it.
    calls : mapping of str to Candidates
        By predictor.
    axes : Axes
    transcripts, task : str
        Written into the result.
    resamples : int
        Bootstrap resamples of genes; the same for all predictors.
    seed : int

    Returns
    -------
    landscape : pandas.DataFrame
        Table ``landscape``. ``low`` and ``high`` are pointwise 95 % percentile intervals. A value is missing where
        its denominator is 0.
    statistics : pandas.DataFrame
        Table ``landscape_statistics``. Distances are absolute, in nt. ``p`` is of the two-sided Mann-Whitney test
        of the distances of called against other candidates, which takes sites for independent; the intervals do not.
        ``delta`` is Cliff's delta, P(called farther) - P(called nearer): negative where calls lie nearer. ``nearer``
        is the fraction of pairs of a called and another candidate of one transcript in which the called one is nearer
        (ties count half), so that no difference between transcripts enters; 0.5 is none. The peak is the bin of the
        stop axis with the highest density.

    Notes
    -----
    Counts per gene are resampled by matrix products with the numbers of times that each gene is drawn. About 1,000
    counts of 4 bytes per gene: 80 MB for 20,000 genes.
    """
    gene, names = pd.factorize(table["gene"])
    frames, statistics = [], []
    for predictor, candidates in calls.items():
        counted = _Counted(table, candidates, axes, gene, len(names))
        totals = counted.matrix.sum(axis=0, dtype=np.float64)[None]
        draws = _resampled(counted.matrix, resamples, seed)
        head = {"transcripts": transcripts, "task": task, "predictor": predictor}
        frames += [_axis_rows(head, axis, axes, counted, totals, draws) for axis in AXES]
        statistics.append(head | counted.statistics(totals, draws))
    landscape = stack_frames(frames, column_names("landscape", task_columns=False))
    result = pd.DataFrame(statistics, columns=column_names("landscape_statistics", task_columns=False))
    peaks = _peaks(landscape)
    result[["peak_from", "peak_to"]] = [peaks.get(name, (np.nan, np.nan)) for name in result["predictor"]]
    return landscape, result


class _Counted:
    """Counts per gene of everything that is resampled, side by side in one matrix."""

    def __init__(self, table: pd.DataFrame, candidates: Candidates, axes: Axes, gene: np.ndarray, n_genes: int) -> None:
        self.genes = n_genes
        self.called = np.asarray(candidates.called, dtype=bool)
        beyond = candidates.position >= table["length"].to_numpy()[candidates.transcript]
        if beyond.any():
            raise InputError(
                "a site lies beyond the end of its transcript",
                value=table["transcript"].iloc[candidates.transcript[beyond][0]],
                remedy="give the table of the transcripts that were scanned",
            )
        owner = gene[candidates.transcript]
        signed = stop_distance(table, candidates.transcript, candidates.position)
        place = {
            "metagene": metagene_bin(table, candidates.transcript, candidates.position, axes),
            "stop": np.searchsorted(axes.stop_edges, signed, side="right") - 1,
        }
        self.distance = np.abs(signed)
        self._edges = _quantile_edges(self.distance, self.called)
        rank = np.searchsorted(self._edges, self.distance, side="right") - 1
        farther, pairs = _pairs_within(candidates.transcript, self.distance, self.called)

        parts: dict[object, np.ndarray] = {}
        for axis, n_bins in zip(AXES, (sum(axes.bins), len(axes.stop_edges) - 1), strict=True):
            parts[axis, "called"] = self._histogram(owner, place[axis], n_bins, self.called)
            parts[axis, "candidates"] = self._histogram(owner, place[axis], n_bins, np.ones_like(self.called))
        n_bins = len(self._edges) - 1
        parts["distance of called"] = self._histogram(owner, rank, n_bins, self.called)
        parts["distance of other"] = self._histogram(owner, rank, n_bins, ~self.called)
        mine = owner[self.called]
        parts["pairs"] = np.column_stack(
            [np.bincount(mine, weights=weight, minlength=self.genes) for weight in (farther, pairs)]
        )
        ends = np.cumsum([0, *(part.shape[1] for part in parts.values())])
        self.columns = {name: slice(*ends[at : at + 2]) for at, name in enumerate(parts)}
        # counts stay whole numbers below 2^24
        self.matrix = np.hstack([part.astype(np.float32) for part in parts.values()])

    def _histogram(self, owner: np.ndarray, place: np.ndarray, n_bins: int, which: np.ndarray) -> np.ndarray:
        kept = which & (place >= 0) & (place < n_bins)
        cells = np.bincount(owner[kept] * n_bins + place[kept], minlength=self.genes * n_bins)
        return cells.reshape(self.genes, n_bins)

    def statistics(self, totals: np.ndarray, draws: np.ndarray) -> dict[str, float]:
        """All but the peak of the columns of the statistics."""
        called, other = self.distance[self.called], self.distance[~self.called]
        row: dict[str, float] = {"genes": self.genes, "called": called.size, "candidates": self.distance.size}
        if not called.size or not other.size:
            return row
        test = scipy.stats.mannwhitneyu(called, other, alternative="two-sided", method="asymptotic")
        medians = float(np.median(called)), float(np.median(other))
        of_called, of_other, pairs = (
            draws[:, self.columns[name]] for name in ("distance of called", "distance of other", "pairs")
        )
        shifts = self._median(of_called) - self._median(of_other)
        deltas = delta_of_counts(of_called, of_other)
        farther, n_pairs = totals[0, self.columns["pairs"]]
        row |= {
            "median_called": medians[0],
            "median_other": medians[1],
            "difference": medians[0] - medians[1],
            "p": float(test.pvalue),
            "delta": 2 * float(test.statistic) / (called.size * other.size) - 1,
            "nearer": farther / n_pairs if n_pairs else np.nan,
        }
        row["low"], row["high"] = interval(shifts)
        row["delta_low"], row["delta_high"] = interval(deltas)
        row["nearer_low"], row["nearer_high"] = interval(ratio(pairs[:, 0], pairs[:, 1]))
        return row

    def _median(self, histograms: np.ndarray) -> np.ndarray:
        """Medians of rows of histograms, straight lines within a bin; shape=(rows,)."""
        cumulated = np.cumsum(histograms, axis=1)
        half = cumulated[:, -1:] / 2
        at = np.minimum((cumulated < half).sum(axis=1), histograms.shape[1] - 1)
        rows = np.arange(len(histograms))
        inside = histograms[rows, at]
        before = cumulated[rows, at] - inside
        along = ratio(half[:, 0] - before, inside)
        return self._edges[at] + along * (self._edges[at + 1] - self._edges[at])


def _resampled(matrix: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Column sums of resampled rows, shape=(resamples, columns); none where fewer than two rows can be drawn."""
    genes, columns = matrix.shape
    if genes < 2:
        return np.zeros((0, columns))
    random = np.random.default_rng([seed, 1])
    blocks = resample_counts(np.zeros(genes, dtype=bool), resamples, random)
    sums = [(block.astype(np.float32) @ matrix).astype(np.float64) for block in blocks]
    return np.vstack([np.zeros((0, columns)), *sums])


def _axis_rows(
    head: Mapping[str, str], axis: str, axes: Axes, counted: _Counted, totals: np.ndarray, draws: np.ndarray
) -> pd.DataFrame:
    edges = axes.metagene_edges if axis == "metagene" else axes.stop_edges
    share = np.diff(edges) / (edges[-1] - edges[0])
    columns = {name: counted.columns[axis, name] for name in ("called", "candidates")}
    values, resampled = ({name: sums[:, at] for name, at in columns.items()} for sums in (totals, draws))
    frames = []
    for quantity, measure in QUANTITIES.items():
        drawn = measure(resampled, share)
        low, high = np.array([interval(column) for column in drawn.T]).T
        frames.append(
            pd.DataFrame(
                {
                    **head,
                    "axis": axis,
                    "region": np.repeat(REGIONS, axes.bins) if axis == "metagene" else "",
                    "bin": np.arange(len(share)),
                    "from": edges[:-1],
                    "to": edges[1:],
                    "quantity": quantity,
                    "value": measure(values, share)[0],
                    "low": low,
                    "high": high,
                    "called": values["called"][0].astype(np.int64),
                    "candidates": values["candidates"][0].astype(np.int64),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _peaks(landscape: pd.DataFrame) -> dict[str, tuple[float, float]]:
    rows = landscape[(landscape["axis"] == "stop") & (landscape["quantity"] == "density")].dropna(subset="value")
    best = rows.loc[rows.groupby("predictor", sort=False)["value"].idxmax()]
    return {row["predictor"]: (row["from"], row["to"]) for row in best.to_dict("records")}


QUANTITIES: dict[str, Callable[[Mapping[str, np.ndarray], np.ndarray], np.ndarray]] = {
    "density": lambda sums, share: ratio(sums["called"], sums["called"].sum(axis=1, keepdims=True) * share),
    "rate": lambda sums, share: ratio(sums["called"], sums["candidates"]),
}


def _region_bounds(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Starts and lengths of 5'UTR, CDS and 3'UTR on the transcript; both of shape=(n_transcripts, 3)."""
    start, end, length = (table[name].to_numpy(dtype=np.int64) for name in ("cds_start", "cds_end", "length"))
    starts = np.column_stack([np.zeros_like(start), start, end])
    return starts, np.column_stack([start, end - start, length - end])


def _quantile_edges(distance: np.ndarray, called: np.ndarray) -> np.ndarray:
    """Edges half way between whole numbers, as dense where calls are as where other candidates are."""
    shares = np.linspace(0, 1, _DISTANCE_BINS // 2)
    groups = [values for values in (distance[called], distance[~called]) if values.size]
    parts = [np.quantile(values, shares, method="inverted_cdf") for values in groups]
    inner = np.unique(np.concatenate(parts)) - 0.5 if parts else np.array([-0.5])
    return np.append(inner, distance.max(initial=0) + 0.5)


def _pairs_within(transcript: np.ndarray, distance: np.ndarray, called: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each call: other candidates of its transcript that lie farther (ties count half), and how many there are."""
    keys = transcript * SPAN + distance
    others, mine = np.sort(keys[~called]), keys[called]
    first, last = (np.searchsorted(others, (transcript[called] + step) * SPAN) for step in (0, 1))
    below, upto = (np.searchsorted(others, mine, side=side) for side in ("left", "right"))
    return last - upto + (upto - below) / 2, (last - first).astype(np.float64)
