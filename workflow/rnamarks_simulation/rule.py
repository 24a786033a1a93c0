"""The rule by which the demo world methylates adenosines.

The log odds of a DRACH are a sum of standardised terms: the strength of its five nucleotides, a U-rich element upstream
and a UGUA-like one downstream (the writer's context, the same in all species), two elements whose weights drift along
the tree, and the nearness of the stop codon. An element is scored by its best match, in matching nucleotides, within a
range of distances from the A.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnamarks.sequences import encode

LETTER_STRENGTH = {-2: {"G": 1.0, "A": 0.3, "U": -0.6}, -1: {"G": 0.8, "A": -0.5}, 2: {"U": 0.8, "A": 0.0, "C": -0.5}}
"""What the nucleotides of a DRACH add, by their distance from the A; GGACU is the strongest."""


@dataclass(frozen=True)
class Element:
    """A short word that favours methylation nearby.

    Attributes
    ----------
    name : str
    word : str
        RNA.
    first, last : int
        Distances from the A to the first nucleotide of the word, in nt, negative upstream, both included.
    """

    name: str
    word: str
    first: int
    last: int


SHARED = (Element("upstream_u", "UUUUU", -14, -8), Element("downstream_ugua", "UGUAA", 6, 14))
CLADE = (Element("clade_gcagc", "GCAGC", -26, -18), Element("clade_acuug", "ACUUG", 18, 26))
TERMS = ("letters", *(element.name for element in SHARED), "stop", *(element.name for element in CLADE))
STOP_REACH = 150.0
"""Nucleotides over which the pull of the stop codon falls to 1/e."""

_CLIP = 3.0


def raw_terms(codes: np.ndarray, positions: np.ndarray, stop: int) -> np.ndarray:
    """The terms of the rule before they are standardised.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(length,), dtype=uint8
        One transcript.
    positions : numpy.ndarray, shape=(n_sites,)
        0-based positions of DRACH A's.
    stop : int
        0-based position of the stop codon's first nucleotide, -1 where there is none.

    Returns
    -------
    numpy.ndarray, shape=(n_sites, 6)
        In the order of :data:`TERMS`; nan in ``stop`` for a transcript without a stop codon.
    """
    terms = np.zeros((positions.size, len(TERMS)))
    for distance, strengths in LETTER_STRENGTH.items():
        table = np.zeros(5)
        for letter, strength in strengths.items():
            table[encode(letter)] = strength
        terms[:, 0] += table[codes[positions + distance]]
    for element in (*SHARED, *CLADE):
        terms[:, TERMS.index(element.name)] = _best_match(codes, positions, element)
    terms[:, TERMS.index("stop")] = np.exp(-np.abs(positions - stop) / STOP_REACH) if stop >= 0 else np.nan
    return terms


def standardise(terms: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Terms less their mean, over their deviation, cut at 3 either side; nan becomes 0."""
    return np.nan_to_num(np.clip((terms - mean) / deviation, -_CLIP, _CLIP), nan=0.0)


def _best_match(codes: np.ndarray, positions: np.ndarray, element: Element) -> np.ndarray:
    """Nucleotides that agree with the word at its best place in range; those beyond the transcript agree with none."""
    word = encode(element.word)
    starts = np.arange(element.first, element.last + 1)
    at = positions[:, None, None] + starts[None, :, None] + np.arange(word.size)
    inside = (at >= 0) & (at < codes.size)
    letters = np.where(inside, codes[np.clip(at, 0, codes.size - 1)], 4)
    return (letters == word).sum(axis=2).max(axis=1).astype(float)
