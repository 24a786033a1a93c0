"""Python environments made of links to installed packages: nothing is fetched, nothing is there that was not asked for.

Run as a program it makes the environment of a conda file: ``linked.py FILE PREFIX``, what a stand-in for conda calls.
"""

from __future__ import annotations

import shutil
import sys
import venv
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CONDA = """#!/bin/sh
case "$1 $2" in
    "info --json") echo '{{"conda_prefix": "{folder}", "platform": "linux-64"}}' ;;
    "--version "*) echo "conda 25.1.0" ;;
    "config --get") echo '{{"get": {{"channel_priority": "strict"}}}}' ;;
    "env create")
        while [ $# -gt 0 ]; do
            case $1 in --file) file=$2 ;; --prefix) prefix=$2 ;; esac
            shift
        done
        "{python}" "{program}" "$file" "$prefix" && mkdir "$prefix/conda-meta" ;;
esac
"""
ACTIVATE = "export CONDA_PREFIX=$1\nexport PATH=$1/bin:$PATH\n"


def closure(names: Iterable[str]) -> list[Distribution]:
    """Installed distributions of these names and all that they require."""
    queue = [Requirement(name) for name in names]
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    while queue:
        requirement = queue.pop()
        key = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if key in seen:
            continue
        seen.add(key)
        try:
            found[key[0]] = distribution(key[0])
        except PackageNotFoundError:
            # what is only wanted on another system, say
            continue
        for line in found[key[0]].requires or []:
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in key[1] or {""}):
                queue.append(needed)
    return list(found.values())


def make_environment(prefix: Path, names: Iterable[str]) -> Path:
    """Make an environment of these packages and what they require; returns its interpreter."""
    venv.EnvBuilder(symlinks=True).create(prefix)
    python = prefix / "bin" / "python"
    site = next(prefix.glob("lib/python3*/site-packages"))
    for one in closure(names):
        for file in one.files or []:
            parts = PurePosixPath(file).parts
            if ".." not in parts and parts[0] != "__pycache__" and not parts[0].endswith(".pth"):
                _link(site, Path(one.locate_file("")), parts)
    return python


def _link(site: Path, origin: Path, parts: tuple[str, ...]) -> None:
    """Link the folder that a file is in; below a folder that several distributions share, what belongs to this one."""
    for depth in range(1, len(parts) + 1):
        target, source = site.joinpath(*parts[:depth]), origin.joinpath(*parts[:depth])
        if target.is_symlink() or not source.exists():
            return
        if not source.is_dir() or (source / "__init__.py").exists() or source.suffix == ".dist-info":
            target.symlink_to(source)
            return
        target.mkdir(exist_ok=True)


def make_conda(folder: Path) -> Path:
    """Put a stand-in for conda into a folder, which then belongs on PATH."""
    (folder / "bin").mkdir(parents=True)
    program = folder / "bin" / "conda"
    program.write_text(CONDA.format(folder=folder, python=sys.executable, program=Path(__file__).resolve()))
    program.chmod(0o755)
    (folder / "bin" / "activate").write_text(ACTIVATE)
    return program.parent


def make_from_file(file: Path, prefix: Path) -> Path:
    """Make the environment that a conda file describes."""
    from environments import ROOT, index_name, specs

    names = [index_name(name) for name in specs(file) if name not in ("python", "cuda-version")]
    search = f"{ROOT / '.tools' / 'bin'}:/usr/local/bin:/usr/bin:/bin"
    programs = {"cd-hit": ["cd-hit-est", "cd-hit-est-2d"], "mmseqs2": ["mmseqs"], "meme": ["tomtom", "streme", "meme"]}
    python = make_environment(prefix, [name for name in names if name not in programs])
    for name in names:
        for program in programs.get(name, []):
            if path := shutil.which(program, path=search):
                (prefix / "bin" / program).symlink_to(path)
    return python


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).resolve().parents[1] / "workflow"))
    make_from_file(Path(sys.argv[1]), Path(sys.argv[2]))
