"""Families of RNA: consensus structures whose stems co-vary along a tree, and loops that stay.

A family is a structure with a letter, a rate of change and, in some loops, a chance to be lost for every column. Its
subfamilies, and from these its members, change column by column; the two columns of a pair change together into another
canonical pair, as in covariance models (Eddy and Durbin 1994).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .parameters import FamilyParameters

PAIRS = ("GC", "CG", "AU", "UA", "GU", "UG")
_PAIR_WEIGHTS = (0.3, 0.3, 0.15, 0.15, 0.05, 0.05)
LETTERS = "ACGU"
_LOOP_WEIGHTS = (0.35, 0.18, 0.25, 0.22)
TRAIN, JUDGED, UNSEEN = "train", "val", "unseen"
"""Parts: learned from; perplexity alone; only among the structures that are tested."""
_CONSERVED_RATE = 0.04
_RUN = 7
_TO_SUBFAMILY, _TO_MEMBER = 0.7, 0.25
# along the branch to a member
_MISMATCH = 0.02


@dataclass(frozen=True)
class Family:
    """What all members of a family have in common; columns are those of its alignment.

    Attributes
    ----------
    name : str
    part : str
        :data:`TRAIN`, :data:`JUDGED` or :data:`UNSEEN`.
    partners : numpy.ndarray, shape=(n_columns,)
        Column that each pairs with, -1 for none.
    consensus : numpy.ndarray of str, shape=(n_columns,)
    rates : numpy.ndarray, shape=(n_columns,)
        Expected changes per unit of the tree; of a pair both columns have one.
    lost : numpy.ndarray, shape=(n_columns,)
        Chance that a member lacks the column.
    knot : (int, int) or None
        First and last column of the 5' half of a stem that crosses another.
    """

    name: str
    part: str
    partners: np.ndarray
    consensus: np.ndarray
    rates: np.ndarray
    lost: np.ndarray
    knot: tuple[int, int] | None = None


@dataclass(frozen=True)
class Member:
    """One RNA of a family.

    Attributes
    ----------
    name, family : str
    subfamily : int
    aligned : numpy.ndarray of str, shape=(n_columns,)
        ``-`` where a column is lost.
    partners : numpy.ndarray, shape=(n_nt,)
        0-based partner of each nucleotide, -1 for none.
    """

    name: str
    family: str
    subfamily: int
    aligned: np.ndarray
    partners: np.ndarray

    @property
    def sequence(self) -> str:
        return "".join(self.aligned[self.aligned != "-"])


def make_families(parameters: FamilyParameters, seed: int) -> list[Family]:
    """Families of all parts; the last of those that are learned from has a pseudoknot, and the first unseen one."""
    parts = [TRAIN] * parameters.families + [JUDGED] * parameters.judged + [UNSEEN] * parameters.unseen
    knotted = {parameters.families - 1, parameters.families + parameters.judged}
    return [
        _family(f"SIM{at + 1:03d}", part, at in knotted, parameters, np.random.default_rng([seed, 501, at]))
        for at, part in enumerate(parts)
    ]


def _family(name: str, part: str, knotted: bool, parameters: FamilyParameters, random: np.random.Generator) -> Family:
    partners, knot = _structure(knotted, parameters, random)
    columns = len(partners)
    consensus = random.choice(list(LETTERS), columns, p=_LOOP_WEIGHTS)
    conserved = _in_runs(columns, parameters.conserved, random)
    rates = np.where(conserved, _CONSERVED_RATE, random.uniform(0.8, 2.0, columns))
    # few lengths per family: models compute RNAs of one length together
    optional = random.permutation(np.flatnonzero((partners < 0) & ~conserved))[: parameters.indels]
    lost = np.zeros(columns)
    lost[optional] = random.uniform(0.1, 0.6, len(optional))
    first = np.flatnonzero(partners > np.arange(columns))
    drawn = random.choice(PAIRS, len(first), p=_PAIR_WEIGHTS)
    consensus[first], consensus[partners[first]] = [two[0] for two in drawn], [two[1] for two in drawn]
    rates[partners[first]] = rates[first]
    return Family(name, part, partners, consensus, rates, lost, knot)


def _in_runs(columns: int, fraction: float, random: np.random.Generator) -> np.ndarray:
    """Columns that hardly change, in runs, as the loops that proteins bind."""
    rank = np.convolve(random.normal(size=columns + _RUN - 1), np.ones(_RUN), "valid")
    return rank >= np.quantile(rank, 1 - fraction)


def _structure(
    knotted: bool, parameters: FamilyParameters, random: np.random.Generator
) -> tuple[np.ndarray, tuple[int, int] | None]:
    """Partner of each column: tails, a closing stem around one to three hairpins, and perhaps a crossing stem."""
    pairs: list[tuple[int, int]] = []
    at = int(random.integers(2, 6))
    outer = int(random.integers(*parameters.stem, endpoint=True))
    opening = list(range(at, at + outer))
    at += outer
    loops = []
    for _ in range(int(random.integers(1, parameters.hairpins + 1))):
        at += int(random.integers(1, 5))
        stem, bulge = int(random.integers(*parameters.stem, endpoint=True)), int(random.integers(0, 3))
        left = list(range(at, at + stem))
        if bulge:
            left = [*left[:2], *(one + bulge for one in left[2:])]
        loop = int(
            random.integers(10, 13) if knotted and not loops else random.integers(*parameters.loop, endpoint=True)
        )
        at = left[-1] + 1
        loops.append((at, at + loop))
        at += loop
        pairs += zip(left, range(at + stem - 1, at - 1, -1), strict=True)
        at += stem
    at += int(random.integers(1, 5))
    pairs += zip(opening, range(at + outer - 1, at - 1, -1), strict=True)
    at += outer
    knot = None
    if knotted:
        begin, length = loops[0][0] + 3, 5
        at += 3
        pairs += zip(range(begin, begin + length), range(at + length - 1, at - 1, -1), strict=True)
        at += length
        knot = begin, begin + length - 1
    at += int(random.integers(2, 6))
    partners = np.full(at, -1, dtype=np.int64)
    for first, second in pairs:
        partners[first], partners[second] = second, first
    return partners, knot


def split_of_subfamily(subfamily: int, parameters: FamilyParameters) -> str:
    """Split of the structures of a subfamily: the last fifth for the test, the fifth before for validation."""
    fifth = max(1, parameters.subfamilies // 5)
    left = parameters.subfamilies - 1 - subfamily
    return "test" if left < fifth else "valid" if left < 2 * fifth else "train"


def make_members(
    family: Family, learned: int, structures: int, parameters: FamilyParameters, seed: int
) -> tuple[list[Member], list[Member]]:
    """Members to learn from, of the subfamilies whose structures are trained on; members with a structure, of all."""
    at = int(family.name.removeprefix("SIM"))
    random = np.random.default_rng([seed, 502, at])
    ancestors = [_changed(family, family.consensus, _TO_SUBFAMILY, random) for _ in range(parameters.subfamilies)]
    trained = [one for one in range(len(ancestors)) if split_of_subfamily(one, parameters) == "train"]
    chosen = [trained[number % len(trained)] for number in range(learned)]
    chosen += [number % len(ancestors) for number in range(structures)]
    found = []
    for number, subfamily in enumerate(chosen):
        letters = _changed(family, ancestors[subfamily], _TO_MEMBER, random)
        single = random.random(len(letters)) < _MISMATCH
        letters[single] = random.choice(list(LETTERS), int(single.sum()))
        letters[random.random(len(letters)) < family.lost] = "-"
        found.append(
            Member(f"{family.name}_{number + 1:04d}", family.name, subfamily, letters, _partners(family, letters))
        )
    return found[:learned], found[learned:]


def _changed(family: Family, letters: np.ndarray, branch: float, random: np.random.Generator) -> np.ndarray:
    letters = letters.copy()
    changed = random.random(len(letters)) < 1 - np.exp(-family.rates * branch)
    loose = np.flatnonzero(changed & (family.partners < 0))
    letters[loose] = random.choice(list(LETTERS), len(loose), p=_LOOP_WEIGHTS)
    first = np.flatnonzero(changed & (family.partners > np.arange(len(letters))))
    drawn = random.choice(PAIRS, len(first), p=_PAIR_WEIGHTS)
    letters[first] = [two[0] for two in drawn]
    letters[family.partners[first]] = [two[1] for two in drawn]
    return letters


def _partners(family: Family, letters: np.ndarray) -> np.ndarray:
    """Pairs that are canonical in a member, in its own coordinates."""
    place = np.cumsum(letters != "-") - 1
    partners = np.full(int((letters != "-").sum()), -1, dtype=np.int32)
    for first in np.flatnonzero(family.partners > np.arange(len(letters))):
        second = family.partners[first]
        if letters[first] + letters[second] in PAIRS:
            partners[place[first]], partners[place[second]] = place[second], place[first]
    return partners


def brackets(partners: np.ndarray, knot: tuple[int, int] | None = None, signs: str = "()<>") -> str:
    """Dot-bracket text; pairs that cross one that began earlier have the second kind of sign.

    ``knot`` names columns that have the second sign, where it is known; else a pair has it that crosses an open one.
    """
    text = ["."] * len(partners)
    stack: list[int] = []
    for at, partner in enumerate(partners):
        if partner > at:
            crosses = knot[0] <= at <= knot[1] if knot else any(at < close < partner for close in stack)
            text[at], text[partner] = (signs[2], signs[3]) if crosses else (signs[0], signs[1])
            if not crosses:
                stack.append(partner)
        elif partner >= 0 and at in stack:
            stack.remove(at)
    return "".join(text)


def unrelated(numbers: int, parameters: FamilyParameters, seed: int) -> list[str]:
    """RNA of no family: first-order Markov chains, each with a composition of its own."""
    random = np.random.default_rng([seed, 503])
    found = []
    for _ in range(numbers):
        table = random.dirichlet(np.full(4, 8.0), size=4).cumsum(axis=1)
        draws = random.random(int(random.choice(np.linspace(*parameters.unrelated_length, 4, dtype=int))))
        state, letters = int(random.integers(4)), []
        for draw in draws:
            state = min(3, int(np.searchsorted(table[state], draw)))
            letters.append(LETTERS[state])
        found.append("".join(letters))
    return found
