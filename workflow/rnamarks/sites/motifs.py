"""Search for motifs in IUPAC codes, on integer codes."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..sequences import ALPHABET
from .modifications import IUPAC

# small enough for the second-level cache, where the passes over a block run several times faster
_BLOCK = 1 << 18
_ONE = np.uint8(1)


def motif_masks(motif: str) -> np.ndarray:
    """Nucleotides allowed at each place of a motif, as bits: 1 A, 2 C, 4 G, 8 U.

    Returns
    -------
    numpy.ndarray, shape=(len(motif),), dtype=uint8

    Raises
    ------
    InputError
        If the motif is empty or holds a letter that is not IUPAC; U and T are the same.
    """
    if not motif:
        raise InputError("the motif is empty", remedy="give one in IUPAC codes, such as DRACH")
    letters = list(motif.upper().replace("T", "U"))
    if not set(letters) <= set(IUPAC):
        raise InputError("the motif holds a letter that is not IUPAC", value=motif, remedy=f"use {''.join(IUPAC)}")
    return np.array([sum(1 << ALPHABET.index(base) for base in IUPAC[letter]) for letter in letters], dtype=np.uint8)


def bases_at_offset(motif: str, offset: int) -> str:
    """Nucleotides that a place of a motif stands for, in the order A C G U; :class:`InputError` off its ends."""
    masks = motif_masks(motif)
    if not 0 <= offset < len(masks):
        raise InputError(
            f"the offset lies outside the motif {motif}", value=offset, remedy=f"give 0 to {len(masks) - 1}"
        )
    return "".join(base for code, base in enumerate(ALPHABET) if masks[offset] >> code & 1)


def find_motif(codes: np.ndarray, motif: str, offset: int = 0) -> np.ndarray:
    """Positions of a motif, overlapping ones included.

    A code of 4 (N, padding, a gap between transcripts) matches no letter of a motif, not even N, so a match
    never spans two sequences that a 4 keeps apart.

    Parameters
    ----------
    codes : numpy.ndarray, shape=(n_nt,), dtype=uint8
        A 0, C 1, G 2, U 3, everything else 4.
    motif : str
        IUPAC codes, of any length.
    offset : int
        Place in the motif whose position is reported, from 0: 2 for the A of DRACH.

    Returns
    -------
    numpy.ndarray, shape=(n_matches,), dtype=int64
        0-based positions in ``codes``, ascending.

    Raises
    ------
    InputError
        If the motif is no IUPAC text or ``offset`` lies outside it.

    Examples
    --------
    >>> from rnamarks.sequences import encode
    >>> find_motif(encode("UUGGACUUU"), "DRACH", offset=2)
    array([4])
    """
    bases_at_offset(motif, offset)
    masks = motif_masks(motif)
    last = len(codes) - len(masks) + 1
    found = [np.zeros(0, dtype=np.int64)]
    for start in range(0, last, _BLOCK):
        bits = _ONE << codes[start : start + _BLOCK + len(masks) - 1]
        n_places = len(bits) - len(masks) + 1
        hit = (bits[:n_places] & masks[0]) != 0
        for place, mask in enumerate(masks[1:], 1):
            hit &= (bits[place : place + n_places] & mask) != 0
        found.append(np.flatnonzero(hit) + (start + offset))
    return np.concatenate(found)
