"""The rules by which simulated worlds modify their bases.

The log odds that a base is modified are a sum: the log likelihood ratio of the writer's motif at a fixed place around
the base, what a short word in a range of places adds, nearness of another modification's sites, and nearness of the
transcript's 5' end. Motifs and words are invented; only DRACH and BCA are those of real writers.

A site's context is searched in all genes' transcripts laid out one behind the other, so that a rule costs a few passes
over arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnamarks.sequences import encode
from rnamarks.sites.modifications import IUPAC, Modification
from rnamarks.sites.motifs import find_motif, motif_masks

from .annotation import Transcript
from .genes import FREQUENCIES
from .rule import Element

SHARPNESS = 0.9
"""Total frequency, in a column of a motif, of the nucleotides that the column asks for."""
WORD_SHARPNESS = 0.94
"""The same for the words, in their motifs."""
PARTIAL = 1 / 3
"""What a word with one wrong nucleotide adds, as a fraction of what the whole word adds."""
NEAR = 60
"""Distance within which a site of the partner favours a site, nt on the transcript."""
CAP_REACH = 150.0
"""Nucleotides at which the pull of the 5' end, a bell curve, has fallen to 1/e."""

_GAP = 96


@dataclass(frozen=True)
class Rule:
    """The rule of one modification.

    Attributes
    ----------
    name : str
        MODOMICS short name.
    motif : str
        IUPAC; N where any nucleotide will do.
    offset : int
        0-based place of the modified base in the motif.
    element : Element
        A word; its range is in nt from the modified base.
    gain : float
        Log odds that the whole word adds.
    sites : int
        Modified bases to expect in the standard world.
    partner : str
        Rule whose sites favour this one nearby, or ``""``.
    partner_gain : float
        Log odds that a partner's site within :data:`NEAR` adds.
    cap_gain : float
        Log odds that the first nucleotide of a transcript has over the far ones.
    """

    name: str
    motif: str
    offset: int
    element: Element
    gain: float
    sites: int
    partner: str = ""
    partner_gain: float = 0.0
    cap_gain: float = 0.0


_STRONG = 5.0
_WEAK = 3.5
_C_WORD = Element("word_c", "GUGAU", 8, 14)
_A_WORD = Element("word_a", "CACGC", -16, -10)
_U_WORD = Element("word_u", "AAGCA", 9, 15)

RULES = (
    Rule("m6A", "UGGACUNG", 3, Element("word_m6A", "UUUCU", -18, -12), _WEAK, 600),
    Rule("I", "CCUARCGU", 3, _A_WORD, _STRONG, 560),
    Rule("m1A", "GUUCRAAU", 5, _A_WORD, _STRONG, 480),
    Rule("m5C", "CUCYAGGG", 2, _C_WORD, _STRONG, 520),
    Rule("Y", "GYUGUAGA", 2, _U_WORD, _STRONG, 420, partner="m6A", partner_gain=3.0),
    Rule("m6Am", "GUCAWCC", 3, Element("word_m6Am", "AGGCG", 10, 16), _STRONG, 300, cap_gain=6.0),
    Rule("Um", "ACGGUUCA", 4, Element("word_Um", "CCAUC", -17, -11), _WEAK, 400),
    Rule("Cm", "UAACGSCU", 3, _C_WORD, _STRONG, 360, partner="Um", partner_gain=3.0),
    Rule("m5U", "AGCUAUGC", 3, _U_WORD, _STRONG, 420),
    Rule("Am", "CAGACGAY", 3, Element("word_Am", "UGUCC", 11, 17), _WEAK, 360),
    Rule("Gm", "UCGAGAUW", 4, Element("word_Gm", "ACUUG", -15, -9), _WEAK, 340, partner="Am", partner_gain=3.0),
    Rule("m7G", "KACCGUAA", 4, Element("word_m7G", "GCGUU", 12, 18), _WEAK, 400),
)
"""Twelve modifications, a partner before those that follow it."""


