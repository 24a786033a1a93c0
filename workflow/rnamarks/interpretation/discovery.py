"""De novo motifs of positive against control windows, on one strand; :func:`read_streme` reads STREME's (Bailey 2021).

One motif after another: k-mers that more positive than control windows hold; a matrix from the best k-mer and its
one-mismatch neighbours, each counted as far as it exceeds what control windows lead to expect; the score threshold
that separates best, refined with the sites found; then the motif's sites are masked and the search goes on. All this
sees the training split. A motif's p-value comes from the windows held out: Fisher's exact test, one-sided, of how many
positive and control windows hold a site. The search stops at the first motif whose p-value does not reach the level,
so the chance of reporting anything where there is nothing is at most the level, whatever the number of motifs (a test
of hypotheses in a fixed order).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
from scipy.special import gammaln

from ..dictionary import column_names
from ..errors import InputError
from ..files import write_text
from ..models.kmers import kmer_codes
from ..sequences import UNKNOWN, decode, decode_windows, encode_windows
from ..tables import read_tsv, stack_frames
from .motif_files import read_motif_scores
from .pwm import PWM, background_of

WIDTHS, LEVEL, MAXIMUM = (5, 6, 7, 8), 0.05, 5
"""Widths of the motifs searched for, nt; level of a p-value; motifs at most. STREME is asked for the same."""
HOLD_OUT = 0.4
"""Fraction of the windows that judges motifs and makes none."""
_SEEDS, _REFINEMENTS = 3, 4
_MOST_WINDOWS = 20_000
_ROWS_AT_ONCE = 20_000


@dataclass(frozen=True)
class Discovery:
    """What :func:`discover` found.

    Attributes
    ----------
    motifs : list of PWM
        Those whose p-value reaches the level.
    table : pandas.DataFrame
        Table ``motif_discovered`` from ``motif`` to ``information``; the last row may be the motif at which the
        search stopped (``reported`` False).
    """

    motifs: list[PWM]
    table: pd.DataFrame


@dataclass(frozen=True)
class _Windows:
    """Codes of positive and control windows; sites of earlier motifs are masked as N."""

    foreground: np.ndarray
    control: np.ndarray

    @property
    def sizes(self) -> tuple[int, int]:
        return len(self.foreground), len(self.control)


def fisher_log_p(hits: np.ndarray, control_hits: np.ndarray, n: int, n_control: int) -> np.ndarray:
    """Natural log of Fisher's exact one-sided p: as many hits or more among ``n`` windows, all margins given.

    Where hits are no more frequent than in the controls, 0 is returned (p = 1).

    Parameters
    ----------
    hits, control_hits : array of int, shape=(m,)
    n, n_control : int

    Returns
    -------
    numpy.ndarray, shape=(m,)
    """
    # scipy.stats.hypergeom.logsf gives the same, one element after the other
    k, control = np.atleast_1d(np.asarray(hits, dtype=np.float64)), np.atleast_1d(np.asarray(control_hits, np.float64))
    out = np.zeros(k.shape)
    above = np.flatnonzero(k * n_control > control * n)
    k, total = k[above], k[above] + control[above]

    def log_choose(of: np.ndarray | float, chosen: np.ndarray | float) -> np.ndarray:
        return gammaln(of + 1) - gammaln(chosen + 1) - gammaln(of - chosen + 1)

    log_first = log_choose(n, k) + log_choose(n_control, total - k) - log_choose(n + n_control, total)
    # beyond the mean each term is smaller than the one before
    tail, term, at = np.ones(len(k)), np.ones(len(k)), k.copy()
    while len(k) and (term > 1e-17 * tail).any():
        term = term * np.maximum(total - at, 0) * np.maximum(n - at, 0) / ((at + 1) * (n_control - total + at + 1))
        tail += term
        at += 1
    out[above] = np.minimum(log_first + np.log(tail), 0.0)
    return out


def discover(
    foreground: np.ndarray,
    control: np.ndarray,
    *,
    widths: Sequence[int] = WIDTHS,
    maximum: int = MAXIMUM,
    groups: tuple[np.ndarray, np.ndarray] | None = None,
    seed: int = 0,
    source: str = "",
) -> Discovery:
    """Motifs that positive windows hold more often than control windows.

    Parameters
    ----------
    foreground, control : numpy.ndarray, shape=(n, width), dtype=uint8
        Codes of windows of one width: A 0, C 1, G 2, U 3, everything else 4. Of more than 20,000 of a kind so many are
        drawn at random.
    widths : sequence of int
        Widths of the k-mers tried, 3 to 10 nt.
    maximum : int
        Motifs at most; a motif is reported while its p-value in the windows held out is below :data:`LEVEL`.
    groups : (array, array), optional
        Group of each window, such as its gene: a group is held out as a whole, since overlapping windows on both sides
        would make p-values too small.
    seed : int
    source : str
        Written into the motifs.

    Returns
    -------
    Discovery
        Enrichment is the ratio of the fractions of windows with a site, with its 95 % interval (log ratio, half a
        window added to each count); shares, enrichment and p are of the windows held out.

    Raises
    ------
    InputError
        If a split would hold fewer than five windows of a kind, or the windows' widths differ.
    """
    _check(foreground, control, widths)
    generator = np.random.default_rng(seed)
    parts = [
        _hold_out(codes, generator, seed, None if groups is None else groups[at])
        for at, codes in enumerate((foreground, control))
    ]
    train = _Windows(parts[0][0], parts[1][0])
    judge = _Windows(parts[0][1], parts[1][1])
    for name, windows in (("training split", train), ("held-out split", judge)):
        if min(windows.sizes) < 5:
            raise InputError(
                f"the {name} has fewer than five windows of a kind", value=windows.sizes, remedy="give more windows"
            )
    motifs: list[PWM] = []
    rows: list[dict[str, object]] = []
    for number in range(1, maximum + 1):
        found = _best_motif(train, widths)
        if found is None:
            break
        matrix, sites, threshold = found
        scores = log_scores(matrix, train.control)
        hits = [int((best_scores(codes, scores) >= threshold).sum()) for codes in (judge.foreground, judge.control)]
        p = float(np.exp(fisher_log_p(hits[0], hits[1], *judge.sizes)[0]))
        pwm = PWM(f"motif{number}", matrix, sites, source=source)
        pwm = PWM(pwm.name, matrix, sites, pwm.consensus(), source)
        rows.append(_row(pwm, p, hits, judge.sizes, threshold))
        if p >= LEVEL:
            break
        motifs.append(pwm)
        train, judge = (
            _Windows(*(mask_sites(codes, scores, threshold) for codes in (part.foreground, part.control)))
            for part in (train, judge)
        )
    return Discovery(motifs, pd.DataFrame(rows, columns=_columns()))


def _check(foreground: np.ndarray, control: np.ndarray, widths: Sequence[int]) -> None:
    if not len(foreground) or not len(control):
        raise InputError(
            "positive or control windows are missing", value=(len(foreground), len(control)), remedy="give both"
        )
    if foreground.shape[1] != control.shape[1]:
        raise InputError(
            "positive and control windows differ in width",
            value=(foreground.shape[1], control.shape[1]),
            remedy="cut windows of one width: longer ones hold any motif more often",
        )
    wrong = [width for width in widths if not 3 <= width <= min(10, foreground.shape[1])]
    if wrong or not widths:
        raise InputError(
            "a motif's width is out of range",
            value=list(widths),
            remedy="give widths from 3 to 10 nt, below the windows'",
        )


def _hold_out(
    codes: np.ndarray, generator: np.random.Generator, seed: int, groups: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    chosen = np.arange(len(codes))
    if len(codes) > _MOST_WINDOWS:
        chosen = np.sort(generator.choice(len(codes), _MOST_WINDOWS, replace=False))
    if groups is None:
        held = np.zeros(len(chosen), dtype=bool)
        held[generator.permutation(len(chosen))[: round(HOLD_OUT * len(chosen))]] = True
    else:
        # the same group falls on the same side among positives and controls
        names = np.asarray(groups, dtype=str)[chosen]
        unique, inverse = np.unique(names, return_inverse=True)
        held = np.array([_side(name, seed) < HOLD_OUT for name in unique])[inverse]
    return codes[chosen[~held]], codes[chosen[held]]


def _side(name: str, seed: int) -> float:
    return int.from_bytes(hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=6).digest(), "big") / 2**48


def _best_motif(windows: _Windows, widths: Sequence[int]) -> tuple[np.ndarray, int, float] | None:
    """Matrix, sites in the training split and score threshold of the motif that separates best; None for no k-mer."""
    best: tuple[float, np.ndarray, int, float] | None = None
    for width in widths:
        excess, log_p_of = _enrichment(windows, width)
        for kmer in _seed_kmers(log_p_of, width):
            matrix = _from_neighbours(excess, kmer, width)
            log_p, sites, threshold = np.inf, 0, 0.0
            for _ in range(_REFINEMENTS):
                scores = log_scores(matrix, windows.control)
                new_log_p, new_threshold, counts = _separate(windows, scores)
                if new_log_p >= log_p - 1e-9:
                    break
                log_p, threshold, sites, kept = new_log_p, new_threshold, int(counts.sum(axis=1).max()), matrix
                matrix = PWM.from_counts("refined", counts).frequencies
            # a k-mer of a longer width is the best of more k-mers
            penalised = log_p + width * np.log(4)
            if np.isfinite(log_p) and sites and (best is None or penalised < best[0]):
                best = penalised, kept, sites, threshold
    return None if best is None else best[1:]


def kmer_windows(codes: np.ndarray, width: int) -> np.ndarray:
    """Number of windows that hold each k-mer at least once, shape (4**width,)."""
    total = np.zeros(4**width, dtype=np.int64)
    for at in range(0, len(codes), _ROWS_AT_ONCE):
        kmers = np.sort(kmer_codes(codes[at : at + _ROWS_AT_ONCE], width), axis=1)
        first = np.ones(kmers.shape, dtype=bool)
        first[:, 1:] = kmers[:, 1:] != kmers[:, :-1]
        total += np.bincount(kmers[first & (kmers >= 0)], minlength=4**width)
    return total


def _enrichment(windows: _Windows, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each k-mer: positive windows with it beyond the controls' fraction, and Fisher's log p; shape (4**width,)."""
    hits, control = kmer_windows(windows.foreground, width), kmer_windows(windows.control, width)
    n, n_control = windows.sizes
    return np.maximum(hits - control * (n / n_control), 0.0), fisher_log_p(hits, control, n, n_control)


