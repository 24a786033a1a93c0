"""Where along transcripts sites lie: metagene and distance to the stop codon, calls against all motif positions.

Every motif position (DRACH for m6A) of a transcript is a candidate; a *call* says which candidates count as sites.
Calls of a model and measured sites are treated alike, so that they stand in one table.

Two axes. ``metagene``: each position as a fraction of its region, the regions 5'UTR, CDS (with the stop codon) and
3'UTR drawn with widths proportional to their median lengths. ``stop``: nucleotides from the first nucleotide of the
stop codon, negative upstream.

Three quantities. ``density``: share of the calls in a bin over the bin's share of the axis, so that 1 is evenly spread;
the published landscape (MASS, Figure 3) is of this kind, and it follows the motif wherever that is frequent. ``rate``:
calls per motif position, which does not. ``per_kb``: calls per 1000 nt of RNA that the transcripts have in the bin.

Intervals resample genes, since sites of one gene are no independent observations.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.stats import mannwhitneyu

from ..errors import InputError
from ..evaluation.bootstrap import interval, resample_counts
from ..registry import Register
from ..sites.coordinates import SPAN, TranscriptMap

REGIONS = ("utr5", "cds", "utr3")
AXES = ("metagene", "stop")
MEASURED = "measured"
STOP_CODON = 3
EXON_COLUMNS = ("transcript", "chrom", "strand", "exon_starts", "exon_ends", "cds_start", "cds_end")
TRANSCRIPT_COLUMNS = ("transcript", "gene", "length", "cds_start", "cds_end")
COLUMNS = (
    "species",
    "predictor",
    "axis",
    "region",
    "bin",
    "from",
    "to",
    "quantity",
    "value",
    "low",
    "high",
    "called",
    "candidates",
)
STATISTICS_COLUMNS = (
    "species",
    "predictor",
    "genes",
    "called",
    "candidates",
    "median_called",
    "median_other",
    "difference",
    "low",
    "high",
    "p",
    "delta",
    "delta_low",
    "delta_high",
    "nearer",
    "nearer_low",
    "nearer_high",
    "peak_from",
    "peak_to",
)

# resolution of the distances when medians are resampled; the medians themselves are exact
_DISTANCE_BINS = 400

logger = logging.getLogger(__name__)

CALLS: Register[Callable[[Mapping[str, np.ndarray], float], np.ndarray]] = Register("rule of calling")


@CALLS.add("probability")
def call_probability(sites: Mapping[str, np.ndarray], threshold: float) -> np.ndarray:
    """Calibrated probability above the threshold."""
    return np.asarray(sites["probability"]) > threshold


@CALLS.add("q")
def call_q(sites: Mapping[str, np.ndarray], threshold: float) -> np.ndarray:
    """Expected share of false calls below the threshold."""
    return np.asarray(sites["q"]) < threshold


@CALLS.add("logit")
def call_logit(sites: Mapping[str, np.ndarray], threshold: float) -> np.ndarray:
    """Logit as trained at 1:1 above the threshold; 0 is the paper's probability of 0.5 on its uncalibrated output."""
    return np.asarray(sites["logit"]) > threshold


class Candidates(NamedTuple):
    """Motif positions on transcripts with a coding sequence; arrays of shape=(n,).

    ``transcript`` is the row of the transcript table, ``position`` is 0-based on the transcript, ``called`` says which
    count as sites.
    """

    transcript: np.ndarray
    position: np.ndarray
    called: np.ndarray


