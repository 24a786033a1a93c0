"""Position weight matrices: the one motif type of the project.

Columns run 5' to 3', rows A C G U in this order; a motif of DNA is the same motif with T for U.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import InputError
from ..sequences import ALPHABET
from ..sites.modifications import IUPAC

TOLERANCE = 0.02
"""Largest distance of a column's sum from 1: databases round to two digits."""
UNIFORM = (0.25, 0.25, 0.25, 0.25)

_IUPAC_OF_SET = {frozenset(bases): letter for letter, bases in IUPAC.items()}


@dataclass(frozen=True, eq=False)
class PWM:
    """A motif.

    Attributes
    ----------
    name : str
        Unique in its file, without blanks.
    frequencies : numpy.ndarray, shape=(width, 4)
        Frequencies of the nucleotides in the order A C G U; every row sums to 1. Rows within :data:`TOLERANCE` of 1 are
        normalised. Read-only.
    sites : float, optional
        Number of sequences that the frequencies were counted in; None where it is not known.
    alternative : str
        Second name as the file gives it, often a gene.
    source : str
        Database or network that it is from.

    Raises
    ------
    InputError
        If the matrix is empty, not four columns wide, or holds NaN, negative values or rows that do not sum to 1.
    """

    name: str
    frequencies: np.ndarray = field(repr=False)
    sites: float | None = None
    alternative: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        frequencies = np.array(self.frequencies, dtype=np.float64)
        fault = find_fault(frequencies)
        if fault:
            what, value = fault
            raise InputError(f"motif {self.name}: {what}", value=value, remedy="correct or remove the motif")
        frequencies /= frequencies.sum(axis=1, keepdims=True)
        frequencies.setflags(write=False)
        object.__setattr__(self, "frequencies", frequencies)

    def __len__(self) -> int:
        return len(self.frequencies)

    @property
    def width(self) -> int:
        """Number of columns, nt."""
        return len(self.frequencies)

    @property
    def label(self) -> str:
        """The protein or gene in the second name, else the name; see :func:`gene_of`."""
        return gene_of(self.alternative) or self.name

    @classmethod
    def from_counts(cls, name: str, counts: np.ndarray, *, pseudocount: float = 1.0, **further: str) -> PWM:
        """A motif from counts of nucleotides.

        Parameters
        ----------
        name : str
        counts : numpy.ndarray, shape=(width, 4)
            Columns may have been counted in different numbers of sequences; ``sites`` is the largest.
        pseudocount : float
            Added to the count of each nucleotide.
        **further
            ``alternative``, ``source``.
        """
        counts = np.asarray(counts, dtype=np.float64)
        smoothed = counts + pseudocount
        totals = smoothed.sum(axis=1, keepdims=True)
        if (totals <= 0).any():
            raise InputError(
                f"motif {name}: a column has no counts", value=0, remedy="use a pseudocount above 0 or more sequences"
            )
        return cls(name, smoothed / totals, sites=float(counts.sum(axis=1).max(initial=0.0)), **further)

    @classmethod
    def from_windows(cls, name: str, codes: np.ndarray, *, pseudocount: float = 1.0, **further: str) -> PWM:
        """A motif from aligned sequences; N counts for none.

        Parameters
        ----------
        codes : numpy.ndarray, shape=(n, width), dtype=uint8
            A 0, C 1, G 2, U 3, everything else 4.
        """
        counts = np.stack([(codes == base).sum(axis=0) for base in range(4)], axis=1)
        return cls.from_counts(name, counts, pseudocount=pseudocount, **further)

    def information(self, background: Sequence[float] = UNIFORM, *, corrected: bool = False) -> np.ndarray:
        """Information content of each column: relative entropy to the background, in bits.

        Parameters
        ----------
        background : sequence of 4 float
        corrected : bool
            Subtract 3 / (2 ln 2 · sites), what a column of ``sites`` random nucleotides has on average (Schneider et
            al. 1986), not below 0; no correction where the number of sites is not known.

        Returns
        -------
        numpy.ndarray, shape=(width,)
        """
        background = np.asarray(background, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = self.frequencies * np.log2(self.frequencies / background)
        bits = np.maximum(np.where(self.frequencies > 0, terms, 0.0).sum(axis=1), 0.0)
        if corrected and self.sites:
            bits = np.maximum(bits - 3 / (2 * np.log(2) * self.sites), 0.0)
        return bits

    def heights(self) -> np.ndarray:
        """Heights of a logo in bits, shape (width, 4): frequency times the column's information."""
        return self.frequencies * self.information()[:, None]

    def informative_span(self, minimum: float, background: Sequence[float] = UNIFORM) -> tuple[int, int]:
        """First and one past the last column with at least so many bits; ``(0, 0)`` if none has."""
        above = np.flatnonzero(self.information(background) >= minimum)
        return (int(above[0]), int(above[-1]) + 1) if len(above) else (0, 0)

    def rename(self, name: str) -> PWM:
        """The same motif under another name."""
        return replace(self, name=name)

    def consensus(self, fraction: float = 0.5) -> str:
        """IUPAC codes, RNA: in each column the nucleotides with at least ``fraction`` of the commonest's frequency."""
        kept = self.frequencies >= fraction * self.frequencies.max(axis=1, keepdims=True) - 1e-12
        return "".join(
            _IUPAC_OF_SET[frozenset(base for base, on in zip(ALPHABET, row, strict=True) if on)] for row in kept
        )


def find_fault(frequencies: np.ndarray) -> tuple[str, object] | None:
    """What makes an array no frequency matrix, and the offending value; None for a sound one.

    Parameters
    ----------
    frequencies : numpy.ndarray
        Wanted: shape (width, 4).
    """
    if frequencies.ndim != 2 or frequencies.size == 0:
        return "the matrix has no column", frequencies.shape
    if frequencies.shape[1] != 4:
        return "the matrix is not four columns wide", frequencies.shape[1]
    if not np.isfinite(frequencies).all():
        return "a frequency is not a number", float(frequencies[~np.isfinite(frequencies)][0])
    if (frequencies < 0).any():
        return "a frequency is negative", float(frequencies.min())
    sums = frequencies.sum(axis=1)
    worst = int(np.argmax(np.abs(sums - 1)))
    if abs(sums[worst] - 1) > TOLERANCE + 1e-9:
        return "the frequencies of a column do not sum to 1", round(float(sums[worst]), 6)
    return None


_EVIDENCE = re.compile(r"\(([^()]*)\)(?:_\([^()]*\))*(?:_\(RBD_[\d.]+\))?")


def gene_of(alternative: str) -> str:
    """The gene in a motif's second name.

    ``A1CF`` stays; ``(A1cf)_(RBD_0.92)`` and ``(a1cf)_(Homo_sapiens)_(RBD_0.85)`` (CISBP-RNA, inferred from another
    protein) give the first bracket, ``HNRNPH2:ENSG00000126945:904`` (ATtRACT in MEME form) the first field.
    """
    bracketed = _EVIDENCE.fullmatch(alternative)
    if bracketed:
        return bracketed.group(1)
    return alternative.split(":")[0]


def background_of(codes: np.ndarray, pseudocount: float = 1.0) -> np.ndarray:
    """Frequencies of the nucleotides of sequences.

    Parameters
    ----------
    codes : numpy.ndarray of uint8, any shape
        4 is left out.

    Returns
    -------
    numpy.ndarray, shape=(4,)
    """
    counts = np.bincount(codes.ravel(), minlength=5)[:4] + pseudocount
    return counts / counts.sum()


def logo_rows(pwm: PWM, start: int = 0) -> list[dict[str, float]]:
    """Rows of a logo table: ``position`` (counted from ``start``) and the heights ``A C G U`` in bits."""
    return [
        {"position": start + at, **{base: float(height) for base, height in zip(ALPHABET, row, strict=True)}}
        for at, row in enumerate(pwm.heights())
    ]
