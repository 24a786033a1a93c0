"""Where a run comes from: its input files with checksums, the software, the code's revision."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from .. import __version__
from ..configuration import Plan
from ..files import sha256_of
from ..sources.lock import LockEntry
from ..sources.sheet import Source

SOURCE_COLUMNS = (
    "species",
    "role",
    "reference",
    "version",
    "url",
    "sha256",
    "checksum",
    "bytes",
    "licence",
    "citation",
)
PACKAGES = (
    "snakemake",
    "torch",
    "lightning",
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "pyarrow",
    "pyfaidx",
    "matplotlib",
)


@dataclass(frozen=True)
class Reference:
    """One file that the configuration names.

    Attributes
    ----------
    species : str
        ``all`` for a file that serves all species.
    role : str
        ``genome``, ``annotation``, ``sites``, ``veto``, ``windows``, ``orthologues`` or ``external``.
    reference : str
        As written, with the species' name filled in.
    """

    species: str
    role: str
    reference: str

    def record(self) -> dict[str, str]:
        """Plain values, for a rule's params."""
        return asdict(self)


def references(plan: Plan) -> list[Reference]:
    """Every input file that a configuration names, in its order."""
    found = []
    for name, entry in plan.species.items():
        named = [("genome", entry.get("genome")), ("annotation", entry.get("annotation"))]
        named += [(role, table["table"]) for role in ("sites", "veto") for table in plan.site_tables(name, role)]
        named += [("windows", file["file"]) for file in plan.window_files(name)]
        found += [Reference(name, role, plan.expand(path, name)) for role, path in named if path]
    if plan.config.get("orthologues"):
        found.append(Reference("all", "orthologues", plan.expand(plan.config["orthologues"]["table"])))
    found += [Reference(entry["head"], "external", part["file"]) for entry in plan.external for part in entry["files"]]
    return list(dict.fromkeys(found))


def source_table(
    named: Sequence[Reference],
    paths: Sequence[str | Path],
    sources: Mapping[str, Source],
    lock: Mapping[str, LockEntry],
) -> pd.DataFrame:
    """Checksums of the input files.

    Parameters
    ----------
    named : sequence of Reference
    paths : sequence of path-like
        Where each lies, in the same order.
    sources : mapping of str to Source
        The sheet of published files, whose checksums were verified when the files were fetched.
    lock : mapping of str to LockEntry
        Checksums recorded on first download.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`SOURCE_COLUMNS`. Files that are not from the sheet are read and hashed here.
    """
    rows = []
    for entry, path in zip(named, paths, strict=True):
        row: dict[str, Any] = dict.fromkeys(SOURCE_COLUMNS, "") | entry.record()
        kind, _, name = entry.reference.partition("#")[0].partition(":")
        source = sources[name] if name and kind == "source" else None
        if source is not None:
            row |= {"version": source.version, "url": source.url}
            row |= {"licence": source.licence, "citation": source.citation}
        if source is not None and source.sha256:
            row |= {"sha256": source.sha256, "checksum": "published"}
        elif source is not None and name in lock:
            row |= {"sha256": lock[name].sha256, "checksum": f"recorded now, {lock[name].date}", "url": lock[name].url}
        else:
            row |= {"sha256": sha256_of(path), "checksum": "measured"}
        row["bytes"] = Path(path).stat().st_size
        rows.append(row)
    return pd.DataFrame(rows, columns=list(SOURCE_COLUMNS))


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