@dataclass(frozen=True)
class Axes:
    """Bins that all species and predictors share.

    Attributes
    ----------
    widths : tuple of float
        Share of the metagene that 5'UTR, CDS and 3'UTR take; sums to 1.
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


def make_axes(tables: Sequence[pd.DataFrame], *, bins: int = 60, reach: int = 1000, stop_bin: int = 50) -> Axes:
    """Common bins for the transcripts of several species.

    Parameters
    ----------
    tables : sequence of pandas.DataFrame
        One per species, as :func:`coding_transcripts` gives them. The width of a region is the median over species of
        the species' median length.
    bins : int
        Of the metagene, shared out to the regions by their widths, each at least 3.
    reach : int
        Nucleotides shown on either side of the stop codon, a multiple of ``stop_bin``.
    stop_bin : int
        Nucleotides per bin.
    """
    if bins < 9 or stop_bin < 1 or reach < stop_bin or reach % stop_bin:
        raise InputError(
            "the bins of the landscape do not fit",
            value=f"bins {bins}, reach {reach}, stop_bin {stop_bin}",
            remedy="give at least 9 bins and a reach that is a multiple of stop_bin",
        )
    medians = [np.median(_region_bounds(table)[1], axis=0) for table in tables if len(table)]
    lengths = np.maximum(np.median(medians, axis=0), 1.0) if medians else np.ones(3)
    widths = lengths / lengths.sum()
    counts = np.maximum(3, np.round(bins * widths)).astype(int)
    return Axes(tuple(widths.tolist()), tuple(counts.tolist()), np.arange(-reach, reach + stop_bin, stop_bin))


def coding_transcripts(table: pd.DataFrame, *, one_per_gene: bool = True) -> pd.DataFrame:
    """Transcripts with a coding sequence, by default the representative one of each gene.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns ``transcript``, ``gene``, ``length``, ``cds_start``, ``cds_end`` (0-based half-open on the transcript,
        -1 for none).
    one_per_gene : bool
        Keep of each gene the transcript with the longest coding sequence, among equals the longest, then the first. A
        transcript without a gene stands for itself.

    Returns
    -------
    pandas.DataFrame
        In the order given, with a new index from 0.

    Raises
    ------
    InputError
        If a transcript comes twice or its coding sequence leaves it.
    """
    twice = table["transcript"].duplicated()
    if twice.any():
        raise InputError(
            "the transcript table names a transcript twice",
            value=table["transcript"][twice].iloc[0],
            remedy="list each transcript once",
        )
    coding = table[table["cds_start"] >= 0]
    wrong = (coding["cds_end"] <= coding["cds_start"]) | (coding["cds_end"] > coding["length"])
    if wrong.any():
        raise InputError(
            "a coding sequence is empty or leaves its transcript",
            value=coding["transcript"][wrong].iloc[0],
            remedy="coordinates on the transcript are 0-based and half-open",
        )
    coding = coding.assign(gene=coding["gene"].fillna("").where(lambda gene: gene != "", coding["transcript"]))
    if one_per_gene:
        order = coding.assign(
            cds=coding["cds_start"] - coding["cds_end"], long=-coding["length"], row=np.arange(len(coding))
        ).sort_values(["cds", "long", "row"], kind="stable")
        coding = coding.loc[~order["gene"].duplicated().reindex(coding.index)]
    return coding.reset_index(drop=True)


def read_candidates(
    path: str | Path, table: pd.DataFrame, *, call: str = "probability", threshold: float = 0.5
) -> Candidates:
    """Candidates of the given transcripts from a file of predicted sites, with one row group in memory at a time.

    Parameters
    ----------
    path : path-like
        Parquet with ``transcript``, ``position`` and the column that the rule of calling reads.
    table : pandas.DataFrame
        As :func:`coding_transcripts` gives it; sites on other transcripts are passed over.
    call : str
        Name in :data:`CALLS`.
    threshold : float
    """
    rule = CALLS[call]
    columns = ["transcript", "position", call]
    if not Path(path).is_file():
        raise InputError("no such file", path=path, remedy="run the rule that writes it")
    rows = pd.Index(table["transcript"])
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    try:
        file = pq.ParquetFile(path, read_dictionary=["transcript"])
    except pa.ArrowInvalid as error:
        raise InputError("not a Parquet file, or a damaged one", path=path, remedy="make it again") from error
    with file:
        missing = [name for name in columns if name not in file.schema_arrow.names]
        if missing:
            raise InputError(f"the table of sites lacks {', '.join(missing)}", path=path, remedy="predict again")
        for batch in file.iter_batches(1 << 20, columns=columns):
            names = batch.column("transcript")
            row = rows.get_indexer(names.dictionary.to_pylist())[names.indices.to_numpy()]
            kept = row >= 0
            values = {call: batch.column(call).to_numpy(zero_copy_only=False)[kept]}
            position = batch.column("position").to_numpy()[kept].astype(np.int64)
            found.append((row[kept], position, rule(values, threshold)))
    if not found:
        return Candidates(*(np.zeros(0, dtype=np.int64),) * 2, np.zeros(0, dtype=bool))
    return Candidates(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def read_exons(path: str | Path) -> pd.DataFrame:
    """Columns :data:`EXON_COLUMNS` of a **transcripts** file, without the sequences, which need far more memory."""
    if not Path(path).is_file():
        raise InputError("no such file", path=path, remedy="run the rule that writes it")
    try:
        return pq.read_table(path, columns=list(EXON_COLUMNS)).to_pandas()
    except (pa.ArrowInvalid, KeyError) as error:
        raise InputError("this is no file of transcripts", path=path, remedy="make it again") from error


def call_measured(
    candidates: Candidates, table: pd.DataFrame, transcripts: pd.DataFrame, sites: pd.DataFrame
) -> Candidates:
    """The same candidates with measured sites as the calls.

    Parameters
    ----------
    candidates : Candidates
    table : pandas.DataFrame
        Transcripts that the candidates lie on.
    transcripts : pandas.DataFrame
        Border **transcripts**, at least :data:`EXON_COLUMNS`.
    sites : pandas.DataFrame
        Border **sites**: ``chrom`` as the transcripts have it, ``start`` 0-based, ``strand``.

    Returns
    -------
    Candidates
        A measured site that is no candidate of these transcripts (another motif, an intron, another isoform) is no
        call; the log says how many are.
    """
    mapped = transcripts.set_index("transcript").reindex(table["transcript"])
    if mapped["chrom"].isna().any():
        raise InputError(
            "a transcript with predictions is not among the transcripts",
            value=mapped.index[mapped["chrom"].isna()][0],
            remedy="give the transcripts that were scanned",
        )
    sites = sites.drop_duplicates(["chrom", "start", "strand"])
    query, row, position = TranscriptMap(mapped.reset_index()).overlaps(
        sites["chrom"], sites["strand"], sites["start"].to_numpy()
    )
    keys = row * SPAN + position
    wanted = candidates.transcript * SPAN + candidates.position
    on_motif = np.unique(query[np.isin(keys, wanted)]).size
    logger.info(
        "%d measured sites: %d on the transcripts shown, %d of these at a motif position",
        len(sites),
        np.unique(query).size,
        on_motif,
    )
    return candidates._replace(called=np.isin(wanted, keys))


def metagene_bin(table: pd.DataFrame, transcript: np.ndarray, position: np.ndarray, axes: Axes) -> np.ndarray:
    """Bin of the metagene that each position falls into.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`coding_transcripts` gives it.
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
    species: str = "",
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Landscape and its statistics for one species and any number of predictors.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`coding_transcripts` gives it.
    calls : mapping of str to Candidates
        By predictor.
    axes : Axes
    species : str
    resamples : int
        Bootstrap resamples of genes; the same for all predictors.
    seed : int

    Returns
    -------
    landscape : pandas.DataFrame
        Columns :data:`COLUMNS`. ``low`` and ``high`` are pointwise 95 % percentile intervals. A value is missing where
        its denominator is 0.
    statistics : pandas.DataFrame
        Columns :data:`STATISTICS_COLUMNS`. Distances are absolute, in nt. ``p`` is of the two-sided Mann-Whitney test
        of the distances of called against other candidates, which takes sites for independent; the intervals do not.
        ``delta`` is Cliff's delta, P(called farther) - P(called nearer): negative where calls lie nearer. ``nearer``
        is the share of pairs of a called and another candidate of one transcript in which the called one is nearer
        (ties count half), so that no difference between transcripts enters; 0.5 is none. The peak is the bin of the
        stop axis with the highest density.

    Notes
    -----
    Counts per gene are resampled by matrix products with the numbers of times that each gene is drawn. About 1,100
    counts of 4 bytes per gene: 90 MB for 20,000 genes.
    """
    gene, names = pd.factorize(table["gene"])
    exposure = [_sum_by(gene, part, len(names)) for part in _exposure(table, axes)]
    frames, statistics = [], []
    for predictor, candidates in calls.items():
        counted = _Counted(table, candidates, axes, gene, exposure)
        totals = counted.matrix.sum(axis=0, dtype=np.float64)[None]
        draws = _resampled(counted.matrix, resamples, seed)
        head = {"species": species, "predictor": predictor}
        frames += [_axis_rows(head, axis, axes, counted, totals, draws) for axis in AXES]
        statistics.append(head | counted.statistics(totals, draws))
    landscape = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(COLUMNS))
    landscape = landscape[list(COLUMNS)]
    result = pd.DataFrame(statistics, columns=list(STATISTICS_COLUMNS))
    peaks = _peaks(landscape)
    result[["peak_from", "peak_to"]] = [peaks.get(name, (np.nan, np.nan)) for name in result["predictor"]]
    return landscape, result


class _Counted:
    """Counts per gene of everything that is resampled, side by side in one matrix."""

    def __init__(
        self,
        table: pd.DataFrame,
        candidates: Candidates,
        axes: Axes,
        gene: np.ndarray,
        exposure: Sequence[np.ndarray],
    ) -> None:
        self.genes = len(exposure[0])
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
        for axis, nucleotides in zip(AXES, exposure, strict=True):
            n_bins = nucleotides.shape[1]
            parts[axis, "called"] = self._histogram(owner, place[axis], n_bins, self.called)
            parts[axis, "candidates"] = self._histogram(owner, place[axis], n_bins, np.ones_like(self.called))
            parts[axis, "nucleotides"] = nucleotides
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
        test = mannwhitneyu(called, other, alternative="two-sided", method="asymptotic")
        medians = float(np.median(called)), float(np.median(other))
        of_called, of_other, pairs = (
            draws[:, self.columns[name]] for name in ("distance of called", "distance of other", "pairs")
        )
        shifts = self._median(of_called) - self._median(of_other)
        deltas = _cliff(of_called, of_other)
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
        row["nearer_low"], row["nearer_high"] = interval(_ratio(pairs[:, 0], pairs[:, 1]))
        return row

    def _median(self, histograms: np.ndarray) -> np.ndarray:
        """Medians of rows of histograms, straight lines within a bin; shape=(rows,)."""
        cumulated = np.cumsum(histograms, axis=1)
        half = cumulated[:, -1:] / 2
        at = np.minimum((cumulated < half).sum(axis=1), histograms.shape[1] - 1)
        rows = np.arange(len(histograms))
        inside = histograms[rows, at]
        before = cumulated[rows, at] - inside
        along = _ratio(half[:, 0] - before, inside)
        return self._edges[at] + along * (self._edges[at + 1] - self._edges[at])


def _resampled(matrix: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Column sums of resampled rows, shape=(resamples, columns); none where fewer than two rows can be drawn."""
    genes, columns = matrix.shape
    if genes < 2:
        return np.zeros((0, columns))
    random = np.random.default_rng([seed, 1])
    blocks = resample_counts(np.zeros(genes, dtype=bool), resamples, random, stratified=False)
    sums = [(block.astype(np.float32) @ matrix).astype(np.float64) for block in blocks]
    return np.vstack([np.zeros((0, columns)), *sums])


