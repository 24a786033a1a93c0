"""Co-occurrence in real windows: of elements that are given, and of words that nobody named.

What co-occurrence of two elements means and how it is tested is in :mod:`rnamarks.interpretation.element_pairs`. Here
are the search for pairs of words, and the tables of both kinds of pairs among measured sites and the calls of models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import false_discovery_control

from ..errors import InputError
from ..models.checkpoint import load_model, require_head
from ..prediction.score import pick_device, score_windows
from ..sequences import ALPHABET, UNKNOWN, encode_windows
from ..tables import read_parquet
from .element_pairs import PAIR_COLUMNS, log_odds, of_both_kinds, pair_table, pairs_in_windows
from .elements import Element, all_pairs

# with mismatches a window of 101 nt fills about 1,500 entries
_WINDOWS_AT_ONCE = 2000
DISCOVERY_COLUMNS = [
    *(f"{name}_{letter}" for letter in "ab" for name in ("word", "first", "last")),
    "q_each",
    "q_interaction",
]


@dataclass(frozen=True)
class Word:
    """A k-mer in a bin of positions: the words that :func:`discover_pairs` looks at.

    Attributes
    ----------
    word : str
        RNA.
    first, last : int
        Distances from the site to its first letter, both included.
    """

    word: str
    first: int
    last: int

    @property
    def name(self) -> str:
        """``UUUUU[-14..-8]``."""
        return f"{self.word}[{self.first}..{self.last}]"


def word_presence(
    codes: np.ndarray, k: int, width: int, mismatches: int = 0
) -> tuple[sparse.csr_matrix, list[tuple[int, int]]]:
    """Which k-mers begin in which bin of each window.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
    k : int
        Letters of a word.
    width : int
        Places of a bin; the last may have fewer.
    mismatches : {0, 1}
        Letters in which a place may differ from a word that it counts for.

    Returns
    -------
    presence : scipy.sparse.csr_matrix, shape=(n_windows, n_bins * 4**k)
        1 where present. The word of column j has code ``j % 4**k`` and bin ``j // 4**k``; words with N are left out.
    bins : list of (int, int)
        First and last distance from the site of each bin.
    """
    n, window = codes.shape
    starts = window - k + 1
    index = np.zeros((n, starts), dtype=np.int64)
    known = np.ones((n, starts), dtype=bool)
    for place in range(k):
        letters = codes[:, place : place + starts]
        index = index * UNKNOWN + letters
        known &= letters < UNKNOWN
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
    """Shape (4**k, 4**k), 1 where two words differ in one letter at most."""
    words = np.arange(UNKNOWN**k)
    others = [words]
    for place in range(k):
        scale = UNKNOWN**place
        letter = words // scale % UNKNOWN
        others += [words + ((letter + shift) % UNKNOWN - letter) * scale for shift in (1, 2, 3)]
    columns = np.concatenate(others)
    rows = np.tile(words, len(others))
    return sparse.csr_matrix((np.ones(len(rows), dtype=np.int32), (rows, columns)), shape=(len(words), len(words)))


def _alike(a: Word, b: Word) -> bool:
    """Whether two words may be the same element, or share letters of the window."""
    k = len(a.word)
    if a.first <= b.last + k - 1 and b.first <= a.last + k - 1:
        return True
    if sum(x != y for x, y in zip(a.word, b.word, strict=True)) <= 1:
        return min(abs(a.first - b.last), abs(b.first - a.last)) <= a.last - a.first + 1
    return False


def discover_pairs(
    codes: np.ndarray,
    called: np.ndarray,
    *,
    k: int = 5,
    width: int = 10,
    words: int = 4,
    mismatches: int = 1,
    least: int = 10,
    seed: int = 0,
    permutations: int = 9999,
    logits: np.ndarray | None = None,
) -> pd.DataFrame:
    """Pairs of words that both raise the odds of a call where the other is, without being told which.

    Words are chosen on one random half of the windows (in each bin of positions those most enriched among the
    called, by the z of their log odds ratio) and tested on the other half, so choosing them costs the tests nothing.
    Pairs whose places overlap are left out: they share letters.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
    called : numpy.ndarray, shape=(n_windows,), dtype=bool
    k : int
        Letters of a word, at most 7.
    width : int
        Places of a bin.
    words : int
        Words taken from each bin; the site's own letters would otherwise take all places.
    mismatches : {0, 1}
        See :func:`word_presence`; exact words are too rare to be met in pairs.
    least : int
        Windows of the first half that must have a word.
    seed : int
        Of the halves and the permutations.
    permutations : int
    logits : numpy.ndarray, shape=(n_windows,), optional

    Returns
    -------
    pandas.DataFrame
        :data:`rnamarks.interpretation.element_pairs.PAIR_COLUMNS`, then ``word_a``, ``first_a``, ``last_a``,
        ``word_b``, ``first_b``, ``last_b``, ``q_each``, ``q_interaction`` (Benjamini-Hochberg over all pairs tested),
        by rising ``p_each``: one strong word comes together with every other, and only this P asks both for their
        share.
    """
    if not 1 <= k <= 7:
        raise InputError("words have 1 to 7 letters", value=k)
    if mismatches not in (0, 1):
        raise InputError("words may have 0 or 1 mismatches", value=mismatches)
    called = np.asarray(called, dtype=bool)
    half = _half(len(codes), seed)
    if not (of_both_kinds(called[half]) and of_both_kinds(called[~half])):
        raise InputError(
            "too few windows, called or not, to choose words on one half and test them on the other",
            value=f"{int(called.sum())} of {called.size} called",
            remedy="give more windows",
        )
    _, bins = word_presence(codes[:1], k, width)
    yes, no = (np.zeros(len(bins) * UNKNOWN**k, dtype=np.int64) for _ in range(2))
    for rows, presence in _in_blocks(codes, k, width, mismatches):
        chosen, hits = half[rows], called[rows]
        yes += np.asarray(presence[chosen & hits].sum(axis=0)).ravel()
        no += np.asarray(presence[chosen & ~hits].sum(axis=0)).ravel()
    value, variance = log_odds(yes, no, (half & called).sum() - yes, (half & ~called).sum() - no)
    z = np.where(yes + no >= least, value / np.sqrt(variance), -np.inf)
    by_bin = z.reshape(len(bins), UNKNOWN**k)
    best = np.argsort(-by_bin, axis=1, kind="stable")[:, :words] + np.arange(len(bins))[:, None] * UNKNOWN**k
    best = best.ravel()[z[best.ravel()] > 0]
    found = [Word(_text(column % UNKNOWN**k, k), *bins[column // UNKNOWN**k]) for column in best]
    pairs = [(a, b) for a, b in all_pairs(len(found)) if not _alike(found[a], found[b])]
    present = np.zeros((len(codes), len(best)), dtype=bool)
    for rows, presence in _in_blocks(codes, k, width, mismatches):
        present[rows] = presence[:, best].toarray() > 0
    table = pair_table(
        present[~half],
        called[~half],
        pairs,
        [word.name for word in found],
        logits=None if logits is None else np.asarray(logits)[~half],
        permutations=permutations,
        seed=seed,
    )
    for letter, at in (("a", 0), ("b", 1)):
        for name in ("word", "first", "last"):
            table[f"{name}_{letter}"] = [getattr(found[pair[at]], name) for pair in pairs]
    table["q_each"] = _adjusted(table["p_each"])
    table["q_interaction"] = _adjusted(table["p_interaction"])
    return table.sort_values(["p_each", "element_a", "element_b"], kind="stable", ignore_index=True)


def _half(n: int, seed: int) -> np.ndarray:
    """The random half of the windows on which words are chosen."""
    half = np.zeros(n, dtype=bool)
    half[np.random.default_rng([seed, 0]).permutation(n)[: n // 2]] = True
    return half


def _in_blocks(codes: np.ndarray, k: int, width: int, mismatches: int) -> Iterator[tuple[slice, sparse.csr_matrix]]:
    for start in range(0, len(codes), _WINDOWS_AT_ONCE):
        rows = slice(start, min(start + _WINDOWS_AT_ONCE, len(codes)))
        yield rows, word_presence(codes[rows], k, width, mismatches)[0]


def _text(code: int, k: int) -> str:
    return "".join(ALPHABET[code // UNKNOWN**place % UNKNOWN] for place in range(k - 1, -1, -1))


def _adjusted(p: pd.Series) -> np.ndarray:
    return false_discovery_control(p.to_numpy()) if len(p) else np.zeros(0)


MEASURED = "measured"
"""In the column ``predictor``: the labels themselves instead of a model's calls."""


