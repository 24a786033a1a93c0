"""Whether windows that are called hold two elements together: elements that are given, and k-mers that nobody named.

An element is a k-mer in a range of distances from the site. For two elements A and B "co-occurrence" can mean three
things, which are measured apart:

- *together*: windows that are called hold A and B more often than windows that are not. It is tested by permuting the
  labels, within strata where given (for example the five nucleotides at the site). It does not say that the model needs
  both: elements that each raise the score by themselves are called together as well.
- *each given the other*: the odds of a call of windows with both, against those with A alone and against those with B
  alone. Both above 1: either element adds to the other. The larger of the two P is the P of both.
- *interaction*: these odds beyond the product of the two elements' own (the term of a saturated log-linear model).
  Above 1, one element counts for more where the other is. Elements that add up in the log odds have none. With the
  model's logits there is the same question without a threshold: the *synergy*, in nats.

The association of A with B *within* called windows is not used: of two elements that merely add up, either makes the
other less needed, so they repel each other there.

For optimised windows there are no labels. There the question is whether both elements are at their places, against
windows whose columns are put in another order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import ndtr
from scipy.stats import false_discovery_control, norm

from ..dictionary import column_names
from ..errors import InputError
from ..evaluation.bootstrap import interval
from ..models.checkpoint import load_model
from ..prediction.score import pick_device, score_windows
from ..sequences import ALPHABET, UNKNOWN, encode, encode_windows
from ..tables import read_parquet, stack_frames
from ..tasks import find_task

MEASURED = "measured"
"""In the column ``predictor``: the labels themselves instead of a model's calls."""
# with mismatches a window of 101 nt fills about 1,500 entries
_WINDOWS_AT_ONCE = 2000
_Z = float(norm.ppf(0.975))
NULLS = ("columns", "rotation")


@dataclass(frozen=True)
class Element:
    """A k-mer with the places in which it is expected.

    Attributes
    ----------
    name : str
    kmer : str
        RNA or DNA.
    first, last : int
        Distances from the site to the first nucleotide, nt, negative upstream, both included.
    mismatches : int
        Nucleotides that may differ.
    """

    name: str
    kmer: str
    first: int
    last: int
    mismatches: int = 0

    def __post_init__(self) -> None:
        codes = encode(self.kmer)
        if not len(codes) or (codes >= UNKNOWN).any():
            raise InputError(f"the element {self.name} is no k-mer of A, C, G, U", value=self.kmer, remedy="correct it")
        if not 0 <= self.mismatches < len(codes):
            raise InputError(f"the element {self.name} allows too many mismatches", value=self.mismatches)
        if self.first > self.last:
            raise InputError(
                f"the element {self.name} ends before it begins", value=(self.first, self.last), remedy="exchange them"
            )

    @classmethod
    def from_mapping(cls, given: Mapping[str, object]) -> Element:
        """From a configuration: the attributes by name; ``mismatches`` may be left out."""
        known = {"name", "kmer", "first", "last", "mismatches"}
        if not known >= set(given) >= known - {"mismatches"}:
            raise InputError(
                "an element needs name, kmer, first and last, and may have mismatches",
                value=sorted(given),
                remedy="see config/README.md",
            )
        return cls(**given)

    def _places(self, window: int) -> np.ndarray:
        """0-based columns of each nucleotide at each start that lies wholly in a window, shape (starts, width)."""
        starts = np.arange(self.first, self.last + 1) + window // 2
        starts = starts[(starts >= 0) & (starts + len(self.kmer) <= window)]
        if not len(starts):
            raise InputError(
                f"the element {self.name} lies outside windows of {window} nt",
                value=(self.first, self.last),
                remedy="give distances from the site at the centre",
            )
        return starts[:, None] + np.arange(len(self.kmer))

    def present(self, codes: np.ndarray) -> np.ndarray:
        """Whether each window has it; codes of shape (n_windows, window), result of shape (n_windows,)."""
        needed, wanted = len(self.kmer) - self.mismatches, encode(self.kmer)
        found = np.zeros(len(codes), dtype=bool)
        for places in self._places(codes.shape[1]):
            found |= (codes[:, places] == wanted).sum(axis=1) >= needed
        return found

    def soft_scores(self, shares: np.ndarray) -> np.ndarray:
        """Best mean agreement in range with windows of shares.

        Parameters
        ----------
        shares : numpy.ndarray, shape=(n, 4, window)

        Returns
        -------
        numpy.ndarray, shape=(n,)
            Mean over the element's nucleotides of their shares; 1 for a k-mer that is there for certain.
        """
        agree = shares[:, encode(self.kmer), self._places(shares.shape[2])]
        return agree.mean(axis=2).max(axis=1)


