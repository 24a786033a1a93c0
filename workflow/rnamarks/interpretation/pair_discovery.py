"""Co-occurrence in the windows of the run: of elements that are named, and of pairs of k-mers that nobody named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import false_discovery_control

from ..dictionary import column_names
from ..errors import InputError, about
from ..models.checkpoint import load_model
from ..prediction.score import pick_device, score_windows
from ..sequences import ALPHABET, UNKNOWN, encode_windows
from ..tables import read_parquet, stack_frames
from ..tasks import find_task
from .cooccurrence import log_odds, of_both_kinds, pair_table, pairs_in_windows
from .elements import Element

MEASURED = "measured"
"""In the column ``predictor``: the labels themselves instead of a model's calls."""
# with mismatches a window of 101 nt fills about 1,500 entries
_WINDOWS_AT_ONCE = 2000


def _in_bin(kmer: str, first: int, last: int) -> Element:
    return Element(f"{kmer}[{first}..{last}]", kmer, first, last)


def kmer_presence(
    codes: np.ndarray, k: int, width: int, mismatches: int = 0
) -> tuple[sparse.csr_matrix, list[tuple[int, int]]]:
    """Which k-mers begin in which bin of each window.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
    k : int
        Nucleotides of a k-mer.
    width : int
        Places of a bin; the last may have fewer.
    mismatches : {0, 1}
        Nucleotides in which a place may differ from a k-mer that it counts for.

    Returns
    -------
    presence : scipy.sparse.csr_matrix, shape=(n_windows, n_bins * 4**k)
        1 where present. The k-mer of column j has code ``j % 4**k`` and bin ``j // 4**k``; k-mers with N are left out.
    bins : list of (int, int)
        First and last distance from the site of each bin.
    """
    n, window = codes.shape
    starts = window - k + 1
    index = np.zeros((n, starts), dtype=np.int64)
    known = np.ones((n, starts), dtype=bool)
    for place in range(k):
        nucleotides = codes[:, place : place + starts]
        index = index * UNKNOWN + nucleotides
        known &= nucleotides < UNKNOWN
    index += (np.arange(starts) // width) * UNKNOWN**k
    rows = np.repeat(np.arange(n), starts)[known.ravel()]
    columns = index.ravel()[known.ravel()]
    edges = range(0, starts, width)
    shape = (n, len(edges) * UNKNOWN**k)
    presence = sparse.csr_matrix((np.ones(len(rows), dtype=np.int32), (rows, columns)), shape=shape)
    if mismatches:
        presence = presence @ sparse.kron(sparse.eye(len(edges), dtype=np.int32), _neighbours(k), format="csr")
    presence.data[:] = 1
    centre = window // 2
    return presence, [(edge - centre, min(edge + width, starts) - 1 - centre) for edge in edges]


def _neighbours(k: int) -> sparse.csr_matrix:
    """Shape (4**k, 4**k), 1 where two k-mers differ in one nucleotide at most."""
    kmers = np.arange(UNKNOWN**k)
    others = [kmers]
    for place in range(k):
        scale = UNKNOWN**place
        digit = kmers // scale % UNKNOWN
        others += [kmers + ((digit + shift) % UNKNOWN - digit) * scale for shift in (1, 2, 3)]
    columns = np.concatenate(others)
    rows = np.tile(kmers, len(others))
    return sparse.csr_matrix((np.ones(len(rows), dtype=np.int32), (rows, columns)), shape=(len(kmers), len(kmers)))


def _alike(a: Element, b: Element) -> bool:
    """Whether two k-mers may be the same element, or share nucleotides of the window."""
    k = len(a.kmer)
    if a.first <= b.last + k - 1 and b.first <= a.last + k - 1:
        return True
    if sum(x != y for x, y in zip(a.kmer, b.kmer, strict=True)) <= 1:
        return min(abs(a.first - b.last), abs(b.first - a.last)) <= a.last - a.first + 1
    return False


def discover_pairs(
    codes: np.ndarray,
    called: np.ndarray,
    *,
    k: int = 5,
    width: int = 10,
    kmers: int = 4,
    mismatches: int = 1,
    minimum: int = 10,
    seed: int = 0,
    permutations: int = 9999,
) -> pd.DataFrame:
    """Pairs of k-mers that both raise the odds of a call where the other is, without being told which.

    K-mers are chosen on one random half of the windows (in each bin of positions those most enriched among the
    called, by the z of their log odds ratio) and tested on the other half, so choosing them costs the tests nothing.
    Pairs whose places overlap are left out: they share nucleotides.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
    called : numpy.ndarray, shape=(n_windows,), dtype=bool
    k : int
        Nucleotides of a k-mer, at most 7.
    width : int
        Places of a bin.
    kmers : int
        K-mers taken from each bin; the site's own k-mers would otherwise take all places.
    mismatches : {0, 1}
        See :func:`kmer_presence`; exact k-mers are too rare to be met in pairs.
    minimum : int
        Windows of the first half that must have a k-mer.
    seed : int
        Of the halves and the permutations.
    permutations : int

    Returns
    -------
    pandas.DataFrame
        ``cooccurrence``, then ``kmer_a``, ``first_a``, ``last_a``,
        ``kmer_b``, ``first_b``, ``last_b``, ``q_each``, ``q_interaction`` (Benjamini-Hochberg over all pairs tested),
        by rising ``p_each``: one strong k-mer comes together with every other, and only this P asks both for their
        share.
    """
    called = np.asarray(called, dtype=bool)
    half = random_half(len(codes), seed)
    if not (of_both_kinds(called[half]) and of_both_kinds(called[~half])):
        raise InputError(
            "too few windows, called or not, to choose k-mers on one half and test them on the other",
            value=f"{int(called.sum())} of {called.size} called",
            remedy="give more windows",
        )
    _, bins = kmer_presence(codes[:1], k, width)
    yes, no = (np.zeros(len(bins) * UNKNOWN**k, dtype=np.int64) for _ in range(2))
    for rows, presence in _in_blocks(codes, k, width, mismatches):
        chosen, hits = half[rows], called[rows]
        yes += np.asarray(presence[chosen & hits].sum(axis=0)).ravel()
        no += np.asarray(presence[chosen & ~hits].sum(axis=0)).ravel()
    value, variance = log_odds(yes, no, (half & called).sum() - yes, (half & ~called).sum() - no)
    z = np.where(yes + no >= minimum, value / np.sqrt(variance), -np.inf)
    by_bin = z.reshape(len(bins), UNKNOWN**k)
    best = np.argsort(-by_bin, axis=1, kind="stable")[:, :kmers] + np.arange(len(bins))[:, None] * UNKNOWN**k
    best = best.ravel()[z[best.ravel()] > 0]
    found = [_in_bin(_text(column % UNKNOWN**k, k), *bins[column // UNKNOWN**k]) for column in best]
    pairs = [(a, b) for a, b in combinations(range(len(found)), 2) if not _alike(found[a], found[b])]
    present = np.zeros((len(codes), len(best)), dtype=bool)
    for rows, presence in _in_blocks(codes, k, width, mismatches):
        present[rows] = presence[:, best].toarray() > 0
    table = pair_table(
        present[~half], called[~half], pairs, [element.name for element in found], permutations=permutations, seed=seed
    )
    for side, at in (("a", 0), ("b", 1)):
        for name in ("kmer", "first", "last"):
            table[f"{name}_{side}"] = [getattr(found[pair[at]], name) for pair in pairs]
    for name in ("each", "interaction"):
        table[f"q_{name}"] = false_discovery_control(table[f"p_{name}"]) if len(table) else np.zeros(0)
    return table.sort_values(["p_each", "element_a", "element_b"], kind="stable", ignore_index=True)


def random_half(n: int, seed: int) -> np.ndarray:
    """The random half of the windows on which k-mers are chosen."""
    half = np.zeros(n, dtype=bool)
    half[np.random.default_rng([seed, 0]).permutation(n)[: n // 2]] = True
    return half


def _in_blocks(codes: np.ndarray, k: int, width: int, mismatches: int) -> Iterator[tuple[slice, sparse.csr_matrix]]:
    for start in range(0, len(codes), _WINDOWS_AT_ONCE):
        rows = slice(start, min(start + _WINDOWS_AT_ONCE, len(codes)))
        yield rows, kmer_presence(codes[rows], k, width, mismatches)[0]


def _text(code: int, k: int) -> str:
    return "".join(ALPHABET[code // UNKNOWN**place % UNKNOWN] for place in range(k - 1, -1, -1))


def cooccurrence_tables(
    models: Sequence[tuple[str, str, str | Path]],
    windows: Mapping[str, str | Path],
    elements: Sequence[Element],
    *,
    scheme: str = "",
    splits: Sequence[str] = ("test",),
    permutations: int = 9999,
    seed: int = 0,
    device: str = "auto",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Co-occurrence in real windows: among measured sites, and among the calls of each model.

    A window is called where its logit is above 0, a probability of 0.5 as trained, at 1:1.

    Parameters
    ----------
    models : sequence of (predictor, task, folder)
        The folder is a model directory.
    windows : mapping of task to path
        Parquet files of the *windows* or *splits* border.
    elements : sequence of Element
        With none, only pairs of k-mers are looked for.
    scheme : str
        Column that names the splits; ``""`` takes all windows.
    splits : sequence of str
        Windows that the models were not trained on.
    permutations, seed : int
    device : str

    Returns
    -------
    known : pandas.DataFrame
        ``predictor`` (``measured`` for the labels), ``task``, then ``cooccurrence``.
    found : pandas.DataFrame
        The same for :func:`discover_pairs`.

    Raises
    ------
    InputError
        If a file lacks windows of those splits, or its labels are all alike. A model that calls all windows or none, as
        one that has learned nothing may, is no fault: its rows hold the numbers of windows and no statistic.
    """
    known, found = [], []
    load = cache(load_model)
    for task, path in windows.items():
        frame, _ = read_parquet(path, ["window", "sequence", "label", *([scheme] if scheme else [])])
        frame = frame[frame[scheme].isin(list(splits))] if scheme else frame
        if frame.empty:
            raise InputError(
                f"no window lies in the splits {', '.join(splits)}", path=path, remedy="choose other splits"
            )
        codes = encode_windows(frame["sequence"])
        cases = [(MEASURED, frame["label"].to_numpy() == 1)]
        for predictor, asked, folder in models:
            if asked == task:
                model, config = load(folder)
                find_task(config.tasks, task)
                logits = score_windows(model, codes, task, device=pick_device(device))
                cases.append((predictor, logits > 0))
        half = random_half(len(codes), seed)
        for predictor, called in cases:
            shared, labels = {"permutations": permutations, "seed": seed}, predictor == MEASURED
            who = {"predictor": predictor, "task": task}
            with about(f"{predictor}, {task}", path=path):
                if elements and (of_both_kinds(called) or labels):
                    known.append(pairs_in_windows(codes, called, elements, **shared).assign(**who))
                elif elements:
                    known.append(_untested(elements, called).assign(**who))
                if labels or (of_both_kinds(called[half]) and of_both_kinds(called[~half])):
                    found.append(discover_pairs(codes, called, **shared).assign(**who))
    return (
        stack_frames(known, column_names("cooccurrence", task_columns=False)),
        stack_frames(found, column_names("cooccurrence_found", task_columns=False)),
    )


def _untested(elements: Sequence[Element], called: np.ndarray) -> pd.DataFrame:
    pairs = [(elements[a].name, elements[b].name) for a, b in combinations(range(len(elements)), 2)]
    names = column_names("cooccurrence", first="element_a")
    rows = pd.DataFrame(pairs, columns=["element_a", "element_b"]).reindex(columns=names)
    return rows.assign(n_called=int(called.sum()), n_other=int((~called).sum()))
