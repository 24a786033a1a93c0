"""Typed settings with ranges, and those of the networks; the standard library alone, so that parsing can use them.

A class of settings is a dataclass derived from :class:`Settings` whose fields are made by :func:`setting`. The same
class gives the defaults that a network is built with and checks the values of a configuration or a model directory.
Each network's settings are a module of their own here, entered in :data:`NETWORKS` under the network's name, so that no
network rests on those of another.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Protocol, Self

from ...errors import InputError
from ...registry import Register

SIZE = 8192
"""The largest width, or number of filters or units, of a layer."""
# YAML 1.1 reads a number with an exponent and no point as text
_EXPONENT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+")


class Kind(Protocol):
    """What a setting may be; its text completes "is not ...". ``read`` gives None for a value that is not of it."""

    def read(self, value: Any) -> Any: ...


@dataclass(frozen=True)
class Real:
    """A finite number from ``minimum`` to ``maximum``; ``above`` and ``below`` leave out the ends."""

    minimum: float
    maximum: float
    above: bool = False
    below: bool = False

    def __str__(self) -> str:
        low = f"above {self.minimum:g} and up" if self.above else f"from {self.minimum:g}"
        return f"a number {low} to {'below ' if self.below else ''}{self.maximum:g}"

    def read(self, value: Any) -> float | None:
        value = _number(value)
        if value is None or not self.minimum <= value <= self.maximum:
            return None
        if (self.above and value == self.minimum) or (self.below and value == self.maximum):
            return None
        return float(value)


@dataclass(frozen=True)
class Whole:
    """A whole number from ``minimum`` to ``maximum``."""

    minimum: int
    maximum: int

    def __str__(self) -> str:
        return f"a whole number from {self.minimum} to {self.maximum}"

    def read(self, value: Any) -> int | None:
        value = _number(value)
        if value is None or value != int(value) or not self.minimum <= value <= self.maximum:
            return None
        return int(value)


@dataclass(frozen=True)
class Wholes:
    """Up to ``most`` whole numbers, each from ``minimum`` to ``maximum``; a tuple."""

    minimum: int
    maximum: int
    most: int = 64

    def __str__(self) -> str:
        return f"a list of up to {self.most} whole numbers from {self.minimum} to {self.maximum}"

    def read(self, value: Any) -> tuple[int, ...] | None:
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > self.most:
            return None
        numbers = tuple(Whole(self.minimum, self.maximum).read(one) for one in value)
        return None if None in numbers else numbers


@dataclass(frozen=True)
class Choice:
    """One of some names."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"one of {', '.join(self.names)}"

    def read(self, value: Any) -> str | None:
        return value if isinstance(value, str) and value in self.names else None


@dataclass(frozen=True)
class Names:
    """Up to ``most`` printable texts, all different; a tuple."""

    most: int

    def __str__(self) -> str:
        return f"a list of up to {self.most} different printable texts"

    def read(self, value: Any) -> tuple[str, ...] | None:
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > self.most:
            return None
        fits = all(isinstance(one, str) and 0 < len(one) <= 256 and one.isprintable() for one in value)
        return tuple(value) if fits and len(set(value)) == len(value) else None


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def __str__(self) -> str:
        return "true or false"

    def read(self, value: Any) -> bool | None:
        return value if isinstance(value, bool) else None


@dataclass(frozen=True)
class Motif:
    """IUPAC nucleotides, DNA or RNA."""

    most: int = 32

    def __str__(self) -> str:
        return f"up to {self.most} IUPAC nucleotides"

    def read(self, value: Any) -> str | None:
        known = isinstance(value, str) and re.fullmatch(rf"[ACGTURYSWKMBDHVN]{{0,{self.most}}}", value)
        return value if known else None


def setting(default: Any, kind: Kind) -> Any:
    """A field of a class of settings; a ``default`` of None may also be given as None."""
    return field(default=default, metadata={"kind": kind})