def all_pairs(count: int) -> list[tuple[int, int]]:
    """Every pair of so many elements, first before second."""
    return [(a, b) for a in range(count) for b in range(a + 1, count)]


def require_pairs(elements: Sequence[Element]) -> None:
    """Raise :class:`InputError` unless there are two elements or more, each with a name of its own."""
    names = [element.name for element in elements]
    if len(names) < 2 or len(set(names)) < len(names):
        raise InputError("co-occurrence needs at least two elements with names of their own", value=names)


def of_both_kinds(called: np.ndarray) -> bool:
    """Whether some windows are called and some are not; shape (n_windows,), dtype bool."""
    return bool(called.any() and not called.all())


def log_odds(a, b, c, d) -> tuple[np.ndarray, np.ndarray]:
    """log(a d / (b c)) and its variance, half a count added to each cell (Haldane, Anscombe)."""
    cells = [np.asarray(cell, dtype=np.float64) + 0.5 for cell in (a, b, c, d)]
    return np.log(cells[0] * cells[3] / (cells[1] * cells[2])), sum(1 / cell for cell in cells)


def _with_interval(name: str, value: np.ndarray, variance: np.ndarray, scale: float = 1.0) -> dict[str, np.ndarray]:
    half = _Z * np.sqrt(variance)
    return {name: value * scale, f"{name}_low": (value - half) * scale, f"{name}_high": (value + half) * scale}


