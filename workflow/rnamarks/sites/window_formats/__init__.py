"""Formats of published window files: what their records say of sequence and class.

``WINDOW_FORMATS`` maps a format's name to a function from a file, and the label of all its windows or None where the
file tells, to its windows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ...errors import InputError
from . import records, sites
from .register import WINDOW_FORMATS, Labelled
from .sites import SITE_WIDTH

__all__ = ["SITE_WIDTH", "WINDOW_FORMATS", "Labelled", "at_paths", "labelled_windows", "records", "sites"]


def at_paths(entries: Iterable[Mapping[str, Any]], paths: Iterable[str | Path]) -> list[dict[str, Any]]:
    """Entries of window files with paths in place of what the configuration named, ``codes`` behind their file."""
    left = iter(paths)
    return [dict(entry) | {key: next(left) for key in ("file", "codes") if key in entry} for entry in entries]


def labelled_windows(entry: Mapping[str, Any]) -> Iterator[Labelled]:
    """Windows of one file.

    Parameters
    ----------
    entry : mapping
        ``file``, ``format`` and ``label``; of MODOMICS' sequences also ``codes``, the file of its symbols.

    Raises
    ------
    InputError
        If the file cannot be read as this format.
    """
    codes = {"codes": entry["codes"]} if entry.get("codes") else {}
    if bool(codes) != (entry["format"] == "modomics"):
        raise InputError(
            "the format modomics, and no other, needs codes",
            path=entry["file"],
            value=entry["format"],
            remedy="name the table of MODOMICS' symbols under codes" if not codes else "leave codes out",
        )
    return WINDOW_FORMATS[entry["format"]](entry["file"], entry["label"], **codes)
