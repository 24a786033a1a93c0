"""Files of ready-made windows that a section of a configuration names, one entry each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_LABELS = {"positives": 1, "negatives": 0, "labelled": None}


def labelled_files(section: Mapping[str, Any], given: str = "") -> list[dict[str, Any]]:
    """Entries of one file, or one pair of files.

    Parameters
    ----------
    section : mapping
        As :class:`rnamarks.keys_sites.WindowFile` describes it.
    given : {"train", "valid", "test", ""}
        Split that the windows came in.

    Returns
    -------
    list of dict
        ``file`` (a reference), ``given``, ``label`` (1, 0, or None where the file itself tells), ``format``, and
        ``codes`` where they are given.
    """
    codes = {"codes": section["codes"]} if "codes" in section else {}
    return [
        {"file": section[key], "given": given, "label": label, "format": section["format"]} | codes
        for key, label in _LABELS.items()
        if key in section
    ]


def window_files(windows: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Entries, see :func:`labelled_files`, of all files of a section :class:`rnamarks.keys_sites.Windows`."""
    files = [file for part in windows.get("files", []) for file in labelled_files(part)]
    for split in ("all", "train", "valid", "test"):
        if split in windows:
            part = windows[split] | {"format": windows["format"]}
            files += labelled_files(part, "" if split == "all" else split)
    return files


def drawing(windows: Mapping[str, Any]) -> dict[str, Any]:
    """How negatives of such a section are drawn: ``negatives_per_positive`` and ``match_gc``."""
    return {"negatives_per_positive": windows.get("negatives_per_positive"), "match_gc": windows.get("match_gc", False)}


def references_of(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """What entries of window files read, as :func:`rnamarks.sites.window_formats.at_paths` takes it."""
    return [entry[key] for entry in entries for key in ("file", "codes") if key in entry]
