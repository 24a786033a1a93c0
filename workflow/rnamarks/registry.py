"""Named things that a configuration can choose: readers, networks, baselines, curricula.

An entry is made by the line ``@REGISTRY.add("name")`` above a function or class, and by nothing else: the choices of a
configuration are read from these lines of the library's source (:func:`registered`), before anything is imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Generic, TypeVar

from .errors import InputError

T = TypeVar("T")

_LIBRARY = Path(__file__).resolve().parent
_ENTRY = re.compile(r'^@([A-Z_]+)\.add\("([^"]+)"\)', re.MULTILINE)


@cache
def _entries() -> dict[str, dict[str, Path]]:
    found: dict[str, dict[str, Path]] = {}
    for file in sorted(_LIBRARY.rglob("*.py")):
        for variable, name in _ENTRY.findall(file.read_text(encoding="utf-8")):
            found.setdefault(variable, {})[name] = file
    return found


def registered(variable: str) -> dict[str, Path]:
    """Names entered in a registry, sorted, each with the file of the module that enters it.

    Parameters
    ----------
    variable : str
        Of the registry, such as ``READERS``.
    """
    return dict(sorted(_entries().get(variable, {}).items()))


class Register(Generic[T]):
    """A mapping from the names used in configuration files to objects of one kind.

    >>> READERS = Register("site reader")
    >>> @READERS.add("rmbase")
    ... def read_rmbase(path): ...
    >>> READERS["rmbase"] is read_rmbase
    True

    Parameters
    ----------
    kind : str
        What messages call an entry.
    variable : str
        Name of the registry's variable, for one whose entries are modules of their own: each is imported when it is
        asked for, so that what uses one of them does not rest on the code of all. The digest of a script's code
        (:mod:`rnamarks.fingerprint`) does not see such an import; a rule adds that of the module it chooses.
    """

    def __init__(self, kind: str, variable: str = "") -> None:
        self.kind, self.variable = kind, variable
        self._entries: dict[str, T] = {}

    def add(self, name: str) -> Callable[[T], T]:
        """Decorator that enters an object under ``name``; a name can be taken once."""

        def enter(entry: T) -> T:
            if name in self._entries:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._entries[name] = entry
            return entry

        return enter

    def __getitem__(self, name: str) -> T:
        if name not in self:
            raise InputError(
                f"no {self.kind} of that name", value=name, remedy=f"choose one of {', '.join(self.names())}"
            )
        if name not in self._entries:
            module = registered(self.variable)[name].relative_to(_LIBRARY.parent).with_suffix("")
            import_module(".".join(module.parts))
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in registered(self.variable)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def names(self) -> list[str]:
        return sorted({*self._entries, *registered(self.variable)})
