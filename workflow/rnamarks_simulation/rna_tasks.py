"""Tasks without families: ribosome loads of 5' UTRs and donor splice sites, with what decides them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .parameters import FamilyParameters

UTR = 50
HALF = 40
"""nt on either side of a donor site's first intron nucleotide."""
_LETTERS = np.array(list("ACGU"))
_COMPLEMENT = {"A": "U", "C": "G", "G": "C", "U": "A"}
_PLAIN, _PER_AUG, _WEAK, _PER_PAIR, _CAP = 7.0, 2.2, 0.4, 0.35, 0.5
_EXON = (0.27, 0.26, 0.29, 0.18)
_INTRON = (0.27, 0.16, 0.17, 0.40)
# of the last three nucleotides of the exon and the first six of the intron, A C G U
_DONOR = np.array(
    [
        (0.35, 0.36, 0.18, 0.11),
        (0.62, 0.12, 0.12, 0.14),
        (0.09, 0.03, 0.80, 0.08),
        (0.00, 0.00, 1.00, 0.00),
        (0.00, 0.00, 0.00, 1.00),
        (0.58, 0.03, 0.36, 0.03),
        (0.70, 0.08, 0.12, 0.10),
        (0.08, 0.05, 0.80, 0.07),
        (0.17, 0.15, 0.20, 0.48),
    ]
)


def make_utrs(parameters: FamilyParameters, seed: int) -> pd.DataFrame:
    """Random 5' UTRs of 50 nt with their load.

    The load falls with each upstream AUG, more with a purine three nucleotides before it, and with the pairs of a
    hairpin, more where that lies near the cap.

    Returns
    -------
    pandas.DataFrame
        ``sequence``, ``augs``, ``stem`` (pairs of the planted hairpin, 0 for none), ``begin`` (its first nucleotide, -1
        for none), ``expected`` and ``load`` (measured, with noise), ``reads``.
    """
    random = np.random.default_rng([seed, 511])
    rows = []
    for _ in range(parameters.utrs):
        letters = random.choice(_LETTERS, UTR)
        stem, begin = 0, -1
        if random.random() < 0.5:
            stem, loop = int(random.integers(4, 9)), int(random.integers(4, 7))
            begin = int(random.integers(0, UTR - 2 * stem - loop + 1))
            for at in range(stem):
                letters[begin + 2 * stem + loop - 1 - at] = _COMPLEMENT[letters[begin + at]]
        sequence = "".join(letters)
        augs = [at for at in range(UTR - 2) if sequence.startswith("AUG", at)]
        penalty = sum(_PER_AUG * (1.0 if at > 2 and sequence[at - 3] in "AG" else _WEAK) for at in augs)
        penalty += _PER_PAIR * stem * (1 + _CAP * (1 - begin / UTR)) if stem else 0.0
        expected = _PLAIN - min(penalty, 5.5)
        reads = int(random.lognormal(5, 1)) + 1
        load = expected + random.normal(0, parameters.noise / np.sqrt(1 + reads / 100))
        rows.append((sequence, len(augs), stem, begin, expected, load, reads))
    return pd.DataFrame(rows, columns=["sequence", "augs", "stem", "begin", "expected", "load", "reads"])


def make_donors(parameters: FamilyParameters, seed: int) -> pd.DataFrame:
    """Donor sites and decoys: exon, the site's nucleotides, intron; decoys have a GU between two of a kind.

    Returns
    -------
    pandas.DataFrame
        ``sequence`` (80 nt, the intron's G at index 40), ``label``.
    """
    random = np.random.default_rng([seed, 512])
    rows = []
    for number in range(parameters.donors):
        label = number % 2
        if label:
            left, right, site = _EXON, _INTRON, [random.choice(_LETTERS, p=weights) for weights in _DONOR]
        else:
            left = right = (_EXON, _INTRON)[int(random.integers(2))]
            # half of the decoys look like a site and lie in the wrong context
            weights = _DONOR if random.random() < 0.5 else [left] * 3 + [*_DONOR[3:5]] + [right] * 4
            site = [random.choice(_LETTERS, p=one) for one in weights]
        before = random.choice(_LETTERS, HALF - 3, p=left)
        after = random.choice(_LETTERS, HALF - 6, p=right)
        rows.append(("".join([*before, *site, *after]), label))
    return pd.DataFrame(rows, columns=["sequence", "label"])


def make_transcripts(parameters: FamilyParameters, seed: int) -> list[str]:
    """Unspliced transcripts: exons and introns in turn, with donor sites between them, for language models to read."""
    random = np.random.default_rng([seed, 513])
    found = []
    for _ in range(parameters.transcripts):
        exon = random.choice(_LETTERS, 60, p=_EXON)
        site = [random.choice(_LETTERS, p=weights) for weights in _DONOR]
        intron = random.choice(_LETTERS, 61, p=_INTRON)
        found.append("".join([*exon, *site, *intron]))
    return found
