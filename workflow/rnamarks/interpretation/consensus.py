"""Consensus motifs of the positions that weigh most in a network's answer (Song et al. 2021, Figure 2).

The subsequences with most weight in a task's most confident true positives are laid over each other, embedded in the
plane and clustered there; each cluster is a motif. In the steps of the original: top windows of attention (6-mers, two
per window, as the text has it; the released notebook cuts 8-mers), alignment, one-hot, UMAP in two dimensions, DBSCAN
(eps 0.3, at least 10 members), counts of nucleotides, pseudo-counts of a quarter of the square root of the members,
clusters in the order of their mean score. The packages: umap-learn and scikit-learn; the alignment is here.

The alignment is a star without gaps: each subsequence moves by up to ``reach`` nt along its own window to where it
shares most nucleotides with the centre, the subsequence that shares most with all others; it is done once for all and
once more in each cluster. Moved ends are cut from the window, so no column is padded.

UMAP lays few k-mers out in one cloud, and DBSCAN goes from k-mer to k-mer, so that all k-mers of a network that likes
one nucleotide everywhere are one cluster. ``clustering: kmers`` needs neither: a k-mer and those with at most one other
nucleotide are a cluster, the k-mer with most of them first, then again among those left.

Clusters of any k-mers look like motifs, those of random ones, too. So each motif is asked how well it tells the task's
modified from its unmodified windows, best in a split that it was not made from, and whether it resembles
motifs from elsewhere (:mod:`rnamarks.interpretation.motif_matches`). Every window of a task has the same nucleotide in
the middle: a column that lies on the site tells nothing but that, and k-mers that lie on the site resemble its motif
whatever the network has learned. So the k-mers at the same places of unmodified windows, drawn at random, can be
clustered in the same way: what matches as well in many draws is no finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import scipy

from ..dictionary import column_names
from ..errors import InputError
from ..prediction.attended import top_windows
from ..sequences import ALPHABET, UNKNOWN, encode_windows
from .attended import weight_matrix
from .discovery import best_scores, log_scores
from .pwm import PWM, background_of
from .settings import ConsensusSettings

Embedder = Callable[[np.ndarray, int], np.ndarray]


@dataclass(frozen=True)
class Consensus:
    """What :func:`find_consensus` gives for one predictor, task and method.

    Attributes
    ----------
    motifs : list of PWM
        In the order of their clusters' mean weight, named
        ``<predictor>.<task>.<method>.<rank>``.
    table : pandas.DataFrame
        Table ``consensus``; without a motif one row that gives the reason.
    null : list of list of PWM
        Motifs of each draw of unmodified windows.
    """

    motifs: list[PWM]
    table: pd.DataFrame = field(repr=False)
    null: list[list[PWM]] = field(default_factory=list, repr=False)


def cut(codes: np.ndarray, rows: np.ndarray, starts: np.ndarray, width: int) -> np.ndarray:
    """Subsequences of windows.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n, window), dtype=uint8
    rows, starts : numpy.ndarray of int, shape=(m,)
        Window of each subsequence, and its first nucleotide, 0-based; starts may lie off the ends.
    width : int

    Returns
    -------
    numpy.ndarray, shape=(m, width), dtype=uint8
        N where a window has ended.
    """
    places = starts[:, None] + np.arange(width)
    inside = (places >= 0) & (places < codes.shape[1])
    return np.where(inside, codes[rows[:, None], np.clip(places, 0, codes.shape[1] - 1)], UNKNOWN).astype(np.uint8)


def align(codes: np.ndarray, rows: np.ndarray, starts: np.ndarray, *, width: int, reach: int) -> np.ndarray:
    """Ungapped star alignment of subsequences.

    Parameters
    ----------
    codes, rows, starts
        See :func:`cut`.
    width : int
    reach : int
        Farthest move, nt.

    Returns
    -------
    numpy.ndarray, shape=(m,), dtype=int64
        Moved starts. Among equal places the shortest move wins, then the one towards the 5' end.
    """
    starts = np.asarray(starts, dtype=np.int64)
    if not len(starts) or reach == 0:
        return starts
    kmers = cut(codes, rows, starts, width)
    counts = np.stack([(kmers == code).sum(axis=0) for code in range(UNKNOWN)] + [np.zeros(width, np.int64)])
    centre = kmers[counts[kmers, np.arange(width)].sum(axis=1).argmax()]
    moves = np.array(sorted(range(-reach, reach + 1), key=lambda move: (abs(move), move)))
    shared = np.stack(
        [
            ((moved := cut(codes, rows, starts + move, width)) == centre).sum(axis=1) - (moved == UNKNOWN).sum(axis=1)
            for move in moves
        ]
    )
    return starts + moves[shared.argmax(axis=0)]


def embed_kmers(kmers: np.ndarray, seed: int) -> np.ndarray:
    """K-mers in the plane, by UMAP (McInnes et al. 2018) of their one-hot nucleotides.

    Parameters
    ----------
    kmers : numpy.ndarray, shape=(m, width), dtype=uint8
        At least four.
    seed : int

    Returns
    -------
    numpy.ndarray, shape=(m, 2)
    """
    # importing umap compiles for some seconds
    from umap import UMAP

    features = np.eye(UNKNOWN + 1, dtype=np.float32)[kmers][..., :UNKNOWN].reshape(len(kmers), -1)
    # with a seed UMAP runs on one thread; it warns unless it is told to
    plane = UMAP(n_components=2, n_neighbors=min(15, len(kmers) - 1), random_state=seed, n_jobs=1)
    return plane.fit_transform(features)


def cluster_kmers(kmers: np.ndarray, settings: ConsensusSettings, seed: int, embed: Embedder = embed_kmers):
    """Cluster of each k-mer, numbered from 0; -1 for none.

    Parameters
    ----------
    kmers : numpy.ndarray, shape=(m, width), dtype=uint8
    settings : ConsensusSettings
        ``umap``: DBSCAN in the plane of an embedding. ``kmers``: :func:`group_kmers`.
    seed : int
    embed : callable
        ``embed(kmers, seed)``: points, shape (m, 2).

    Returns
    -------
    numpy.ndarray, shape=(m,), dtype=int64
    """
    if settings.clustering == "kmers":
        return group_kmers(kmers, settings.members)
    # importing sklearn.cluster takes more than a second
    from sklearn.cluster import DBSCAN

    points = np.asarray(embed(kmers, seed), dtype=np.float64)
    return DBSCAN(eps=settings.eps, min_samples=settings.members).fit(points).labels_.astype(np.int64)


def group_kmers(kmers: np.ndarray, members: int) -> np.ndarray:
    """Groups of k-mers that differ from one of them in at most one nucleotide.

    The k-mer with most such neighbours takes them all; then the next one among those left.

    Parameters
    ----------
    kmers : numpy.ndarray, shape=(m, width), dtype=uint8
    members : int
        Smallest group, its k-mer included.

    Returns
    -------
    numpy.ndarray, shape=(m,), dtype=int64
        Numbered from 0; -1 for none. Of k-mers with equally many neighbours the first wins.
    """
    m, width = kmers.shape
    entries = np.eye(UNKNOWN + 1, dtype=np.float32)[kmers].reshape(m, width * (UNKNOWN + 1))
    near = entries @ entries.T >= width - 1
    left, label = np.ones(m, dtype=bool), np.full(m, -1, dtype=np.int64)
    sizes = near.sum(axis=1)
    for group in range(m):
        best = int(np.where(left, sizes, 0).argmax())
        if not left[best] or sizes[best] < members:
            break
        mine = near[best] & left
        label[mine], left[mine] = group, False
        sizes -= near[:, mine].sum(axis=1)
    return label


def find_consensus(
    attended: pd.DataFrame,
    modified: np.ndarray,
    unmodified: np.ndarray,
    *,
    settings: ConsensusSettings | None = None,
    drawn_from: np.ndarray | None = None,
    draws: int = 0,
    seed: int = 0,
    embed: Embedder = embed_kmers,
) -> Consensus:
    """Consensus motifs of one predictor, task and method.

    Parameters
    ----------
    attended : pandas.DataFrame
        Table ``explained``, of one predictor, task and method.
    modified, unmodified : numpy.ndarray, shape=(n, window), dtype=uint8
        The task's windows, to judge the motifs; the nucleotides of the unmodified ones are the background.
    settings : ConsensusSettings, optional
    drawn_from : numpy.ndarray, shape=(n, window), dtype=uint8, optional
        Unmodified windows of the null, of the splits that ``attended`` is of.
    draws : int
        Of the null; 0 for none.
    seed : int
    embed : callable
        See :func:`cluster_kmers`.

    Returns
    -------
    Consensus

    Raises
    ------
    InputError
        If there is more than one predictor, task or method, or no unmodified window.
    """
    settings = settings or ConsensusSettings()
    keys = attended[["predictor", "task", "method"]].drop_duplicates()
    if len(keys) != 1:
        raise InputError("consensus motifs are made of one task and method at a time", value=len(keys))
    who = dict(zip(keys, keys.iloc[0], strict=True))
    if not len(unmodified):
        raise InputError("there is no unmodified window to take the background from", value=who["task"])
    codes, weights = encode_windows(attended["sequence"]), weight_matrix(attended)
    logits = attended["logit"].to_numpy(dtype=np.float64)
    background = background_of(unmodified)
    shared = {
        **who,
        "windows": len(attended),
        **{f"background_{base}": share for base, share in zip(ALPHABET, background, strict=True)},
    }
    parts = _cluster(codes, weights, settings, seed, embed)
    shared |= {"subsequences": len(parts.rows), "clusters": parts.clusters, "unclustered": parts.unclustered}
    null = []
    for draw in range(draws):
        rows = np.random.default_rng([seed, draw]).integers(len(drawn_from), size=len(attended))
        drawn = _cluster(drawn_from[rows], weights, settings, seed, embed)
        null.append([motif for _, motif, _ in drawn.motifs(who, settings, background)])
    if parts.reason:
        table = no_consensus(shared, parts.reason)
        return Consensus([], table, null)
    motifs, table = [], []
    for cluster, motif, first in parts.motifs(who, settings, background):
        mine = parts.labels == cluster
        offsets, counts = np.unique(first - codes.shape[1] // 2, return_counts=True)
        auroc, p = _judge(motif, modified, unmodified)
        motifs.append(motif)
        table.append(
            shared
            | {
                "motif": motif.name,
                "rank": len(motifs),
                "consensus": motif.consensus(),
                "width": motif.width,
                "members": int(mine.sum()),
                "mean_weight": parts.sums[mine].mean(),
                "mean_logit": logits[parts.rows[mine]].mean(),
                "offset": int(offsets[counts.argmax()]),
                "offset_fraction": counts.max() / counts.sum(),
                "information": float(motif.information(background).sum()),
                "auroc": auroc,
                "auroc_p": p,
                "n_positive": len(modified),
                "n_negative": len(unmodified),
                "reason": "",
            }
        )
    return Consensus(motifs, pd.DataFrame(table, columns=column_names("consensus", task_columns=False)), null)


def no_consensus(known: Mapping[str, object], reason: str) -> pd.DataFrame:
    """The row of ``consensus`` that says why there is no motif."""
    row = {"motif": "", "consensus": "", "rank": 0, "width": 0, "members": 0, "clusters": 0, "windows": 0}
    return pd.DataFrame([row | dict(known) | {"reason": reason}], columns=column_names("consensus", task_columns=False))


@dataclass(frozen=True)
class _Clusters:
    """Aligned subsequences and the cluster of each, -1 for none."""

    codes: np.ndarray
    rows: np.ndarray
    starts: np.ndarray
    sums: np.ndarray
    labels: np.ndarray
    reason: str

    @property
    def clusters(self) -> int:
        return int(self.labels.max(initial=-1)) + 1

    @property
    def unclustered(self) -> int:
        return int((self.labels < 0).sum())

    def motifs(
        self, who: Mapping[str, str], settings: ConsensusSettings, background: np.ndarray
    ) -> Iterator[tuple[int, PWM, np.ndarray]]:
        """Number, motif and first nucleotides of each cluster, in the order of their mean weight."""
        order = sorted(range(self.clusters), key=lambda cluster: -self.sums[self.labels == cluster].mean())
        for place, cluster in enumerate(order[: settings.maximum or None], 1):
            mine, name = self.labels == cluster, ".".join([*map(str, who.values()), str(place)])
            given = self.codes, self.rows[mine], self.starts[mine], settings, background, str(who["task"])
            yield cluster, *_motif(name, *given)


def _cluster(
    codes: np.ndarray, weights: np.ndarray, settings: ConsensusSettings, seed: int, embed: Embedder
) -> _Clusters:
    starts, sums = top_windows(weights, width=settings.width, count=settings.count, margin=settings.margin)
    rows, rank = np.nonzero((starts >= 0) & (np.nan_to_num(sums) > 0))
    starts, sums = starts[rows, rank], sums[rows, rank]
    whole = (cut(codes, rows, starts, settings.width) != UNKNOWN).all(axis=1)
    rows, starts, sums = rows[whole], starts[whole], sums[whole]
    labels = np.full(len(rows), -1, dtype=np.int64)
    # below four k-mers UMAP has no neighbours to lay out
    fewest = max(settings.members, 4)
    if len(rows) < fewest:
        return _Clusters(codes, rows, starts, sums, labels, f"fewer than {fewest} subsequences")
    starts = align(codes, rows, starts, width=settings.width, reach=settings.reach)
    labels = cluster_kmers(cut(codes, rows, starts, settings.width), settings, seed, embed)
    reason = "" if labels.max() >= 0 else f"no cluster of {settings.members} subsequences"
    return _Clusters(codes, rows, starts, sums, labels, reason)


def _motif(
    name: str,
    codes: np.ndarray,
    rows: np.ndarray,
    starts: np.ndarray,
    settings: ConsensusSettings,
    background: np.ndarray,
    source: str,
) -> tuple[PWM, np.ndarray]:
    """The motif of a cluster, and the first nucleotide of each member in its window, 0-based."""
    starts = align(codes, rows, starts, width=settings.width, reach=settings.reach) - settings.flank
    kmers = cut(codes, rows, starts, settings.width + 2 * settings.flank)
    motif = PWM.from_windows(name, kmers, pseudocount=np.sqrt(len(kmers)) / 4, source=source)
    begin, end = motif.informative_span(settings.trim, background) if settings.trim else (0, motif.width)
    # one or two columns are no motif that could be compared
    if end - begin < 3:
        begin, end = settings.flank, settings.flank + settings.width
    return replace(motif, frequencies=motif.frequencies[begin:end]), starts + begin


def _judge(motif: PWM, modified: np.ndarray, unmodified: np.ndarray) -> tuple[float, float]:
    """AUROC of the best site's score, and the two-sided p of the rank-sum test; NaN without windows."""
    if not len(modified) or not len(unmodified):
        return float("nan"), float("nan")
    scores = log_scores(np.maximum(motif.frequencies, 1e-6), unmodified)
    # a window in which N leaves no site ranks last
    best = [np.nan_to_num(best_scores(part, scores), neginf=-1e6) for part in (modified, unmodified)]
    result = scipy.stats.mannwhitneyu(*best, alternative="two-sided", method="asymptotic")
    p = float(result.pvalue) if np.ptp(np.concatenate(best)) > 0 else 1.0
    return float(result.statistic) / (len(best[0]) * len(best[1])), p
