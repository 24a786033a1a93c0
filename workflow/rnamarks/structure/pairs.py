"""Base pairs as dot-brackets, bpRNA's ``.st``, ``.bpseq`` and ``.ct``, and pseudoknots among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from string import ascii_uppercase
from typing import NamedTuple, TextIO

import numpy as np

from ..archives import files_of, is_collection, shown_as
from ..errors import InputError, about
from ..files import open_text

OPENING, CLOSING = "([{<" + ascii_uppercase, ")]}>" + ascii_uppercase.lower()
_UNPAIRED = ".-_,:~"
_KINDS = (".dbn", ".st", ".bpseq", ".ct")
_NAME = "#Name:"
_AGAIN = "fetch the file again"


class Structure(NamedTuple):
    """An RNA and its base pairs.

    Attributes
    ----------
    name, sequence : str
    pairs : numpy.ndarray, shape=(n, 2), dtype=int64
    """

    name: str
    sequence: str
    pairs: np.ndarray


def sorted_pairs(pairs: Iterable[tuple[int, int]]) -> np.ndarray:
    """An array of distinct pairs, i < j, sorted."""
    found = sorted({(min(pair), max(pair)) for pair in pairs})
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def partners_of(pairs: np.ndarray, length: int) -> np.ndarray:
    """0-based partner of each nucleotide, -1 for none, shape (length,), int32."""
    partners = np.full(length, -1, dtype=np.int32)
    partners[pairs[:, 0]], partners[pairs[:, 1]] = pairs[:, 1], pairs[:, 0]
    return partners


def pairs_of(partners: np.ndarray) -> np.ndarray:
    """Pairs i < j, shape (n, 2), of the partner of each nucleotide."""
    partners = np.asarray(partners, dtype=np.int64)
    first = np.flatnonzero(partners > np.arange(len(partners)))
    return np.stack([first, partners[first]], axis=1)


def read_brackets(text: str) -> np.ndarray:
    """Pairs of a dot-bracket; ``()``, ``[]``, ``{}``, ``<>`` and letters (``A`` opens, ``a`` closes) each nest.

    Raises
    ------
    InputError
        If a bracket has no partner, or a sign is none.
    """
    opened: dict[str, list[int]] = {}
    pairs = []
    for at, sign in enumerate(text):
        if sign in OPENING:
            opened.setdefault(sign, []).append(at)
        elif sign in CLOSING:
            partner = OPENING[CLOSING.index(sign)]
            if not opened.get(partner):
                raise InputError(
                    f"position {at + 1} of the dot-bracket closes nothing", value=sign, remedy="correct it"
                )
            pairs.append((opened[partner].pop(), at))
        elif sign not in _UNPAIRED:
            raise InputError(
                f"position {at + 1} is no sign of a dot-bracket", value=sign, remedy="use ( ) . and [ ] { }"
            )
    left = min((places[0] for places in opened.values() if places), default=None)
    if left is not None:
        raise InputError(
            f"position {left + 1} of the dot-bracket is never closed", value=text[left], remedy="correct it"
        )
    return sorted_pairs(pairs)


def write_brackets(pairs: np.ndarray, length: int) -> str:
    """A dot-bracket; pseudoknots take further kinds of brackets.

    Raises
    ------
    InputError
        If a position has two partners, or there are more layers than kinds of brackets.
    """
    if len(np.unique(pairs)) < pairs.size:
        raise InputError("a nucleotide has two partners", remedy="write .bpseq of single pairs, or a table of pairs")
    signs = ["."] * length
    for layer, rows in enumerate(layers(pairs)):
        if layer >= len(OPENING):
            raise InputError(f"pseudoknots need more than {len(OPENING)} kinds of brackets", remedy="write .ct")
        for i, j in pairs[rows].tolist():
            signs[i], signs[j] = OPENING[layer], CLOSING[layer]
    return "".join(signs)


def stems(pairs: np.ndarray) -> list[np.ndarray]:
    """Rows of pairs that follow each other, (i, j), (i + 1, j - 1), …, as one array per stem."""
    if not len(pairs):
        return []
    follows = np.zeros(len(pairs), dtype=bool)
    follows[1:] = (np.diff(pairs[:, 0]) == 1) & (np.diff(pairs[:, 1]) == -1)
    return np.split(np.arange(len(pairs)), np.flatnonzero(~follows)[1:])


def layers(pairs: np.ndarray) -> list[np.ndarray]:
    """Rows of pairs in layers that nest: long stems first, each in the first layer where it crosses none."""
    found: list[list[np.ndarray]] = []
    for stem in sorted(stems(pairs), key=lambda stem: (-len(stem), stem[0])):
        i, j = pairs[stem[0]]
        for layer in found:
            taken = pairs[np.concatenate(layer)]
            if not _crosses(i, j, taken).any():
                layer.append(stem)
                break
        else:
            found.append([stem])
    return [np.sort(np.concatenate(layer)) for layer in found]


def pseudoknotted(pairs: np.ndarray) -> np.ndarray:
    """Which pairs are in no first layer, shape (n,), bool: those that would go for the rest to nest."""
    marked = np.ones(len(pairs), dtype=bool)
    if len(pairs):
        marked[layers(pairs)[0]] = False
    return marked


def _crosses(i: int, j: int, others: np.ndarray) -> np.ndarray:
    first, second = others[:, 0], others[:, 1]
    return ((first < i) & (i < second) & (second < j)) | ((i < first) & (first < j) & (j < second))


def read_structures(path: str | Path) -> Iterator[Structure]:
    """Structures of a ``.dbn``, ``.st``, ``.bpseq`` or ``.ct`` file, plain or gzipped.

    A ``.dbn`` file has three lines per RNA: its name behind ``>`` or, as bpRNA writes it, behind ``#Name:``; the RNA;
    its dot-bracket. A file of one RNA may lack the name, and that of the file is taken. A ``.st`` file of bpRNA has
    the same, and below it what else is known of the structure, which is passed over.

    Raises
    ------
    InputError
        If a line is none of its format, pairs are not mutual, or lengths differ.
    """
    name = Path(path).name.removesuffix(".gz")
    kind = Path(name).suffix
    readers = {".dbn": _read_dbn, ".st": _read_st, ".bpseq": _read_bpseq, ".ct": _read_ct}
    if kind not in readers:
        raise InputError("not a file of structures", path=path, value=kind, remedy=f"give {_listed(_KINDS)}")
    with open_text(path) as handle:
        yield from readers[kind](handle, path)


def read_folder(path: str | Path, kinds: Sequence[str] = _KINDS) -> Iterator[tuple[Structure, Path]]:
    """Structures of a file of :func:`read_structures`, or of all of them in a folder or archive, with their file.

    Parameters
    ----------
    path : path-like
        A file, a folder, or a tar or zip archive (:func:`~rnamarks.archives.files_of`).
    kinds : sequence of str
        Endings of the files of a folder or archive that are read.

    Raises
    ------
    InputError
        As :func:`read_structures`, or if there is no such file.
    """
    path = Path(path)
    if not is_collection(path):
        yield from ((one, path) for one in read_structures(path))
        return
    shown = None
    for shown, real in files_of(path, lambda name: name.name.removesuffix(".gz").endswith(tuple(kinds))):
        with shown_as(shown, real):
            for one in read_structures(real):
                yield one, shown
    if shown is None:
        where = "folder" if path.is_dir() else "archive"
        raise InputError(f"the {where} holds no {_listed(kinds)} file", path=path, remedy="check the path")


def _listed(kinds: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(kinds[:-1]), kinds[-1])))


def _read_dbn(handle: TextIO, path: str | Path) -> Iterator[Structure]:
    held: list[tuple[int, str]] = []
    nameless = True
    for number, line in enumerate(map(str.strip, handle), 1):
        if line.startswith(_NAME):
            if held:
                raise InputError(
                    "the structure above is cut off", path=path, line=number, value=held[0][1], remedy=_AGAIN
                )
            line = f">{line.removeprefix(_NAME)}"
        if not line or line.startswith("#"):
            continue
        held.append((number, line))
        if len(held) < 3:
            continue
        (at, header), (_, sequence), (_, brackets) = held
        if not header[1:].split() or header[0] != ">":
            raise InputError("not a name behind >", path=path, line=at, value=header, remedy="give name, RNA, brackets")
        yield _structure(header[1:].split()[0], sequence, brackets, path, number)
        held, nameless = [], False
    if nameless and len(held) == 2 and held[0][1][0] != ">":
        yield _structure(_name(path), held[0][1], held[1][1], path, held[1][0])
    elif held:
        raise InputError("the last structure is cut off", path=path, line=held[-1][0], value=held[0][1], remedy=_AGAIN)


def _read_st(handle: TextIO, path: str | Path) -> Iterator[Structure]:
    name, last = _name(path), 1
    held: list[str] = []
    for last, line in enumerate(map(str.strip, handle), 1):
        if line.startswith(_NAME):
            if len(held) == 1:
                break
            name, held = line.removeprefix(_NAME).strip() or _name(path), []
        elif line and not line.startswith("#") and len(held) < 2:
            held.append(line)
            if len(held) == 2:
                yield _structure(name, *held, path, last)
    if len(held) < 2:
        raise InputError("the structure is cut off", path=path, line=last, value=name, remedy=_AGAIN)


def _structure(name: str, sequence: str, brackets: str, path: str | Path, line: int) -> Structure:
    # behind the brackets folding programs write an energy
    brackets = brackets.split()[0]
    if len(sequence) != len(brackets):
        what = f"{len(sequence)} nt and {len(brackets)} signs"
        raise InputError(what, path=path, line=line, value=name, remedy="give one sign per nucleotide")
    with about(path=path, line=line):
        return Structure(name, sequence, read_brackets(brackets))


def _read_bpseq(handle: TextIO, path: str | Path) -> Iterator[Structure]:
    yield _read_rows(enumerate(handle, 1), path, _name(path), None, partner=2)


def _read_ct(handle: TextIO, path: str | Path) -> Iterator[Structure]:
    rows = ((number, line) for number, line in enumerate(handle, 1) if line.strip() and not line.startswith("#"))
    number, line = next(rows, (1, ""))
    words = line.split()
    if not words or not words[0].isdecimal():
        raise InputError("the first line has no length", path=path, line=number, value=line.strip(), remedy=_AGAIN)
    yield _read_rows(rows, path, words[1] if len(words) > 1 else _name(path), int(words[0]), partner=4)


def _name(path: str | Path) -> str:
    return Path(Path(path).name.removesuffix(".gz")).stem


def _read_rows(
    rows: Iterable[tuple[int, str]], path: str | Path, name: str, expected: int | None, *, partner: int
) -> Structure:
    """A line per nucleotide: its number, its letter, and in one of the fields its partner's number or 0."""
    letters: list[str] = []
    partners: list[int] = []
    number = 1
    for number, line in rows:
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if len(words) <= partner or not words[0].isdecimal() or not words[partner].isdecimal():
            raise InputError("not a line of the format", path=path, line=number, value=line.strip(), remedy=_AGAIN)
        if int(words[0]) != len(letters) + 1:
            what = f"nucleotide {len(letters) + 1} is missing"
            raise InputError(what, path=path, line=number, value=words[0], remedy=_AGAIN)
        letters.append(words[1])
        partners.append(int(words[partner]))
    if not letters or len(letters) != (expected or len(letters)):
        what = f"{len(letters)} nucleotides where {expected or 'some'} should be"
        raise InputError(what, path=path, line=number, remedy=_AGAIN)
    for at, other in enumerate(partners, 1):
        if other and (other > len(letters) or partners[other - 1] != at or other == at):
            what = f"nucleotide {at} pairs with {other}, but not {other} with {at}"
            raise InputError(what, path=path, value=name, remedy="correct it")
    pairs = sorted_pairs((at - 1, other - 1) for at, other in enumerate(partners, 1) if other)
    return Structure(name, "".join(letters), pairs)


def format_structure(structure: Structure, kind: str) -> str:
    """A structure as text of ``dbn``, ``bpseq`` or ``ct``."""
    name, sequence, pairs = structure
    if kind == "dbn":
        return f">{name}\n{sequence}\n{write_brackets(pairs, len(sequence))}\n"
    if len(np.unique(pairs)) < pairs.size:
        raise InputError("a nucleotide has two partners", value=name, remedy="write a table of pairs")
    partners = np.zeros(len(sequence), dtype=np.int64)
    partners[pairs[:, 0]], partners[pairs[:, 1]] = pairs[:, 1] + 1, pairs[:, 0] + 1
    numbered = list(enumerate(zip(sequence, partners.tolist(), strict=True), 1))
    if kind == "bpseq":
        return f"# {name}\n" + "".join(f"{at} {letter} {other}\n" for at, (letter, other) in numbered)
    rows = (f"{at}\t{letter}\t{at - 1}\t{at + 1}\t{other}\t{at}\n" for at, (letter, other) in numbered)
    return f"{len(sequence)}\t{name}\n" + "".join(rows)
