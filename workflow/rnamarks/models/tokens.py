"""Tokens of the language model: one per nucleotide, and five special ones (RiNALMo, Penić et al. 2024).

The vocabulary has 22 entries. A sequence becomes ``<cls>``, its nucleotides, ``<eos>``; T and U are one token, in
either case. What the vocabulary does not have becomes ``<unk>`` and is counted.
"""

from __future__ import annotations

import numpy as np

from ..errors import InputError

TOKENS = ("<cls>", "<pad>", "<eos>", "<unk>", "<mask>", *"ACGTIRYKMSWBDHVN-")
CLS, PAD, EOS, UNK, MASK = range(5)
A, C, G, T = range(5, 9)
N = TOKENS.index("N")

_TOKEN_OF_BYTE = np.full(256, UNK, dtype=np.uint8)
for _token, _letter in enumerate(TOKENS):
    if len(_letter) == 1:
        _TOKEN_OF_BYTE[ord(_letter)] = _TOKEN_OF_BYTE[ord(_letter.lower())] = _token
_TOKEN_OF_BYTE[ord("U")] = _TOKEN_OF_BYTE[ord("u")] = T

MOST_UNKNOWN = 0.2
"""Largest fraction of a sequence that may be letters outside the vocabulary."""


def letters_to_tokens(sequence: str) -> np.ndarray:
    """Tokens of the letters alone, shape (len(sequence),), uint8; what the vocabulary does not have is ``<unk>``."""
    return _TOKEN_OF_BYTE[np.frombuffer(sequence.encode("latin-1", "replace"), dtype=np.uint8)]


def tokenise(sequence: str) -> np.ndarray:
    """Tokens of one DNA or RNA sequence, ``<cls>`` and ``<eos>`` around it.

    Returns
    -------
    numpy.ndarray, shape=(len(sequence) + 2,), dtype=uint8

    Raises
    ------
    InputError
        If the sequence is empty, or more than :data:`MOST_UNKNOWN` of it is not in the vocabulary.
    """
    if not sequence:
        raise InputError("the sequence is empty", remedy="remove or fill it")
    tokens = np.empty(len(sequence) + 2, dtype=np.uint8)
    tokens[0], tokens[-1] = CLS, EOS
    tokens[1:-1] = letters_to_tokens(sequence)
    unknown = count_unknown(tokens)
    if unknown > MOST_UNKNOWN * len(sequence):
        at = int(np.argmax(tokens == UNK))
        raise InputError(
            f"{unknown} of {len(sequence)} letters are no nucleotides",
            value=sequence[at - 1],
            remedy="use A, C, G, U or T, N, I and the IUPAC codes",
        )
    return tokens


def count_unknown(tokens: np.ndarray) -> int:
    """Number of ``<unk>`` tokens."""
    return int((tokens == UNK).sum())