def _axis_rows(
    head: Mapping[str, str], axis: str, axes: Axes, counted: _Counted, totals: np.ndarray, draws: np.ndarray
) -> pd.DataFrame:
    edges = axes.metagene_edges if axis == "metagene" else axes.stop_edges
    share = np.diff(edges) / (edges[-1] - edges[0])
    columns = {name: counted.columns[axis, name] for name in ("called", "candidates", "nucleotides")}
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


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(np.broadcast(above, below).shape, np.nan), where=below > 0)


QUANTITIES: dict[str, Callable[[Mapping[str, np.ndarray], np.ndarray], np.ndarray]] = {
    "density": lambda sums, share: _ratio(sums["called"], sums["called"].sum(axis=1, keepdims=True) * share),
    "rate": lambda sums, share: _ratio(sums["called"], sums["candidates"]),
    "per_kb": lambda sums, share: _ratio(1000 * sums["called"], sums["nucleotides"]),
}


def _region_bounds(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Starts and lengths of 5'UTR, CDS and 3'UTR on the transcript; both of shape=(n_transcripts, 3)."""
    start, end, length = (table[name].to_numpy(dtype=np.int64) for name in ("cds_start", "cds_end", "length"))
    starts = np.column_stack([np.zeros_like(start), start, end])
    return starts, np.column_stack([start, end - start, length - end])


def _exposure(table: pd.DataFrame, axes: Axes) -> tuple[np.ndarray, np.ndarray]:
    """Nucleotides of each transcript in each bin of the metagene and of the stop axis."""
    lengths = _region_bounds(table)[1]
    metagene = np.repeat(lengths / np.asarray(axes.bins), axes.bins, axis=1)
    stop = table["cds_end"].to_numpy(dtype=np.int64) - STOP_CODON
    low, high = -stop[:, None], (table["length"].to_numpy(dtype=np.int64) - stop)[:, None]
    shared = np.minimum(high, axes.stop_edges[1:]) - np.maximum(low, axes.stop_edges[:-1])
    return metagene, np.maximum(shared, 0).astype(np.float64)


def _sum_by(group: np.ndarray, values: np.ndarray, n_groups: int) -> np.ndarray:
    total = np.zeros((n_groups, values.shape[1]))
    np.add.at(total, group, values)
    return total


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


def _cliff(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """P(first > second) - P(first < second) for rows of histograms over the same bins; shape=(rows,)."""
    below = np.cumsum(second, axis=1) - second
    above = second.sum(axis=1, keepdims=True) - below - second
    return _ratio((first * (below - above)).sum(axis=1), first.sum(axis=1) * second.sum(axis=1))
