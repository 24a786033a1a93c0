"""Colours and line styles of all figures, known without a plotting library."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..tasks import Task

INK = "#222222"
QUIET = "#767676"
FAINT = "#E6E6E6"
LEGIBLE = 4.5
"""Contrast that text must have against what is behind it (WCAG 2.2, criterion 1.4.3)."""
CHANCE = "#9A3324"

RAMPS = (
    ("#CDB9E3", "#3F1273"),
    ("#F3B27A", "#8C3A04"),
    ("#8FD0C5", "#00524A"),
    ("#F0A9C4", "#8A0F4C"),
    ("#D9C38C", "#5E4403"),
    ("#A9BCE0", "#16306B"),
)
"""Lightest and darkest colour of the settings of one network."""

GREYS = ("#8C8C8C", "#6B6B6B", "#7E7E7E", "#4A4A4A", "#5C5C5C", "#333333", "#999999")
SPARE = ("#117733", "#AA4499", "#999933", "#661100", "#6699CC", "#888888", "#DDCC77")
"""Colours of tasks that no sheet gives one."""

NUCLEOTIDES = {"A": "#009E73", "C": "#0072B2", "G": "#E69F00", "U": "#D55E00"}
"""Colour of each nucleotide, from the colour-blind-safe palette of Okabe and Ito."""

DASHES = ((0, (1, 1)), (0, (4, 1.5)), (0, (6, 1.5, 1, 1.5)), (0, (2.5, 2.5)), (0, (1, 2.5)), (0, (8, 2)))


def rgb(colour: str) -> tuple[float, float, float]:
    """``#RRGGBB`` as three numbers from 0 to 1."""
    return tuple(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))


def ramp(index: int, position: float) -> str:
    """Colour of a network's setting.

    Parameters
    ----------
    index : int
        Which of :data:`RAMPS`, counted from 0.
    position : float
        0 for the lightest, 1 for the darkest.
    """
    low, high = (colorsys.rgb_to_hls(*rgb(colour)) for colour in RAMPS[index % len(RAMPS)])
    mixed = [a + (b - a) * position for a, b in zip(low, high, strict=True)]
    return "#" + "".join(f"{round(255 * part):02x}" for part in colorsys.hls_to_rgb(*mixed))


def shade(colour: str, amount: float) -> str:
    """A colour moved towards white: 0 leaves it, 1 gives white, -1 black."""
    goal = float(amount > 0)
    return "#" + "".join(f"{round(255 * (part + (goal - part) * abs(amount))):02X}" for part in rgb(colour))


def ink_on(colour: Sequence[float] | str) -> str:
    """Black or white, whichever is legible on a colour."""
    red, green, blue = rgb(colour) if isinstance(colour, str) else colour
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.55 else INK


def contrast(one: str, other: str) -> float:
    """Contrast of two colours ``#RRGGBB``, from 1 to 21, as WCAG 2.2 defines it from their relative luminances."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def legible(colour: str) -> str:
    """A colour ``#RRGGBB`` for text on white: itself, or the lightest darker one of its hue with enough contrast."""
    darker = (shade(colour, -step / 100) for step in range(101))
    return next(found for found in darker if contrast(found, "#FFFFFF") >= LEGIBLE)


def _luminance(colour: str) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb(colour)]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


class Painted(NamedTuple):
    """How a task is shown: its ``label``, its ``colour``, grey where the model's directory names none, and ``ink``, the
    same dark enough for text on white."""

    label: str
    colour: str
    ink: str


def painted(tasks: Sequence[Task]) -> dict[str, Painted]:
    """How each task is shown, by name."""
    return {task.name: Painted(task.label, task.colour or QUIET, legible(task.colour or QUIET)) for task in tasks}