def pair_table(
    present: np.ndarray,
    called: np.ndarray,
    pairs: Sequence[tuple[int, int]],
    names: Sequence[str],
    *,
    strata: np.ndarray | None = None,
    logits: np.ndarray | None = None,
    permutations: int = 9999,
    seed: int = 0,
) -> pd.DataFrame:
    """The three meanings of co-occurrence for pairs of elements.

    Parameters
    ----------
    present : numpy.ndarray, shape=(n_windows, n_elements), dtype=bool
    called : numpy.ndarray, shape=(n_windows,), dtype=bool
        Calls of a model, or measured labels.
    pairs : sequence of (int, int)
        Columns ``present``.
    names : sequence of str
        Of the elements.
    strata : numpy.ndarray, shape=(n_windows,), optional
        Labels are permuted within equal values only.
    logits : numpy.ndarray, shape=(n_windows,), optional
        Adds the synergy.
    permutations : int
        Of the labels, for ``p_together``.
    seed : int

    Returns
    -------
    pandas.DataFrame
        Table ``cooccurrence`` from ``element_a`` on, one row per pair. ``enrichment`` is log2 of the ratio of the two
        fractions of windows with both; ``odds_given_a`` the log2 odds ratio of a call among windows with A, with B
        against without; ``odds_given_b`` likewise; ``interaction`` log2 of the ratio of odds ratios. Intervals are
        95 % Wald intervals with half a count added to each cell. ``p_together`` is one-sided with ties counted half,
        ``p_each`` the larger of the one-sided P of ``odds_given_a`` and ``odds_given_b`` (at most 5 % of them fall
        below 0.05 where either element adds nothing), ``p_interaction`` and ``p_synergy`` are two-sided. ``synergy`` is
        the mean logit with both, less that with A alone, less that with B
        alone, plus that with neither (nats); NaN without logits or with fewer than two windows in a group.

    Raises
    ------
    InputError
        If all windows are called, or none.
    """
    called = np.asarray(called, dtype=bool)
    if not of_both_kinds(called):
        raise InputError(
            "co-occurrence needs windows that are called and windows that are not",
            value=f"{int(called.sum())} of {called.size} called",
            remedy="change the threshold or give more windows",
        )
    strata = np.zeros(called.size, dtype=np.int64) if strata is None else np.unique(strata, return_inverse=True)[1]
    sizes = np.bincount(strata)
    called_sizes = np.bincount(strata, weights=called).astype(np.int64)
    rows = []
    for number, (first, second) in enumerate(pairs):
        a, b = present[:, first], present[:, second]
        cell = 2 * a + b
        yes, no = np.bincount(cell[called], minlength=4), np.bincount(cell[~called], minlength=4)
        n_called, n_other = int(yes.sum()), int(no.sum())
        both = a & b
        generator = np.random.default_rng([seed, number])
        joint = np.bincount(strata, weights=both).astype(np.int64)
        # permuted labels within a stratum give a hypergeometric number of called windows with both
        drawn = np.zeros(permutations, dtype=np.int64)
        for size, hits, draws in zip(sizes, joint, called_sizes, strict=True):
            if hits and draws:
                drawn += generator.hypergeometric(hits, size - hits, draws, size=permutations)
        above = (drawn > yes[3]).sum() + 0.5 * (drawn == yes[3]).sum()
        shares = (yes[3] + 0.5) / (n_called + 1), (no[3] + 0.5) / (n_other + 1)
        variance = 1 / (yes[3] + 0.5) - 1 / (n_called + 1) + 1 / (no[3] + 0.5) - 1 / (n_other + 1)
        given_a = log_odds(yes[3], no[3], yes[2], no[2])
        given_b = log_odds(yes[3], no[3], yes[1], no[1])
        without_a = log_odds(yes[1], no[1], yes[0], no[0])
        beyond, spread = given_a[0] - without_a[0], given_a[1] + without_a[1]
        to_bits = 1 / np.log(2)
        row = {
            "element_a": names[first],
            "element_b": names[second],
            "n_called": n_called,
            "n_other": n_other,
            "a_called": yes[2] + yes[3],
            "a_other": no[2] + no[3],
            "b_called": yes[1] + yes[3],
            "b_other": no[1] + no[3],
            "both_called": yes[3],
            "both_other": no[3],
            "fraction_called": yes[3] / n_called,
            "fraction_other": no[3] / n_other,
            "p_together": (above + 0.5) / (permutations + 1),
            "p_each": max(float(ndtr(-value / np.sqrt(error))) for value, error in (given_a, given_b)),
            "p_interaction": _two_sided(beyond / np.sqrt(spread)),
        }
        row |= _with_interval("enrichment", np.log(shares[0] / shares[1]), variance, to_bits)
        row |= _with_interval("odds_given_a", *given_a, to_bits)
        row |= _with_interval("odds_given_b", *given_b, to_bits)
        row |= _with_interval("interaction", beyond, spread, to_bits)
        row |= _synergy(cell, logits)
        rows.append(row)
    return pd.DataFrame(rows, columns=column_names("cooccurrence", first="element_a"))


def _two_sided(z: float) -> float:
    return float(2 * ndtr(-abs(z)))


def _synergy(cell: np.ndarray, logits: np.ndarray | None) -> dict[str, float]:
    counts = np.bincount(cell, minlength=4)
    if logits is None or counts.min() < 2:
        return dict.fromkeys(("synergy", "synergy_low", "synergy_high", "p_synergy"), float("nan"))
    groups = [np.asarray(logits, dtype=np.float64)[cell == at] for at in range(4)]
    value = float(np.dot([1, -1, -1, 1], [group.mean() for group in groups]))
    variance = sum(group.var(ddof=1) / group.size for group in groups)
    p = _two_sided(value / np.sqrt(variance)) if variance > 0 else float("nan")
    return _with_interval("synergy", value, variance) | {"p_synergy": p}