def cooccurrence_tables(
    models: Sequence[tuple[str, str, str | Path]],
    windows: Mapping[str, str | Path],
    elements: Sequence[Element],
    *,
    split: str = "",
    parts: Sequence[str] = ("test",),
    threshold: float = 0.0,
    discovery: Mapping[str, int] | None = None,
    permutations: int = 9999,
    seed: int = 0,
    device: str = "auto",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Co-occurrence in real windows: among measured sites, and among the calls of each model.

    Parameters
    ----------
    models : sequence of (predictor, species, folder)
        The species is the head; the folder is a model directory.
    windows : mapping of species to path
        Parquet files of the *windows* or *splits* border; every window has one species' label.
    elements : sequence of Element
        With none, only pairs of words are looked for.
    split : str
        Column that names the parts; ``""`` takes all windows.
    parts : sequence of str
        Windows that the models were not trained on.
    threshold : float
        Logit above which a window is called; 0 is a probability of 0.5 as trained, at 1:1.
    discovery : mapping, optional
        ``k``, ``width``, ``words``, ``mismatches``, ``least`` of :func:`discover_pairs`.
    permutations, seed : int
    device : str

    Returns
    -------
    known : pandas.DataFrame
        ``species``, ``predictor`` (``measured`` for the labels), then
        :data:`rnamarks.interpretation.element_pairs.PAIR_COLUMNS`.
    found : pandas.DataFrame
        The same for :func:`discover_pairs`.

    Raises
    ------
    InputError
        If a file lacks windows of those parts, or its labels are all alike. A model that calls all windows or none, as
        one that has learned nothing may, is no fault: its rows hold the numbers of windows and no statistic.
    """
    known, found = [], []
    for species, path in windows.items():
        frame, _ = read_parquet(path, ["window", "sequence", "label", *([split] if split else [])])
        frame = frame[frame[split].isin(list(parts))] if split else frame
        if frame.empty:
            raise InputError(f"no window lies in the parts {', '.join(parts)}", path=path, remedy="choose other parts")
        codes = encode_windows(frame["sequence"])
        cases: list[tuple[str, np.ndarray, np.ndarray | None]] = [(MEASURED, frame["label"].to_numpy() == 1, None)]
        for predictor, head, folder in models:
            if head == species:
                model, config = load_model(folder)
                require_head(config, head)
                logits = score_windows(model, codes, head, device=pick_device(device)).astype(np.float64)
                cases.append((predictor, logits > threshold, logits))
        for predictor, called, logits in cases:
            shared = {"logits": logits, "permutations": permutations, "seed": seed}
            lead = {"species": species, "predictor": predictor}
            half = _half(len(codes), seed)
            try:
                if elements and (of_both_kinds(called) or logits is None):
                    known.append(pairs_in_windows(codes, called, elements, **shared).assign(**lead))
                elif elements:
                    known.append(_untested(elements, called).assign(**lead))
                if logits is None or (of_both_kinds(called[half]) and of_both_kinds(called[~half])):
                    found.append(discover_pairs(codes, called, **shared, **(discovery or {})).assign(**lead))
            except InputError as error:
                raise InputError(f"{predictor}, {species}: {error}", path=path) from error
    return _joined(known, PAIR_COLUMNS), _joined(found, [*PAIR_COLUMNS, *DISCOVERY_COLUMNS])


def _untested(elements: Sequence[Element], called: np.ndarray) -> pd.DataFrame:
    pairs = [(elements[a].name, elements[b].name) for a, b in all_pairs(len(elements))]
    rows = pd.DataFrame(pairs, columns=["element_a", "element_b"]).reindex(columns=PAIR_COLUMNS)
    return rows.assign(n_called=int(called.sum()), n_other=int((~called).sum()))


def _joined(frames: list[pd.DataFrame], names: list[str]) -> pd.DataFrame:
    names = ["species", "predictor", *names]
    return pd.concat(frames, ignore_index=True)[names] if frames else pd.DataFrame(columns=names)
