"""How a key of a configuration is written down: its kind, default, range and meaning."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field
from typing import Any

section = dataclass(kw_only=True)
NAME = "^[A-Za-z][A-Za-z0-9]*$"
NAME_ = "^[A-Za-z][A-Za-z0-9_]*$"
MOTIF = "^[ACGTUNRYSWKMBDHV]{0,32}$"


def key(about: str, default: Any = MISSING, *, registry: str = "", names: str = "", **rules: Any) -> Any:
    """One key of a section.

    Parameters
    ----------
    about : str
        What it decides, in a sentence.
    default
        Left out: the key has to be given. None: it may be left out and has no default.
    registry : str
        Registry whose names are the choices.
    names : str
        Of a mapping: pattern of its keys.
    **rules
        ``choices``; ``minimum``, ``maximum``, ``above``, ``below`` of a number; ``pattern`` of text; ``fewest`` and
        ``longest`` of a list or mapping; ``known``, a function that gives the keys that a mapping of anything may have.
    """
    metadata = {"about": about, "registry": registry, "names": names, **rules}
    if default is MISSING:
        return field(metadata=metadata)
    if isinstance(default, list | dict):
        return field(default_factory=lambda: type(default)(default), metadata=metadata)
    return field(default=default, metadata=metadata)
