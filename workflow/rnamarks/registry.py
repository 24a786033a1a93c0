"""Named things that a configuration can choose: readers, models, baselines, curricula."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from .errors import InputError

T = TypeVar("T")


class Register(Generic[T]):
    """A mapping from the names used in configuration files to objects of one kind.

    >>> READERS = Register("site reader")
    >>> @READERS.add("rmbase")
    ... def read_rmbase(path): ...
    >>> READERS["rmbase"] is read_rmbase
    True
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
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
        if name not in self._entries:
            raise InputError(
                f"no {self.kind} of that name", value=name, remedy=f"choose one of {', '.join(self.names())}"
            )
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def names(self) -> list[str]:
        return sorted(self._entries)
