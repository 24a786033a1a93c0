"""Consensus motifs of what a network attends to (Song et al. 2021, Figure 2).

The subsequences with most weight in a mark's most confident true positives are laid over each other, embedded in the
plane and clustered there; each cluster is a motif. In the steps of the original: top windows of attention (6-mers, two
per window, as the text has it; the released notebook cuts 8-mers), alignment, one-hot, UMAP in two dimensions, DBSCAN
(eps 0.3, at least 10 members), letter counts, pseudo-counts of a quarter of the square root of the members, clusters in
the order of their mean score. The packages: umap-learn and scikit-learn; the alignment is here.

The alignment is a star without gaps: each subsequence moves by up to ``reach`` nt along its own window to where it
shares most letters with the centre, the subsequence that shares most letters with all others; it is done once for all
and once more in each cluster. Moved ends are cut from the window, so no column is padded.

Clusters of any words look like motifs, those of random words, too. So each motif is asked how well it tells the mark's
modified from its unmodified windows, best in a part of the split that it was not made from, and whether it resembles
motifs that were found without the network (:mod:`rnamarks.interpretation.discovery`). Every window of a mark has the
same base in the middle: a column that lies on the site tells nothing but that.

UMAP lays few words out in one cloud, and DBSCAN goes from word to word, so that all words of a network that likes one
letter everywhere are one cluster. ``clustering: words`` needs neither: a word and those with at most one other letter
are a cluster, the word with most of them first, then again among the words left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu

from ..errors import InputError
from ..prediction.attended import top_windows
from ..sequences import ALPHABET, UNKNOWN, encode_windows
from .attention import weight_matrix
from .discovery import best_scores, log_scores
from .pwm import PWM, background_of

CONSENSUS_COLUMNS = (
    "modification",
    "method",
    "motif",
    "rank",
    "consensus",
    "width",
    "members",
    "mean_weight",
    "mean_logit",
    "offset",
    "offset_share",
    "information",
    "auroc",
    "auroc_p",
    "n_positive",
    "n_negative",
    "windows",
    "subsequences",
    "clusters",
    "unclustered",
    *(f"background_{base}" for base in ALPHABET),
    "reason",
)
CLUSTERINGS = ("umap", "words")
Embedder = Callable[[np.ndarray, int], np.ndarray]


@dataclass(frozen=True)
class ConsensusSettings:
    """How motifs are made of what is attended.

    Attributes
    ----------
    width : int
        Of a subsequence, nt: 6 in the text of the original, 8 in its notebook.
    count : int
        Subsequences per window.
    margin : int
        Nucleotides on either side of a subsequence that no later one may hold.
    reach : int
        Farthest move of a subsequence in the alignment, nt.
    flank : int
        Nucleotides counted on either side of the aligned subsequences; 0 in the original.
    trim : float
        Columns at the ends with fewer bits against the mark's background are left out; 0 leaves all in.
    clustering : {"umap", "words"}
        See :func:`cluster_words`.
    eps : float
        Radius of DBSCAN in the plane of the embedding.
    members : int
        Smallest cluster.
    most : int
        Motifs per mark; 0 for all.
    """

    width: int = 6
    count: int = 2
    margin: int = 1
    reach: int = 2
    flank: int = 2
    trim: float = 0.2
    clustering: str = "umap"
    eps: float = 0.3
    members: int = 10
    most: int = 0

    def __post_init__(self) -> None:
        least = {"width": 3, "count": 1, "margin": 0, "reach": 0, "flank": 0, "trim": 0, "members": 2, "most": 0}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise InputError(f"{name} of the consensus motifs is out of range", value=getattr(self, name))
        if self.clustering not in CLUSTERINGS:
            raise InputError("no such clustering", value=self.clustering, remedy=f"one of {', '.join(CLUSTERINGS)}")
        if not self.eps > 0:
            raise InputError("the radius of the clustering must be above 0", value=self.eps)


@dataclass(frozen=True)
class Consensus:
    """What :func:`find_consensus` gives for one mark and method.

    Attributes
    ----------
    motifs : list of PWM
        In the order of their clusters' mean weight, named ``<mark>.<method>.<rank>``.
    table : pandas.DataFrame
        Columns :data:`CONSENSUS_COLUMNS`; without a motif one row that gives the reason.
    """

    motifs: list[PWM]
    table: pd.DataFrame = field(repr=False)


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
    words = cut(codes, rows, starts, width)
    counts = np.stack([(words == letter).sum(axis=0) for letter in range(UNKNOWN)] + [np.zeros(width, np.int64)])
    centre = words[counts[words, np.arange(width)].sum(axis=1).argmax()]
    moves = np.array(sorted(range(-reach, reach + 1), key=lambda move: (abs(move), move)))
    shared = np.stack(
        [
            ((moved := cut(codes, rows, starts + move, width)) == centre).sum(axis=1) - (moved == UNKNOWN).sum(axis=1)
            for move in moves
        ]
    )
    return starts + moves[shared.argmax(axis=0)]


def embed_words(words: np.ndarray, seed: int) -> np.ndarray:
    """Words in the plane, by UMAP (McInnes et al. 2018) of their one-hot letters.

    Parameters
    ----------
    words : numpy.ndarray, shape=(m, width), dtype=uint8
        At least four.
    seed : int

    Returns
    -------
    numpy.ndarray, shape=(m, 2)
    """
    # importing umap compiles for some seconds
    from umap import UMAP

    features = np.eye(UNKNOWN + 1, dtype=np.float32)[words][..., :UNKNOWN].reshape(len(words), -1)
    # with a seed UMAP runs on one thread; it warns unless it is told to
    plane = UMAP(n_components=2, n_neighbors=min(15, len(words) - 1), random_state=seed, n_jobs=1)
    return plane.fit_transform(features)


def cluster_words(words: np.ndarray, settings: ConsensusSettings, seed: int, embed: Embedder = embed_words):
    """Cluster of each word, numbered from 0; -1 for none.

    Parameters
    ----------
    words : numpy.ndarray, shape=(m, width), dtype=uint8
    settings : ConsensusSettings
        ``umap``: DBSCAN in the plane of an embedding. ``words``: :func:`group_words`.
    seed : int
    embed : callable
        ``embed(words, seed)``: points, shape (m, 2).

    Returns
    -------
    numpy.ndarray, shape=(m,), dtype=int64
    """
    if settings.clustering == "words":
        return group_words(words, settings.members)
    # importing sklearn.cluster takes more than a second
    from sklearn.cluster import DBSCAN

    points = np.asarray(embed(words, seed), dtype=np.float64)
    return DBSCAN(eps=settings.eps, min_samples=settings.members).fit(points).labels_.astype(np.int64)


def group_words(words: np.ndarray, members: int) -> np.ndarray:
    """Groups of words that differ from one of them in at most one letter.

    The word with most such neighbours takes them all; then the next one among the words left.

    Parameters
    ----------
    words : numpy.ndarray, shape=(m, width), dtype=uint8
    members : int
        Smallest group, its word included.

    Returns
    -------
    numpy.ndarray, shape=(m,), dtype=int64
        Numbered from 0; -1 for none. Of words with equally many neighbours the first wins.
    """
    m, width = words.shape
    letters = np.eye(UNKNOWN + 1, dtype=np.float32)[words].reshape(m, width * (UNKNOWN + 1))
    near = letters @ letters.T >= width - 1
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
    seed: int = 0,
    embed: Embedder = embed_words,
) -> Consensus:
    """Consensus motifs of one mark.

    Parameters
    ----------
    attended : pandas.DataFrame
        Columns :data:`rnamarks.interpretation.positives.ATTENDED_COLUMNS`, of one mark and one method.
    modified, unmodified : numpy.ndarray, shape=(n, window), dtype=uint8
        The mark's windows, to judge the motifs; the letters of the unmodified ones are the background.
    settings : ConsensusSettings, optional
    seed : int
    embed : callable
        See :func:`cluster_words`.

    Returns
    -------
    Consensus

    Raises
    ------
    InputError
        If there is more than one mark or method, or no unmodified window.
    """
    settings = settings or ConsensusSettings()
    keys = attended[["modification", "method"]].drop_duplicates()
    if len(keys) != 1:
        raise InputError("consensus motifs are made of one mark and method at a time", value=len(keys))
    if not len(unmodified):
        raise InputError("there is no unmodified window to take the background from", value=keys.iloc[0, 0])
    modification, method = keys.iloc[0]
    codes, weights = encode_windows(attended["sequence"]), weight_matrix(attended)
    logits = attended["logit"].to_numpy(dtype=np.float64)
    starts, sums = top_windows(weights, width=settings.width, count=settings.count, margin=settings.margin)
    rows, rank = np.nonzero((starts >= 0) & (np.nan_to_num(sums) > 0))
    starts, sums = starts[rows, rank], sums[rows, rank]
    whole = (cut(codes, rows, starts, settings.width) != UNKNOWN).all(axis=1)
    rows, starts, sums = rows[whole], starts[whole], sums[whole]
    background = background_of(unmodified)
    shared = {
        "modification": modification,
        "method": method,
        "windows": len(attended),
        "subsequences": len(rows),
        **{f"background_{base}": share for base, share in zip(ALPHABET, background, strict=True)},
    }
    # below four words UMAP has no neighbours to lay out
    if len(rows) < max(settings.members, 4):
        return _none(shared, f"fewer than {max(settings.members, 4)} subsequences")
    starts = align(codes, rows, starts, width=settings.width, reach=settings.reach)
    labels = cluster_words(cut(codes, rows, starts, settings.width), settings, seed, embed)
    found = range(labels.max() + 1)
    shared |= {"clusters": len(found), "unclustered": int((labels < 0).sum())}
    if not len(found):
        return _none(shared, f"no cluster of {settings.members} subsequences")
    order = sorted(found, key=lambda cluster: -sums[labels == cluster].mean())
    motifs, table = [], []
    for place, cluster in enumerate(order[: settings.most or None], 1):
        mine = labels == cluster
        motif, first = _motif(
            f"{modification}.{method}.{place}", codes, rows[mine], starts[mine], settings, background, str(modification)
        )
        offsets, counts = np.unique(first - codes.shape[1] // 2, return_counts=True)
        auroc, p = _judge(motif, modified, unmodified)
        motifs.append(motif)
        table.append(
            shared
            | {
                "motif": motif.name,
                "rank": place,
                "consensus": motif.consensus(),
                "width": motif.width,
                "members": int(mine.sum()),
                "mean_weight": sums[mine].mean(),
                "mean_logit": logits[rows[mine]].mean(),
                "offset": int(offsets[counts.argmax()]),
                "offset_share": counts.max() / counts.sum(),
                "information": float(motif.information(background).sum()),
                "auroc": auroc,
                "auroc_p": p,
                "n_positive": len(modified),
                "n_negative": len(unmodified),
                "reason": "",
            }
        )
    return Consensus(motifs, pd.DataFrame(table, columns=list(CONSENSUS_COLUMNS)))


def _none(shared: Mapping[str, object], reason: str) -> Consensus:
    row = {"clusters": 0, "unclustered": shared["subsequences"], "members": 0, "rank": 0, "width": 0}
    row |= {"motif": "", "consensus": "", "reason": reason, **shared}
    return Consensus([], pd.DataFrame([row], columns=list(CONSENSUS_COLUMNS)))


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
    words = cut(codes, rows, starts, settings.width + 2 * settings.flank)
    motif = PWM.from_windows(name, words, pseudocount=np.sqrt(len(words)) / 4, source=source)
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
    # a window in which N leaves no room ranks last
    best = [np.nan_to_num(best_scores(part, scores), neginf=-1e6) for part in (modified, unmodified)]
    result = mannwhitneyu(*best, alternative="two-sided", method="asymptotic")
    p = float(result.pvalue) if np.ptp(np.concatenate(best)) > 0 else 1.0
    return float(result.statistic) / (len(best[0]) * len(best[1])), p
