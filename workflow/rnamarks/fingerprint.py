"""A digest of the code that a script rests on, so that a change of it runs the script's rule again and no other.

The modules of the packages beside a workflow are followed from import to import: wherever in a file an import is, but
not under ``TYPE_CHECKING``. A module that is imported by its name at run time is written as a string
``"rnamarks.models.mass:Mass"``, or ``".mass:Mass"`` for one of the package of the module that holds the string; such
strings are followed, too. A file beside a module whose whole name is a string in it counts with its bytes. A call of
``column_names("table")`` counts as the names that it gives.

Comments, docstrings, the layout of the code, ``__version__`` and what only messages come from do not count.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from .dictionary import column_names

_LAZY = re.compile(r"(\.*)([A-Za-z_][\w.]*):[A-Za-z_]\w*")
_FILE = re.compile(r"(?!.*\.py$)\w[\w.-]{0,100}\.\w+")
# what these do never reaches an output
_NO_RESULTS = {"rnamarks/errors.py", "rnamarks/progress.py", "rnamarks/scripting.py"}
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class _Code(NamedTuple):
    """Digest of one file's own code, and the files of the packages that it rests on."""

    digest: bytes
    rests_on: frozenset[Path]


def fingerprint(script: str | Path, package_root: str | Path, *more: str | Path) -> str:
    """Digest of a script and of every module below a folder that it rests on.

    Parameters
    ----------
    script : path-like
        A Python file, in a package below ``package_root`` or not.
    package_root : path-like
        The folder of the packages to follow.
    *more : path-like
        Modules that the script imports in a way that is not followed.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    root = Path(package_root).resolve()
    files = {
        file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name: file
        for file in modules(script, root, *more)
    }
    found = hashlib.sha256()
    for name in sorted(files.keys() - _NO_RESULTS):
        found.update(name.encode() + b"\0" + _read(files[name], root).digest)
    return found.hexdigest()[:16]


def modules(script: str | Path, package_root: str | Path, *more: str | Path) -> set[Path]:
    """The files that a script rests on."""
    root = Path(package_root).resolve()
    found: set[Path] = set()
    queue = [Path(file).resolve() for file in (script, *more)]
    while queue:
        file = queue.pop()
        if file not in found:
            found.add(file)
            queue += _read(file, root).rests_on
    return found


def _read(file: Path, root: Path) -> _Code:
    state = file.stat()
    return _code(file, root, state.st_mtime_ns, state.st_size)


@cache
def _code(file: Path, root: Path, _changed: int, _size: int) -> _Code:
    content = file.read_bytes()
    if file.suffix != ".py":
        return _Code(hashlib.sha256(content).digest(), frozenset())
    lines: list[str] = []
    names: list[ast.Import | ast.ImportFrom | str] = []
    _flatten(ast.parse(content, str(file)), lines, names)
    digest = hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).digest()
    within = file.relative_to(root).parts[:-1] if file.is_relative_to(root) else ()
    rests_on = {found for name in names for found in _resolve(name, file.parent, within, root)}
    return _Code(digest, frozenset(rests_on))


def _flatten(tree: ast.Module, lines: list[str], names: list[ast.Import | ast.ImportFrom | str]) -> None:
    """Write a tree as lines, the same in every version of Python, and collect what may name other files."""
    stack: list[Any] = [tree]
    while stack:
        item = stack.pop()
        kind = item.__class__
        if kind is ast.Constant:
            lines.append(repr(item.value))
            if item.value.__class__ is str:
                names.append(item.value)
        elif kind is list:
            lines.append(f"list {len(item)}")
            stack += item
        elif isinstance(item, ast.AST):
            if kind in (ast.Import, ast.ImportFrom):
                names.append(item)
            if kind is ast.Call and isinstance(item.func, ast.Name) and item.func.id == column_names.__name__:
                options = {str(word.arg): ast.literal_eval(word.value) for word in item.keywords}
                lines.append(repr(column_names(*map(ast.literal_eval, item.args), **options)))
            lines.append(kind.__name__)
            for name in item._fields:
                value = getattr(item, name, None)
                if value.__class__ is list and name in ("body", "orelse", "finalbody"):
                    value = _code_of(item, name, value)
                # versions differ in the fields that hold nothing
                if value is not None and value != []:
                    lines.append(name)
                    stack.append(value)
        else:
            lines.append(repr(item))


def _code_of(node: ast.AST, name: str, body: list[ast.stmt]) -> list[ast.stmt]:
    """A block without its docstring, blocks for type checkers and the version."""
    if name == "body" and isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
        body = body[1:]
    kept: list[ast.stmt] = []
    for statement in body:
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.dump(statement.test):
            kept += statement.orelse
        elif not isinstance(statement, ast.Assign) or getattr(statement.targets[0], "id", "") != "__version__":
            kept.append(statement)
    return kept


def _resolve(
    named: ast.Import | ast.ImportFrom | str, folder: Path, within: tuple[str, ...], root: Path
) -> Iterator[Path]:
    """Files below ``root`` that an import or a string names."""

    def package(level: int) -> list[str]:
        return list(within[: len(within) - level + 1]) if level else []

    if isinstance(named, ast.Import):
        for alias in named.names:
            yield from _modules(alias.name.split("."), root)
    elif isinstance(named, ast.ImportFrom):
        module = package(named.level) + (named.module.split(".") if named.module else [])
        for alias in named.names:
            yield from _modules([*module, alias.name], root)
    elif lazy := _LAZY.fullmatch(named):
        yield from _modules(package(len(lazy[1])) + lazy[2].split("."), root)
    elif within and _FILE.fullmatch(named) and (folder / named).is_file():
        yield folder / named


def _modules(parts: list[str], root: Path) -> Iterator[Path]:
    """Files that importing a name runs: its module, if it is one, and the packages around it."""
    folder = root
    for depth, part in enumerate(parts):
        if depth and (folder / "__init__.py").is_file():
            yield folder / "__init__.py"
        if (folder / f"{part}.py").is_file():
            yield folder / f"{part}.py"
        folder /= part
    if (folder / "__init__.py").is_file():
        yield folder / "__init__.py"
