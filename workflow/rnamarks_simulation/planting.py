"""Motifs and words written into genes, so that enough bases have both, or only one of them.

In random sequence a motif and a word seldom meet. Untranslated parts are cut into slots; some get a motif with its
word, some a motif alone, some a word alone. What is modified is decided afterwards, by the rule, on the sequence alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rnamarks.errors import InputError
from rnamarks.sites.modifications import Modification

from .annotation import Transcript, gene_id
from .evolution import Genome
from .modification_rules import Rule, motif_frequencies, word_frequencies

SLOT = 48
"""Width of a slot, nt; it holds a motif and its word at any of the word's distances."""
COPIES = {"both": 0.7, "motif": 0.7, "word": 0.5}
"""How many slots of each kind there are for each site to expect."""
SHARED_COPIES = {"both": 1.1, "motif": 0.2, "word": 0.3}
"""The same for modifications that share their word: few have the motif alone."""
BESIDE = 0.5
"""Fraction of a modification's slots with both that lie beside one of its partner, if it has a partner."""

_CENTRE = 20
_CAP = 100
# windows of 51 nt around the first slot are whole, so that padding does not tell
_MARGIN = 8


def plant(
    genome: Genome,
    species: str,
    transcripts: Sequence[Transcript],
    rules: Sequence[Rule],
    modifications: Mapping[str, Modification],
    factor: float,
    rng: np.random.Generator,
) -> None:
    """Write motifs and words into the genes of a genome, in place.

    Parameters
    ----------
    genome : Genome
    species : str
    transcripts : sequence of Transcript
        The fullest one of each gene; its columns give the place in the gene of each nucleotide.
    rules : sequence of Rule
    modifications : mapping of str to Modification
    factor : float
        Multiplies the sites that each rule has.
    rng : numpy.random.Generator

    Raises
    ------
    InputError
        If the untranslated parts have too few slots.
    """
    genes = {gene_id(species, gene): gene for chromosome in genome.chromosomes for gene in chromosome}
    owner, centre = _slots(transcripts)
    free = np.ones(centre.size, dtype=bool)

    def take(count: int, allowed: np.ndarray) -> np.ndarray:
        chosen = rng.permutation(np.flatnonzero(free & allowed))[:count]
        free[chosen] = False
        return chosen

    taken: dict[str, np.ndarray] = {}
    # modifications of the 5' end find their few slots before the others
    for rule in sorted(rules, key=lambda entry: entry.cap_gain == 0):
        allowed = centre < _CAP if rule.cap_gain else np.ones(centre.size, dtype=bool)
        frequencies = {
            "motif": motif_frequencies(rule, modifications[rule.name]),
            "word": word_frequencies(rule.element),
        }
        shared = sum(other.element == rule.element for other in rules) > 1
        for kind, share in (SHARED_COPIES if shared else COPIES).items():
            count = round(share * rule.sites * factor)
            chosen = np.zeros(0, dtype=np.int64)
            if kind == "both" and rule.partner in taken:
                chosen = take(round(BESIDE * count), _beside(taken[rule.partner], owner, centre))
            chosen = np.concatenate([chosen, take(count - chosen.size, allowed)])
            if chosen.size < count and not rule.cap_gain:
                raise InputError(
                    f"the untranslated parts of the genes have too few slots for {rule.name}",
                    value=count - chosen.size,
                    remedy="ask for more genes or a smaller site_factor",
                )
            if kind == "both":
                taken[rule.name] = chosen
            for slot in chosen:
                transcript = transcripts[owner[slot]]
                codes = genes[transcript.gene].codes
                for first, table in _pieces(rule, kind, frequencies, rng):
                    places = transcript.columns[centre[slot] + first :][: len(table)]
                    drawn = rng.random((len(table), 1)) > np.cumsum(table, axis=1)[:, :3]
                    codes[places] = drawn.sum(axis=1)


def _pieces(
    rule: Rule, kind: str, frequencies: Mapping[str, np.ndarray], rng: np.random.Generator
) -> list[tuple[int, np.ndarray]]:
    """Place from the modified base, nt, and frequencies of what is written."""
    pieces = []
    if kind in ("both", "motif"):
        pieces.append((-rule.offset, frequencies["motif"]))
    if kind in ("both", "word"):
        first = int(rng.integers(rule.element.first, rule.element.last, endpoint=True))
        pieces.append((first, frequencies["word"]))
    return pieces


def _slots(transcripts: Sequence[Transcript]) -> tuple[np.ndarray, np.ndarray]:
    """Number of the transcript and 0-based place of the middle base, of every slot outside coding sequence."""
    owners, centres = [], []
    for number, transcript in enumerate(transcripts):
        length, coding = transcript.codes.size, transcript.coding
        spans = [(_MARGIN, length)] if coding is None else [(_MARGIN, coding[0]), (coding[1], length)]
        for first, last in spans:
            own = np.arange(first + _CENTRE, last - SLOT + _CENTRE + 1, SLOT)
            centres.append(own)
            owners.append(np.full(own.size, number))
    return np.concatenate(owners), np.concatenate(centres)


def _beside(slots: np.ndarray, owner: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Which slots have one of ``slots`` as their neighbour upstream or downstream."""
    found = np.zeros(centre.size, dtype=bool)
    for step in (-1, 1):
        near = slots + step
        near, base = near[(near >= 0) & (near < centre.size)], slots[(near >= 0) & (near < centre.size)]
        same = (owner[near] == owner[base]) & (np.abs(centre[near] - centre[base]) == SLOT)
        found[near[same]] = True
    return found