def _seed_kmers(log_p: np.ndarray, width: int) -> list[int]:
    """The most enriched k-mers, none a shift by one or a one-mismatch neighbour of a better one."""
    chosen: list[int] = []
    for kmer in np.argsort(log_p, kind="stable").tolist():
        if log_p[kmer] >= 0 or len(chosen) == _SEEDS:
            break
        if not any(_alike(kmer, other, width) for other in chosen):
            chosen.append(kmer)
    return chosen


def _alike(kmer: int, other: int, width: int) -> bool:
    a, b = _nucleotides(kmer, width), _nucleotides(other, width)
    return bool((a != b).sum() <= 1 or (a[1:] == b[:-1]).all() or (a[:-1] == b[1:]).all())


def _nucleotides(kmer: int, width: int) -> np.ndarray:
    return (kmer // 4 ** np.arange(width - 1, -1, -1)) % 4


def _from_neighbours(excess: np.ndarray, kmer: int, width: int) -> np.ndarray:
    """Matrix of a k-mer: each one-mismatch neighbour weighs as many positive windows as it has in excess."""
    nucleotides = _nucleotides(kmer, width)
    place = 4 ** np.arange(width - 1, -1, -1)
    neighbours = kmer + (np.arange(4) - nucleotides[:, None]) * place[:, None]
    return PWM.from_counts(decode(nucleotides.astype(np.uint8)), excess[neighbours]).frequencies


def log_scores(matrix: np.ndarray, control: np.ndarray) -> np.ndarray:
    """Log2 odds of a matrix against the control windows' nucleotides, shape (width, 5); N scores -inf."""
    scores = np.full((len(matrix), UNKNOWN + 1), -np.inf, dtype=np.float32)
    scores[:, :UNKNOWN] = np.log2(matrix / background_of(control))
    return scores


def position_scores(codes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Score of the site that starts at each position, shape (n, windows' width - width + 1)."""
    width = len(scores)
    starts = codes.shape[1] - width + 1
    total = np.zeros((len(codes), starts), dtype=np.float32)
    for column in range(width):
        total += scores[column][codes[:, column : column + starts]]
    return total


def best_scores(codes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Best site's score of each window, shape (n,); -inf where N leaves no site."""
    parts = [
        position_scores(codes[at : at + _ROWS_AT_ONCE], scores).max(axis=1)
        for at in range(0, len(codes), _ROWS_AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.float32)


def _separate(windows: _Windows, scores: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Smallest log p over all thresholds, the threshold, and nucleotides of the positive windows' sites above it."""
    best, control = (best_scores(codes, scores) for codes in (windows.foreground, windows.control))
    limits = np.unique(best[np.isfinite(best)])
    if not len(limits):
        return np.inf, np.inf, np.zeros((len(scores), 4))
    hits = len(best) - np.searchsorted(np.sort(best), limits, side="left")
    control_hits = len(control) - np.searchsorted(np.sort(control), limits, side="left")
    log_p = fisher_log_p(hits, control_hits, *windows.sizes)
    at = int(np.argmin(log_p))
    threshold = float(limits[at])
    counts = np.zeros((len(scores), 4))
    for start in range(0, len(windows.foreground), _ROWS_AT_ONCE):
        codes = windows.foreground[start : start + _ROWS_AT_ONCE]
        row, position = np.nonzero(position_scores(codes, scores) >= threshold)
        for column in range(len(scores)):
            counts[column] += np.bincount(codes[row, position + column], minlength=5)[:4]
    return float(log_p[at]), threshold, counts


def mask_sites(codes: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """A copy in which every site of a motif is N."""
    masked = codes.copy()
    for start in range(0, len(codes), _ROWS_AT_ONCE):
        block = masked[start : start + _ROWS_AT_ONCE]
        row, position = np.nonzero(position_scores(block, scores) >= threshold)
        block[row[:, None], position[:, None] + np.arange(len(scores))] = UNKNOWN
    return masked


def _row(pwm: PWM, p: float, hits: Sequence[int], sizes: tuple[int, int], threshold: float) -> dict[str, object]:
    smoothed = [(hits[at] + 0.5) / (sizes[at] + 0.5) for at in (0, 1)]
    error = np.sqrt(sum(1 / (hits[at] + 0.5) - 1 / (sizes[at] + 0.5) for at in (0, 1)))
    ratio = smoothed[0] / smoothed[1]
    reach = scipy.special.ndtri(0.975) * error
    return {
        "motif": pwm.name,
        "consensus": pwm.consensus(),
        "width": pwm.width,
        "sites": int(pwm.sites or 0),
        "p": p,
        "reported": p < LEVEL,
        "enrichment": ratio,
        "low": ratio * np.exp(-reach),
        "high": ratio * np.exp(reach),
        "fraction_foreground": hits[0] / sizes[0],
        "fraction_control": hits[1] / sizes[1],
        "n_foreground": sizes[0],
        "n_control": sizes[1],
        "score_threshold": threshold,
        "information": float(pwm.information().sum()),
    }


@dataclass(frozen=True)
class Contrast:
    """Positive and control windows as codes, and the gene of each window."""

    foreground: np.ndarray
    control: np.ndarray
    groups: tuple[np.ndarray, np.ndarray] | None


def contrast(frame: pd.DataFrame, scheme: str, splits: Sequence[str]) -> Contrast:
    """Modified and other windows of some splits of a scheme.

    Parameters
    ----------
    frame : pandas.DataFrame
        The **splits** border.
    scheme : str
        Its column.
    splits : sequence of str

    Returns
    -------
    Contrast
        ``groups`` is None where no window's gene is known; a window without a gene is its own group.

    Raises
    ------
    InputError
        If a kind of window is missing.
    """
    frame = frame[frame[scheme].isin(list(splits))]
    kinds = [frame[frame["label"] == label] for label in (1, 0)]
    for kind, name in zip(kinds, ("modified", "other"), strict=True):
        if kind.empty:
            raise InputError(
                f"the {scheme} scheme has no {name} window", value=", ".join(splits), remedy="choose other splits"
            )
    genes = [np.where(kind["gene"] == "", "window " + kind["window"], kind["gene"]) for kind in kinds]
    known = bool((frame["gene"] != "").any())
    codes = [encode_windows(kind["sequence"]) for kind in kinds]
    return Contrast(codes[0], codes[1], (genes[0], genes[1]) if known else None)


def write_windows(codes: np.ndarray, path: str | Path) -> None:
    """Write windows as FASTA, RNA, atomically; what ``streme`` reads."""
    with write_text(path) as handle:
        for number, sequence in enumerate(decode_windows(codes), 1):
            handle.write(f">{number}\n{sequence}\n")


def read_streme(path: str | Path, foreground: np.ndarray, control: np.ndarray, *, source: str = "") -> Discovery:
    """Motifs that the MEME suite's ``streme --text`` found, in the form of :func:`discover`.

    Parameters
    ----------
    path : path-like
        MEME text of any version, see :func:`rnamarks.interpretation.motif_files.read_motif_scores`.
    foreground, control : numpy.ndarray, shape=(n, width), dtype=uint8
        The windows that it read.
    source : str
        Written into the motifs.

    Returns
    -------
    Discovery
        ``p`` is STREME's, of the windows that it held out. Shares and enrichment are of all windows, with the threshold
        that separates them best, since STREME does not say which windows it held out.
    """
    windows = _Windows(foreground, control)
    motifs, rows = [], []
    for motif, p in read_motif_scores(path, source=source):
        scores = log_scores(np.maximum(motif.frequencies, 1e-6), control)
        _, threshold, counts = _separate(windows, scores)
        hits = [int((best_scores(codes, scores) >= threshold).sum()) for codes in (foreground, control)]
        number = len(rows) + 1
        pwm = PWM(
            f"motif{number}", motif.frequencies, motif.sites or counts.sum(axis=1).max(), motif.consensus(), source
        )
        rows.append(_row(pwm, p, hits, windows.sizes, threshold))
        if p >= LEVEL:
            break
        motifs.append(pwm)
    return Discovery(motifs, pd.DataFrame(rows, columns=_columns()))


def read_discovered(paths: Sequence[str | Path]) -> pd.DataFrame:
    """Tables of several tasks, one below the other; columns as in ``motif_discovered``, without the match."""
    texts = dict.fromkeys(("task", "motif", "consensus"), str)
    columns = ["task", *_columns()]
    return stack_frames((read_tsv(path, columns, dtype=texts)[0] for path in paths), columns)


def _columns() -> list[str]:
    return column_names("motif_discovered", first="motif", last="information")
