"""Typed settings with ranges, and those of the networks; the standard library alone, so that parsing can use them.

A class of settings is a dataclass derived from :class:`Settings` whose fields are made by :func:`setting`. The same
class gives the defaults that a network is built with and checks the values of a configuration or a model directory.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, Self

from ..errors import InputError

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

    @property
    def has_filters(self) -> bool:
        """Whether a network of these settings begins with convolutions over the sequence, which read as motifs."""
        return True

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


def _keys(where: str, *names: str) -> tuple[str, ...]:
    return (*where.rstrip(".").split("."), *names) if where else names


def _number(value: Any) -> int | float | None:
    if isinstance(value, str) and _EXPONENT.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None


_DROPOUT = Real(0, 1, below=True)


@dataclass(frozen=True)
class DeepM6ASeqSettings(Settings):
    """Sizes of :class:`rnamarks.models.deepm6aseq.DeepM6ASeq`.

    Attributes
    ----------
    filters, widths : tuple of int
        Number of filters and width of each convolution.
    lstm_units : int
        Units per direction.
    dropout : float
        After each convolution.
    """

    filters: tuple[int, ...] = setting((256, 128), Wholes(1, SIZE))
    widths: tuple[int, ...] = setting((10, 5), Wholes(1, SIZE))
    lstm_units: int = setting(32, Whole(1, SIZE))
    dropout: float = setting(0.5, _DROPOUT)

    def check(self) -> None:
        if len(self.filters) != len(self.widths) or not self.filters:
            raise InputError(
                "filters and widths are not of the same number of convolutions",
                value=(self.filters, self.widths),
                remedy="give one number of filters and one width for each",
            )


@dataclass(frozen=True)
class MassSettings(Settings):
    """Sizes of :class:`rnamarks.models.mass.Mass`; the defaults are the published ones.

    Attributes
    ----------
    form : {"paper", "released"}
        See :mod:`rnamarks.models.mass`.
    filters, filter_width : int
        Of each gapped convolution.
    channels : int
        After the reduction.
    lstm_units : int
        Units per direction.
    attention_heads, attention_width : int
        Number of heads, and channels of each; None for those of the form.
    dense : int
        Hidden units of each classifier.
    dropout : float
    """

    form: str = setting("paper", Choice(("paper", "released")))
    filters: int = setting(300, Whole(1, SIZE))
    filter_width: int = setting(18, Whole(1, SIZE))
    channels: int = setting(32, Whole(1, SIZE))
    lstm_units: int = setting(64, Whole(1, SIZE))
    attention_heads: int = setting(8, Whole(1, 256))
    attention_width: int | None = setting(None, Whole(1, SIZE))
    dense: int = setting(128, Whole(1, SIZE))
    dropout: float = setting(0.5, _DROPOUT)


@dataclass(frozen=True)
class MultiRMSettings(Settings):
    """Sizes of :class:`rnamarks.models.multirm.MultiRM`; the defaults are the published ones.

    Attributes
    ----------
    crop : int
        Read only so many nt in the middle of a window; 0 for all. Even where the window is even, odd where it is odd.
    embedding : {"hmm", "one_hot", "word2vec"}
        See :mod:`rnamarks.models.embeddings`.
    dims : int
        Width of the embedding.
    units : int
        Of the LSTM, per direction.
    attention : int
        Hidden units of the attention.
    hidden : int
        Hidden units of each classifier.
    dropout : float
        In the classifiers.
    """

    crop: int = setting(0, Whole(0, 100_000))
    embedding: str = setting("word2vec", Choice(("hmm", "one_hot", "word2vec")))
    dims: int = setting(300, Whole(1, SIZE))
    units: int = setting(256, Whole(1, SIZE))
    attention: int = setting(100, Whole(1, SIZE))
    hidden: int = setting(128, Whole(1, SIZE))
    dropout: float = setting(0.5, _DROPOUT)

    @property
    def has_filters(self) -> bool:
        return self.embedding == "one_hot"


@dataclass(frozen=True)
class UnanchoredSettings(Settings):
    """Sizes of :class:`rnamarks.models.unanchored.Unanchored`.

    Attributes
    ----------
    filters, filter_width : int
        Number and odd width of the first convolution's filters.
    channels : int
        Channels of the residual blocks.
    width : int
        Odd width of their filters.
    dilations : tuple of int
        One residual block each.
    lstm_units : int
        Units per direction.
    attention_heads : int
        Attention-weighted means beside the largest value and the mean.
    features : int
        Width of what the classifiers read.
    hidden : int
        Hidden units of each classifier.
    channel_dropout, dropout : float
        Fraction of whole channels dropped in the convolutions, and of features dropped in the dense layers.
    """

    filters: int = setting(256, Whole(1, SIZE))
    filter_width: int = setting(9, Whole(1, SIZE))
    channels: int = setting(128, Whole(1, SIZE))
    width: int = setting(3, Whole(1, SIZE))
    dilations: tuple[int, ...] = setting((1, 2, 4), Wholes(1, SIZE))
    lstm_units: int = setting(64, Whole(1, SIZE))
    attention_heads: int = setting(4, Whole(1, 256))
    features: int = setting(128, Whole(1, SIZE))
    hidden: int = setting(32, Whole(1, SIZE))
    channel_dropout: float = setting(0.1, _DROPOUT)
    dropout: float = setting(0.3, _DROPOUT)

    groups = 8
    """Of the group normalisation, whose channels must be a multiple of it."""

    def check(self) -> None:
        for name in ("filter_width", "width"):
            if getattr(self, name) % 2 == 0:
                raise InputError(f"{name} is even", value=getattr(self, name), remedy="give an odd width")
        for name, size in (
            ("filters", self.filters),
            ("channels", self.channels),
            ("2 * lstm_units", 2 * self.lstm_units),
        ):
            if size % self.groups:
                raise InputError(f"{name} is no multiple of {self.groups}", value=size, remedy="change it")


@dataclass(frozen=True)
class StudentSettings(Settings):
    """Sizes of :class:`rnamarks.models.student.Student`.

    Attributes
    ----------
    receptive : int
        Nucleotides that a logit depends on; odd, the site in the middle. None for those that the teacher reads.
    width, filters : int
        Odd width and number of the first convolution's filters.
    channels : int
        Channels of the blocks.
    hidden : int
        Units of the layer before the logits.
    dilations : tuple of int
        Gap of each block; ``width`` and twice their sum must make ``receptive``. None for
        :func:`rnamarks.models.student.spread_dilations`.
    """

    receptive: int | None = setting(None, Whole(1, 100_000))
    width: int = setting(9, Whole(1, SIZE))
    filters: int = setting(96, Whole(1, SIZE))
    channels: int = setting(48, Whole(1, SIZE))
    hidden: int = setting(96, Whole(1, SIZE))
    dilations: tuple[int, ...] | None = setting(None, Wholes(1, 100_000))


NETWORKS: dict[str, type[Settings]] = {
    "deepm6aseq": DeepM6ASeqSettings,
    "mass": MassSettings,
    "multirm": MultiRMSettings,
    "unanchored": UnanchoredSettings,
}
"""Settings of the networks in :data:`rnamarks.models.registry.MODELS`."""
