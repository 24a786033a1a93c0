"""Data frames in files that R's ``save`` wrote (``.rda``, ``.RData``), without R.

The format is that of "R Internals", chapter 1.8: a tree of objects in big-endian XDR, packed by gzip, bzip2 or xz.
Nothing of a file is run: functions and the like are refused. The package ``rdata`` (1.1.0) is no replacement: it reads
the column ``5:3`` of a frame as 5, 5, 5, and codes of a factor without a level as missing.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError

_PACKINGS: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ": lzma.decompress,
}
_HEADS = (b"RDX2\nX\n", b"RDX3\nX\n")
_NULLS = (242, 247, 248, 249, 250, 251, 252, 253, 254)
"""The empty, base and global environments, and marks of things that are missing or not bound."""
_FAULTS = (
    *(EOFError, OSError, zlib.error, lzma.LZMAError, struct.error),
    *(LookupError, ValueError, OverflowError, TypeError, AttributeError, RecursionError),
)
"""What becomes of bytes that are no such tree."""
_MISSING_INTEGER = -(1 << 31)
_PAIR, _CALL, _NULL = 2, 6, 254


@dataclass
class _Object:
    """A vector, list or pair list with its attributes."""

    value: Any
    attributes: dict[str, Any] = field(default_factory=dict)


def read_frame(path: str | Path, name: str) -> tuple[list[str], Iterator[tuple[str, ...]]]:
    """Read a data frame out of an R data file.

    Parameters
    ----------
    path : path-like
    name : str
        What the object is called in R.

    Returns
    -------
    header : list of str
    rows : iterator of tuple of str
        Missing values are ``""``, logical ones ``TRUE`` and ``FALSE``; a real number is the shortest text that reads
        as the same number.

    Raises
    ------
    InputError
        If the file is none of R's, or damaged, or holds no data frame of that name, or one with columns of lists.
    """
    objects = _read_objects(Path(path))
    if name not in objects:
        raise InputError(
            "the file has no such object", path=path, value=name, remedy=f"name one of {', '.join(objects)}"
        )
    found = objects[name]
    header = _attribute(found, "names")
    if "data.frame" not in _attribute(found, "class") or not isinstance(found.value, list) or not header:
        raise InputError("the object is no data frame", path=path, value=name, remedy="name another")
    try:
        columns = [_texts(column) for column in found.value]
    except _FAULTS as error:
        raise _damaged(path) from error
    if len({len(column) for column in columns if column is not None}) > 1 or len(columns) != len(header):
        raise _damaged(path)
    if None in columns:
        raise InputError(
            "the column is neither text nor numbers",
            path=path,
            value=header[columns.index(None)],
            remedy="write the table as text, and give that",
        )
    return list(header), zip(*columns, strict=True)


def _damaged(path: str | Path) -> InputError:
    return InputError("the R data file is damaged", path=path, remedy="fetch it again")


def _attribute(found: Any, name: str) -> list[str]:
    attribute = found.attributes.get(name) if isinstance(found, _Object) else None
    return attribute.value if attribute else []


def _texts(column: Any) -> list[str] | None:
    """A column as text, None if it is no vector of text or numbers."""
    if not isinstance(column, _Object) or not isinstance(column.value, list):
        return None
    if "factor" in _attribute(column, "class"):
        levels = _attribute(column, "levels")
        # 0 and less would count from the end
        by_code = dict(enumerate(levels, 1)) | {None: ""}
        return [by_code[code] for code in column.value]
    texts = []
    for value in column.value:
        if isinstance(value, bool):
            texts.append(str(value).upper())
        elif isinstance(value, float):
            # R's own text has no ".0" either
            texts.append(repr(value).removesuffix(".0"))
        elif value is None or isinstance(value, int | str):
            texts.append("" if value is None else str(value))
        else:
            return None
    return texts


def _read_objects(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError("no such file", path=path, remedy="check the path in the configuration")
    content = path.read_bytes()
    try:
        content = next((unpack(content) for magic, unpack in _PACKINGS.items() if content.startswith(magic)), content)
        found = _Reader(content[7:]).file() if content[:7] in _HEADS else None
    except _Refused as error:
        raise InputError(
            f"the file holds {error}, which is not read", path=path, remedy="save the data frame alone, in R"
        ) from error
    except _FAULTS as error:
        raise _damaged(path) from error
    if found is None:
        raise InputError(
            "the file is none that R's save wrote in its usual form", path=path, remedy="save it in R again"
        )
    return found


class _Refused(Exception):
    """An object of a kind that is not read."""


class _Reader:
    """Objects one after the other."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0
        # symbols, environments and pointers, to which later objects refer by number
        self.known: list[Any] = []

    def file(self) -> dict[str, Any]:
        version, _, _ = self.numbers("3i")
        if version == 3:
            self.bytes(self.number())
        return {name: value for name, value in self.item().value if name}

    def numbers(self, form: str) -> tuple:
        form = f">{form}"
        found = struct.unpack_from(form, self.content, self.at)
        self.at += struct.calcsize(form)
        return found

    def number(self) -> int:
        return self.numbers("i")[0]

    def length(self) -> int:
        number = self.number()
        if number != -1:
            return number
        high, low = self.numbers("2I")
        return (high << 32) + low

    def bytes(self, length: int) -> bytes:
        found = self.content[self.at : self.at + length]
        if len(found) < length:
            raise EOFError
        self.at += length
        return found

    def item(self, flags: int | None = None) -> Any:
        flags = self.number() if flags is None else flags
        kind = flags & 0xFF
        if kind in _NULLS:
            return None
        if kind == 255:
            return self.known[((flags >> 8) or self.number()) - 1]
        if kind == 1:
            symbol = self.item()
            self.known.append(symbol)
            return symbol
        if kind == 9:
            length = self.number()
            # the flag says Latin-1; else it is UTF-8, or ASCII
            return None if length == -1 else self.bytes(length).decode("latin-1" if flags & (4 << 12) else "utf-8")
        if kind in (_PAIR, _CALL):
            return self.pairs(flags)
        if kind == 22:
            return self.pointer(flags)
        if kind == 238:
            return self.alternative()
        value = self.vector(kind)
        return _Object(value, dict(self.item().value) if flags & 0x200 else {})

    def vector(self, kind: int) -> list:
        if kind in (10, 13):
            count = self.length()
            form = bool if kind == 10 else int
            return [None if one == _MISSING_INTEGER else form(one) for one in self.numbers(f"{count}i")]
        if kind == 14:
            count = self.length()
            # R's NA is a number that is none
            return [one if one == one else None for one in self.numbers(f"{count}d")]
        if kind in (16, 19, 20):
            return [self.item() for _ in range(self.length())]
        raise _Refused(f"an object of R's type {kind}")

    def pairs(self, flags: int) -> _Object:
        """A pair list, whose end may be something else than one more, or a call, which is never run."""
        found = []
        while flags & 0xFF in (_PAIR, _CALL):
            if flags & 0x200:
                self.item()
            tag = self.item() if flags & 0x400 else ""
            found.append((tag, self.item()))
            flags = self.number()
        if flags & 0xFF != _NULL:
            found.append(("", self.item(flags)))
        return _Object(found)

    def pointer(self, flags: int) -> None:
        """An address in the memory of the R that wrote the file, which some packages attach to their tables."""
        self.known.append(None)
        self.item(), self.item()
        if flags & 0x200:
            self.item()

    def alternative(self) -> _Object:
        """A vector in one of the compact forms of R 3.5 and later."""
        (_, name), *_ = self.item().value
        state, attributes = self.item(), self.item()
        if name in ("compact_intseq", "compact_realseq"):
            count, first, step = state.value
            form = int if name == "compact_intseq" else float
            found = _Object([form(first + step * one) for one in range(int(count))])
        elif name in ("wrap_integer", "wrap_real", "wrap_logical", "wrap_string", "wrap_list"):
            # a vector, and what is known about its order
            (_, found), *_ = state.value
        elif name == "deferred_string":
            (_, numbers), *_ = state.value
            found = _Object(_texts(_Object(numbers.value)))
        else:
            raise _Refused(f"a vector in the form {name}")
        return _Object(found.value, found.attributes | (dict(attributes.value) if attributes else {}))
