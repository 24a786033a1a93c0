"""Colours are valid, told apart, and text on them is legible."""

from __future__ import annotations

from itertools import pairwise

from rnamarks.figures.palette import GREYS, INK, RAMPS, ink_on, ramp, rgb, shade


def luminance(colour):
    parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb(colour)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_ramps_darken():
    for index in range(len(RAMPS)):
        shades = [luminance(ramp(index, position)) for position in (0, 0.25, 0.5, 0.75, 1)]
        assert all(light > dark for light, dark in pairwise(shades))


def test_text_is_legible_on_every_colour():
    for colour in ["#FFFFFF", "#000000", *GREYS, *(ramp(0, at / 10) for at in range(11))]:
        light, dark = sorted([luminance(colour), luminance(ink_on(colour).replace("white", "#FFFFFF"))], reverse=True)
        assert (light + 0.05) / (dark + 0.05) > 3, colour
    assert ink_on("#FFFFFF") == INK
    assert ink_on((0.0, 0.0, 0.0)) == "white"


def test_shades_are_lighter_or_darker():
    assert [shade("#882255", amount) for amount in (0, 1, -1)] == ["#882255", "#FFFFFF", "#000000"]
    assert luminance(shade("#882255", -0.5)) < luminance("#882255") < luminance(shade("#882255", 0.5))
