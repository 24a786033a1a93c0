"""All ready-made window files of one species as one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import InputError
from .drops import Drops
from .window_files import read_windows, renumber_windows


def read_species_windows(
    files: Sequence[Mapping[str, Any]], *, species: str, window: int | None
) -> tuple[pd.DataFrame, Drops]:
    """Read and join the window files of one species.

    Parameters
    ----------
    files : sequence of mappings
        Each with ``file`` (path), ``format`` (name of a window format), ``label`` (1, 0, or None where the file tells)
        and ``given`` (``train``, ``valid``, ``test`` or ``""``).
    species : str
    window : int or None
        Width in nt that every window must have; None for that of each file's first.

    Returns
    -------
    windows : pandas.DataFrame
        The **windows** border.
    drops : Drops

    Raises
    ------
    InputError
        If a file cannot be used, or all windows have one label.
    """
    drops = Drops()
    tables = [
        read_windows(
            entry["file"],
            entry["format"],
            species=species,
            part=entry["given"],
            source=Path(entry["file"]).name,
            drops=drops,
            label=entry["label"],
            width=window,
        )
        for entry in files
    ]
    windows = renumber_windows(pd.concat(tables, ignore_index=True))
    if windows["label"].nunique() < 2:
        present, absent = ("modified", "unmodified") if windows["label"].iloc[0] else ("unmodified", "modified")
        raise InputError(
            f"{species} has {len(windows)} {present} windows and no {absent} one",
            path=files[0]["file"],
            remedy="give both",
        )
    return windows, drops