def pairs_in_windows(
    codes: np.ndarray,
    called: np.ndarray,
    elements: Sequence[Element],
    *,
    logits: np.ndarray | None = None,
    stratify: bool = True,
    permutations: int = 9999,
    seed: int = 0,
) -> pd.DataFrame:
    """:func:`pair_table` of all pairs of elements in windows.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
    called : numpy.ndarray, shape=(n_windows,), dtype=bool
    elements : sequence of Element
    logits : numpy.ndarray, optional
    stratify : bool
        Permute labels among windows with the same five nucleotides around the site, so that neither element can borrow
        from the site's own motif. Of a pair with an element that covers these nucleotides, the other is what is tested.
    permutations, seed : int
    """
    require_pairs(elements)
    present = np.stack([element.present(codes) for element in elements], axis=1)
    centre = codes.shape[1] // 2
    strata = codes[:, centre - 2 : centre + 3].astype(np.int64) @ (5 ** np.arange(5)) if stratify else None
    return pair_table(
        present,
        called,
        all_pairs(len(elements)),
        [element.name for element in elements],
        strata=strata,
        logits=logits,
        permutations=permutations,
        seed=seed,
    )


def pairs_in_optimised(
    pwms: np.ndarray,
    elements: Sequence[Element],
    *,
    null: str = "columns",
    held: np.ndarray | None = None,
    permutations: int = 999,
    seed: int = 0,
) -> pd.DataFrame:
    """Whether optimised windows hold both of two elements at their places.

    The statistic of a pair is the smaller of the two elements'
    :meth:`Element.soft_scores`, averaged over starts. The null puts the columns of
    all starts into one new order: starts that agree are no independent evidence and move together. ``columns`` draws
    any order (keeps the nucleotides, breaks k-mers); ``rotation`` turns the window (keeps k-mers, breaks their places;
    window - 1 turns). Turns within the slack of both elements' ranges keep both, and p cannot fall below their
    fraction.

    Parameters
    ----------
    pwms : numpy.ndarray, shape=(starts, 4, window)
    elements : sequence of Element
    null : {"columns", "rotation"}
    held : numpy.ndarray, shape=(window,), dtype=bool, optional
        Columns that were imposed; they stay where they are under ``columns``.
    permutations : int
    seed : int

    Returns
    -------
    pandas.DataFrame
        Table ``optimised_pairs`` from ``element_a`` on. ``both`` counts starts whose commonest nucleotides hold both
        elements; ``score_low`` and ``score_high`` are a 95 % bootstrap interval over starts; ``null_high`` is the
        null's 95 % quantile; ``p`` is one-sided.
    """
    require_pairs(elements)
    if null not in NULLS:
        raise InputError("no such null", value=null, remedy=f"choose one of {', '.join(NULLS)}")
    starts, _, window = pwms.shape
    generator = np.random.default_rng([seed, 0])
    if null == "rotation":
        orders = [np.roll(np.arange(window), shift) for shift in range(1, window)]
    else:
        movable = np.arange(window) if held is None else np.flatnonzero(~held)
        orders = []
        for _ in range(permutations):
            order = np.arange(window)
            order[movable] = generator.permutation(movable)
            orders.append(order)
    own = np.stack([element.soft_scores(pwms) for element in elements])
    moved = np.stack([[element.soft_scores(pwms[:, :, order]) for element in elements] for order in orders])
    consensus = pwms.argmax(axis=1).astype(np.uint8)
    present = np.stack([element.present(consensus) for element in elements])
    resamples = np.random.default_rng([seed, 1]).integers(0, starts, size=(2000, starts))
    rows = []
    for first, second in all_pairs(len(elements)):
        joint = np.minimum(own[first], own[second])
        null_scores = np.minimum(moved[:, first], moved[:, second]).mean(axis=1)
        low, high = interval(joint[resamples].mean(axis=1)) if starts > 1 else (np.nan, np.nan)
        rows.append(
            {
                "element_a": elements[first].name,
                "element_b": elements[second].name,
                "starts": starts,
                "both": int((present[first] & present[second]).sum()),
                "score_a": own[first].mean(),
                "score_b": own[second].mean(),
                "score": joint.mean(),
                "score_low": low,
                "score_high": high,
                "null_mean": null_scores.mean(),
                "null_high": np.quantile(null_scores, 0.95),
                "p": (1 + (null_scores >= joint.mean() - 1e-12).sum()) / (len(orders) + 1),
            }
        )
    return pd.DataFrame(rows, columns=column_names("optimised_pairs", first="element_a"))


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
    logits: np.ndarray | None = None,
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
    logits : numpy.ndarray, shape=(n_windows,), optional

    Returns
    -------
    pandas.DataFrame
        ``cooccurrence``, then ``kmer_a``, ``first_a``, ``last_a``,
        ``kmer_b``, ``first_b``, ``last_b``, ``q_each``, ``q_interaction`` (Benjamini-Hochberg over all pairs tested),
        by rising ``p_each``: one strong k-mer comes together with every other, and only this P asks both for their
        share.
    """
    if not 1 <= k <= 7:
        raise InputError("k-mers have 1 to 7 nucleotides", value=k)
    if mismatches not in (0, 1):
        raise InputError("k-mers may have 0 or 1 mismatches", value=mismatches)
    called = np.asarray(called, dtype=bool)
    half = _half(len(codes), seed)
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
    pairs = [(a, b) for a, b in all_pairs(len(found)) if not _alike(found[a], found[b])]
    present = np.zeros((len(codes), len(best)), dtype=bool)
    for rows, presence in _in_blocks(codes, k, width, mismatches):
        present[rows] = presence[:, best].toarray() > 0
    table = pair_table(
        present[~half],
        called[~half],
        pairs,
        [element.name for element in found],
        logits=None if logits is None else np.asarray(logits)[~half],
        permutations=permutations,
        seed=seed,
    )
    for side, at in (("a", 0), ("b", 1)):
        for name in ("kmer", "first", "last"):
            table[f"{name}_{side}"] = [getattr(found[pair[at]], name) for pair in pairs]
    table["q_each"] = _adjusted(table["p_each"])
    table["q_interaction"] = _adjusted(table["p_interaction"])
    return table.sort_values(["p_each", "element_a", "element_b"], kind="stable", ignore_index=True)


def _half(n: int, seed: int) -> np.ndarray:
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


def _adjusted(p: pd.Series) -> np.ndarray:
    return false_discovery_control(p.to_numpy()) if len(p) else np.zeros(0)


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
        cases: list[tuple[str, np.ndarray, np.ndarray | None]] = [(MEASURED, frame["label"].to_numpy() == 1, None)]
        for predictor, asked, folder in models:
            if asked == task:
                model, config = load(folder)
                find_task(config.tasks, task)
                logits = score_windows(model, codes, task, device=pick_device(device)).astype(np.float64)
                cases.append((predictor, logits > 0, logits))
        half = _half(len(codes), seed)
        for predictor, called, logits in cases:
            shared = {"logits": logits, "permutations": permutations, "seed": seed}
            who = {"predictor": predictor, "task": task}
            try:
                if elements and (of_both_kinds(called) or logits is None):
                    known.append(pairs_in_windows(codes, called, elements, **shared).assign(**who))
                elif elements:
                    known.append(_untested(elements, called).assign(**who))
                if logits is None or (of_both_kinds(called[half]) and of_both_kinds(called[~half])):
                    found.append(discover_pairs(codes, called, **shared).assign(**who))
            except InputError as error:
                raise InputError(f"{predictor}, {task}: {error}", path=path) from error
    return (
        stack_frames(known, column_names("cooccurrence", task_columns=False)),
        stack_frames(found, column_names("cooccurrence_found", task_columns=False)),
    )


def _untested(elements: Sequence[Element], called: np.ndarray) -> pd.DataFrame:
    pairs = [(elements[a].name, elements[b].name) for a, b in all_pairs(len(elements))]
    names = column_names("cooccurrence", first="element_a")
    rows = pd.DataFrame(pairs, columns=["element_a", "element_b"]).reindex(columns=names)
    return rows.assign(n_called=int(called.sum()), n_other=int((~called).sum()))