class Settings:
    """Base of dataclasses whose fields are settings: values are checked, and numbers brought to their type.

    Raises
    ------
    InputError
        If a value is not of its kind; the message names the setting, the value and what is allowed.
    """

    def __post_init__(self) -> None:
        for name, kind in self.kinds().items():
            object.__setattr__(self, name, self._read(name, getattr(self, name), kind))
        self.check()

    def check(self) -> None:
        """Raise :class:`InputError` if settings do not fit together."""

    @classmethod
    def kinds(cls) -> dict[str, Kind]:
        """Name to kind of every setting."""
        return {entry.name: entry.metadata["kind"] for entry in fields(cls)}  # type: ignore[arg-type]

    @classmethod
    def _read(cls, name: str, value: Any, kind: Kind, where: str = "") -> Any:
        if value is None and cls.__dataclass_fields__[name].default is None:  # type: ignore[attr-defined]
            return None
        found = kind.read(value)
        if found is None:
            raise InputError(f"{where}{name} is not {kind}", value=value, remedy="change it", keys=_keys(where, name))
        return found

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], where: str = "") -> Self:
        """Settings from a configuration or a file.

        Parameters
        ----------
        values : mapping
        where : str
            Place in a configuration that leads the names in messages, such as ``models.mass.training.``.

        Raises
        ------
        InputError
            If a name is unknown, a value is not of its kind, or settings do not fit together.
        """
        kinds = cls.kinds()
        if not isinstance(values, Mapping):
            raise InputError(
                f"{where.rstrip('.') or 'settings'} is not a mapping",
                value=values,
                remedy="change it",
                keys=_keys(where),
            )
        for name in values:
            if name not in kinds:
                raise InputError(
                    f"there is no setting {where}{name}",
                    remedy=f"known are {', '.join(sorted(kinds)) or 'none'}",
                    keys=_keys(where, name),
                )
        read = {name: cls._read(name, value, kinds[name], where) for name, value in values.items()}
        try:
            return cls(**read)
        except InputError as error:
            raise InputError(f"{where.rstrip('.')}: {error}" if where else str(error), keys=_keys(where)) from error


@dataclass(frozen=True)
class TrunkSizes:
    """The sizes of a language model that stands under a network."""

    def __str__(self) -> str:
        return "the sizes of a language model"

    def read(self, value: Any) -> dict[str, Any]:
        TRUNK_SETTINGS["language"].from_mapping(value, "trunk.")
        return dict(value)


@dataclass(frozen=True)
class NetworkSettings(Settings):
    """Base of the settings of networks.

    Attributes
    ----------
    trunk : dict, optional
        Sizes of a language model in place of the network's own trunk; see :mod:`rnamarks.models.language_trunk`.
    """

    trunk: dict[str, Any] | None = setting(None, TrunkSizes())  # noqa: RUF009

    of_trunk: ClassVar[tuple[str, ...]] = ()
    """Settings of the network's own trunk, which have no meaning beside ``trunk``."""
    embedding: ClassVar[str] = ""
    """How nucleotides become vectors, where a network can do so in several ways."""

    @property
    def has_filters(self) -> bool:
        """Whether the network begins with convolutions over the sequence, which read as motifs."""
        return True

    def reads(self, window: int) -> int:
        """Nucleotides in the middle of a window that the network's logits depend on."""
        return window


DROPOUT = Real(0, 1, below=True)
NETWORKS: Register[type[NetworkSettings]] = Register("network", "NETWORKS")
"""Settings of the networks in :data:`rnamarks.models.registry.MODELS`, by the same names."""
TRUNK_SETTINGS: Register[type[Settings]] = Register("trunk", "TRUNK_SETTINGS")
"""Settings of the trunks in :data:`rnamarks.models.registry.TRUNKS`, by the same names."""


def _keys(where: str, *names: str) -> tuple[str, ...]:
    return (*where.rstrip(".").split("."), *names) if where else names


def _number(value: Any) -> int | float | None:
    if isinstance(value, str) and _EXPONENT.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None
