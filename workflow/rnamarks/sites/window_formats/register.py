"""The register that the modules of formats enter themselves into, and what they share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from ...errors import InputError
from ...registry import Register
from ...sequences import decode, encode


class Labelled(NamedTuple):
    """One window of a file.

    ``header`` or ``""``, RNA ``sequence``, 1-based ``line``, ``label`` 1 (modified) or 0; ``modification``, where the
    file holds several, is the MODOMICS short name of the nucleotide in the middle, ``""`` for an unmodified one;
    ``gene`` or ``""``.
    """

    header: str
    sequence: str
    line: int
    label: int
    modification: str | None = None
    gene: str = ""


class WindowReader(Protocol):
    """Reads a file, given the label of all its windows, or None where the file tells."""

    def __call__(self, path: str | Path, label: int | None) -> Iterator[Labelled]: ...


WINDOW_FORMATS: Register[WindowReader] = Register("window format")


def check_label(path: str | Path, label: int | None, *, given: bool) -> None:
    """Raise :class:`InputError` unless the label of a file is given exactly where its format states none."""
    if given and label not in {0, 1}:
        raise InputError("the format states no labels", path=path, value=label, remedy="set label to 1 or 0")
    if not given and label is not None:
        raise InputError("the format states its labels", path=path, value=label, remedy="leave label out")


def read_rna(sequence: str, path: str | Path, line: int) -> str:
    """The sequence as RNA with A, C, G, U and N alone."""
    return decode(encode(sequence, path=path, line=line))