@dataclass(frozen=True)
class Bases:
    """Nucleotides of many transcripts, one transcript behind the other with codes of 4 between them.

    Attributes
    ----------
    codes : numpy.ndarray, shape=(n,), dtype=uint8
    starts : numpy.ndarray, shape=(n_transcripts,)
        Where each transcript begins in ``codes``.
    """

    codes: np.ndarray
    starts: np.ndarray

    @classmethod
    def lay(cls, transcripts: Sequence[Transcript]) -> Bases:
        """Lay out transcripts in their order."""
        gap = np.full(_GAP, 4, dtype=np.uint8)
        pieces, starts, at = [gap], [], _GAP
        for transcript in transcripts:
            pieces += [transcript.codes, gap]
            starts.append(at)
            at += transcript.codes.size + _GAP
        return cls(np.concatenate(pieces), np.array(starts, dtype=np.int64))

    def owner(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Number of the transcript and 0-based position on it, of places in ``codes``."""
        number = np.searchsorted(self.starts, places, side="right") - 1
        return number, places - self.starts[number]


def candidates(bases: Bases, modification: Modification) -> np.ndarray:
    """Places in ``bases.codes`` that could bear a modification: its base, in its motif where it has one."""
    return find_motif(bases.codes, *modification.place)


def motif_frequencies(rule: Rule, modification: Modification) -> np.ndarray:
    """Nucleotides around modified bases, shape=(width, 4), A C G U.

    In a column of which a candidate can have some nucleotides only (DRACH), the others have none.
    """
    masks = motif_masks(rule.motif)
    table = np.empty((masks.size, 4))
    for column, letter in enumerate(rule.motif):
        wanted = np.array([base in IUPAC[letter] for base in "ACGU"])
        inside = SHARPNESS if letter != "N" else 1.0
        share = np.where(wanted, FREQUENCIES, 0.0)
        table[column] = inside * share / share.sum()
        if not wanted.all():
            rest = np.where(wanted, 0.0, FREQUENCIES)
            table[column] += (1 - inside) * rest / rest.sum()
    return _allowed(table, rule, modification)


def word_frequencies(element: Element) -> np.ndarray:
    """Nucleotides of a word's motif, shape=(width, 4)."""
    table = np.full((len(element.word), 4), (1 - WORD_SHARPNESS) / 3)
    table[np.arange(len(element.word)), encode(element.word)] = WORD_SHARPNESS
    return table


def _allowed(table: np.ndarray, rule: Rule, modification: Modification) -> np.ndarray:
    """The table without the nucleotides that a candidate cannot have, normalised."""
    table = table.copy()
    known, offset = modification.place
    first = rule.offset - offset
    for place, letter in enumerate(known):
        if 0 <= first + place < len(table):
            table[first + place] *= [base in IUPAC[letter] for base in "ACGU"]
    return table / table.sum(axis=1, keepdims=True)


def motif_ratio(bases: Bases, places: np.ndarray, rule: Rule, modification: Modification) -> np.ndarray:
    """Log likelihood ratio of the writer's motif against a gene's composition, shape=(n_places,), nats.

    A nucleotide beyond the transcript counts 0, and so does one that every candidate has.
    """
    wanted = motif_frequencies(rule, modification)
    background = _allowed(np.tile(FREQUENCIES, (len(wanted), 1)), rule, modification)
    scores = np.zeros((len(wanted), 5))
    possible = background > 0
    scores[:, :4][possible] = np.log(wanted[possible] / background[possible])
    total = np.zeros(places.size)
    for column in range(len(wanted)):
        total += scores[column, bases.codes[places + column - rule.offset]]
    return total


def motif_matches(bases: Bases, places: np.ndarray, rule: Rule) -> tuple[np.ndarray, int]:
    """How many of a motif's informative nucleotides each place has, and how many there are, the modified base aside."""
    masks = motif_masks(rule.motif)
    bits = np.uint8(1) << bases.codes
    found, telling = np.zeros(places.size, dtype=np.int64), 0
    for column, mask in enumerate(masks):
        if column != rule.offset and rule.motif[column] != "N":
            telling += 1
            found += (bits[places + column - rule.offset] & mask) != 0
    return found, telling


def word_score(bases: Bases, places: np.ndarray, element: Element) -> np.ndarray:
    """1 where the word is in its range, :data:`PARTIAL` where it is there with one wrong nucleotide, else 0."""
    word = encode(element.word)
    windows = np.lib.stride_tricks.sliding_window_view(bases.codes, word.size)
    equal = (windows == word).sum(axis=1, dtype=np.uint8)
    best = np.zeros(places.size, dtype=np.uint8)
    for start in range(element.first, element.last + 1):
        np.maximum(best, equal[places + start], out=best)
    return np.where(best == word.size, 1.0, np.where(best == word.size - 1, PARTIAL, 0.0))


def distance_to(places: np.ndarray, sites: np.ndarray) -> np.ndarray:
    """Distance from each place to the nearest site, nt, at most ``_GAP``; places of other transcripts are farther.

    Parameters
    ----------
    places : numpy.ndarray, shape=(n,)
    sites : numpy.ndarray, shape=(n_sites,)
        Ascending; may be empty.
    """
    nearest = np.full(places.size, _GAP, dtype=np.int64)
    if sites.size:
        after = np.searchsorted(sites, places)
        for index in (np.clip(after - 1, 0, None), np.clip(after, None, sites.size - 1)):
            np.minimum(nearest, np.abs(places - sites[index]), out=nearest)
    return nearest


def terms(
    bases: Bases, places: np.ndarray, rule: Rule, modification: Modification, partner_sites: np.ndarray
) -> dict[str, np.ndarray]:
    """What the parts of the rule add to the log odds of places, nats.

    Returns
    -------
    dict of str to numpy.ndarray, shape=(n_places,)
        ``motif``, ``word``, ``partner`` and ``cap``.
    """
    _, position = bases.owner(places)
    return {
        "motif": motif_ratio(bases, places, rule, modification),
        "word": rule.gain * word_score(bases, places, rule.element),
        "partner": rule.partner_gain * (distance_to(places, partner_sites) <= NEAR),
        "cap": rule.cap_gain * np.exp(-((position / CAP_REACH) ** 2)),
    }
