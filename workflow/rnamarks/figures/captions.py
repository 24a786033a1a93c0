"""Captions: the panels they belong to, and numbers in words."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from string import ascii_uppercase
from typing import Any

import numpy as np

from .design import Design

PANELS = (*ascii_uppercase, *map("".join, itertools.product(ascii_uppercase, repeat=2)))
"""Letters of panels: A to Z, AA, AB and so on."""

Captions = str | Sequence[str | tuple[str, str]]


def captioned(explain: Callable[..., Captions]) -> Callable[..., list[tuple[str, str]]]:
    """Decorator: captions as (panel, text).

    One text is the caption of the whole figure, panel ``""``; a list has one text per panel, A, B and so on, unless an
    entry names its panel.
    """

    @functools.wraps(explain)
    def inside(*args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        texts = explain(*args, **kwargs)
        if isinstance(texts, str):
            return [("", texts)]
        return [(panel, text) if isinstance(text, str) else text for panel, text in zip(PANELS, texts, strict=False)]

    return inside


def say_each(values: Mapping[str, Any], design: Design, form: str = ",.0f") -> str:
    """``human 1,200, mouse 800``: a number of each task, in the order of the design."""
    return ", ".join(f"{design.label(name)} {values[name]:{form}}" for name in design.ordered(values.keys()))


def say_range(numbers: Iterable[float]) -> str:
    """``12 to 1,200``, or one number where they are all the same; missing ones do not count, ``0`` for none."""
    values = [int(number) for number in numbers if np.isfinite(number)]
    low, high = min(values, default=0), max(values, default=0)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def with_interval(row: Mapping[str, Any], digits: int = 3) -> str:
    """``0.874 (0.842 to 0.908)`` of ``value``, ``low`` and ``high``; without bounds the value, ``""`` without that."""
    value, low, high = (float(row[key]) for key in ("value", "low", "high"))
    if np.isnan(value):
        return ""
    return f"{value:.{digits}f}" + ("" if np.isnan(low) else f" ({low:.{digits}f} to {high:.{digits}f})")


def say_small(value: float) -> str:
    """A p- or q-value in three characters, or in powers of ten; a dash where there is none."""
    if not np.isfinite(value):
        return "–"
    if value >= 0.001:
        return f"{value:.2g}" if value < 0.995 else "1"
    if value < 1e-300:
        return "<1e-300"
    exponent = int(np.floor(np.log10(value)))
    mantissa = value / 10.0**exponent
    return f"{mantissa:.0f}e{exponent}" if mantissa < 9.5 else f"1e{exponent + 1}"


def say_p(p: float, digits: int = 2) -> str:
    """A p-value as text, with so many digits behind the point where it is small."""
    if not np.isfinite(p):
        return "not tested"
    if p < 1e-300:
        return "P < 10⁻³⁰⁰"
    if p >= 0.001:
        return f"P = {p:.3f}"
    mantissa, power = f"{p:.{digits}e}".split("e")
    return f"P = {mantissa} × 10" + str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
