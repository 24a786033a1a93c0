"""Where a run comes from: its input files with checksums, the software, the code's revision."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from .. import __version__
from ..dictionary import column_names
from ..files import sha256_of
from ..sources.lock import LockEntry
from ..sources.sheet import Source

PACKAGES = ("snakemake", "torch", "numpy", "pandas", "scipy", "scikit-learn", "pyarrow", "pyfaidx", "matplotlib")


def source_table(
    inputs: Sequence[Mapping[str, str]],
    paths: Sequence[str | Path],
    sources: Mapping[str, Source],
    lock: Mapping[str, LockEntry],
) -> pd.DataFrame:
    """Checksums of the input files.

    Parameters
    ----------
    inputs : sequence of mapping
        ``reference``, ``role`` and ``subject`` of every file that the configuration names.
    paths : sequence of path-like
        Where each lies, in the same order.
    sources : mapping of str to Source
        The sheet of published files, whose checksums were verified when the files were fetched.
    lock : mapping of str to LockEntry
        Checksums recorded on first download.

    Returns
    -------
    pandas.DataFrame
        One row per input, equal ones once. Files that are not from the sheet are read and hashed here.
    """
    names = column_names("sources")
    measure = cache(sha256_of)
    rows = []
    for entry, path in zip(inputs, paths, strict=True):
        row: dict[str, Any] = dict.fromkeys(names, "") | entry
        kind, _, name = entry["reference"].partition("#")[0].partition(":")
        source = sources[name] if name and kind == "source" else None
        if source is not None:
            row |= {"version": source.version, "url": source.url}
            row |= {"licence": source.licence, "citation": source.citation}
        if source is not None and source.sha256:
            row |= {"sha256": source.sha256, "checksum": "published"}
        elif source is not None and name in lock:
            row |= {"sha256": lock[name].sha256, "checksum": f"recorded now, {lock[name].date}", "url": lock[name].url}
        else:
            row |= {"sha256": measure(path), "checksum": "measured"}
        row["bytes"] = Path(path).stat().st_size
        rows.append(row)
    return pd.DataFrame(rows, columns=names).drop_duplicates(ignore_index=True)


def software() -> dict[str, str]:
    """Versions of the library, Python and the packages that results rest on; absent ones are left out."""
    found = {"rnamarks": __version__, "Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def revision(folder: str | Path) -> str:
    """Commit of the checkout that a folder lies in, with ``, changed`` if files differ from it; ``""`` if unknown."""
    try:
        commit = _git(folder, "rev-parse", "--short=12", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"{commit}, changed" if changed else commit


def _git(folder: str | Path, *arguments: str) -> str:
    command = ["git", "-c", "safe.directory=*", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
