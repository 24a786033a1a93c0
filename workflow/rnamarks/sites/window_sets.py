"""All ready-made window files of one species as one table."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError
from .drops import Drops
from .modifications import IUPAC
from .window_files import STAGE, read_windows, renumber_windows


def read_species_windows(
    files: Sequence[Mapping[str, Any]],
    *,
    species: str,
    window: int | None,
    place: tuple[str, int] | None = None,
    negatives_per_positive: float | None = None,
    seed: int = 0,
) -> tuple[pd.DataFrame, Drops]:
    """Read and join the window files of one head.

    Parameters
    ----------
    files : sequence of mappings
        Each with ``file`` (path), ``format`` (name of a window format), ``label`` (1, 0, or None where the file tells)
        and ``given`` (``train``, ``valid``, ``test`` or ``""``).
    species : str
        Name of the head.
    window : int or None
        Width in nt that every window must have; None for that of each file's first.
    place : (str, int), optional
        IUPAC motif, RNA letters, and 0-based offset of the site in it. If given, windows are taken to be centred on
        their site: those whose centre does not fit are dropped, then sequences with both labels, then all but the
        first copy of each sequence, across all files whatever part they came in. Each is counted.
    negatives_per_positive : float, optional
        With ``place``: of more negatives than this, a random choice stays.
    seed : int
        Of that choice.

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
            # only of a window with its site in the middle does the middle part hold the site
            fit="exact" if place is None else "crop",
        )
        for entry in files
    ]
    windows = pd.concat(tables, ignore_index=True)
    if place is not None:
        windows = _clean(windows, place, drops, species, negatives_per_positive, seed)
    windows = renumber_windows(windows)
    if windows["label"].nunique() < 2:
        present, absent = ("modified", "unmodified") if windows["label"].iloc[0] else ("unmodified", "modified")
        raise InputError(
            f"{species} has {len(windows)} {present} windows and no {absent} one",
            path=files[0]["file"],
            remedy="give both",
        )
    return windows, drops


def _clean(
    windows: pd.DataFrame,
    place: tuple[str, int],
    drops: Drops,
    head: str,
    negatives_per_positive: float | None,
    seed: int,
) -> pd.DataFrame:
    motif, offset = place
    scope = drops.scope(STAGE, head, "all files")
    width = len(windows["sequence"].iloc[0])
    letters = windows["sequence"].str[width // 2 - offset : width // 2 - offset + len(motif)]
    pattern = re.compile("".join(f"[{IUPAC[letter]}]" for letter in motif))
    windows = scope.keep(
        windows, letters.map(lambda text: bool(pattern.fullmatch(text))).to_numpy(dtype=bool), f"no {motif} in place"
    )
    classes = windows.groupby("sequence", sort=False)["label"].transform("nunique")
    windows = scope.keep(windows, (classes == 1).to_numpy(), "sequence with both labels")
    windows = scope.keep(windows, ~windows.duplicated("sequence").to_numpy(), "copy of an earlier sequence")
    if negatives_per_positive is not None:
        label = windows["label"].to_numpy() == 1
        negatives = np.flatnonzero(~label)
        most = round(negatives_per_positive * int(label.sum()))
        stays = label.copy()
        stays[np.random.default_rng([seed, zlib.crc32(head.encode())]).permutation(negatives)[:most]] = True
        windows = scope.keep(windows, stays, "negative beyond negatives_per_positive")
    return scope.kept(windows.reset_index(drop=True))
