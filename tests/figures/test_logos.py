"""Stacks of nucleotides have the given heights and colours, the tallest on top."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_hex

from rnamarks.figures.logos import draw_logo, frame_logo
from rnamarks.figures.palette import NUCLEOTIDES
from rnamarks.figures.style import new_figure


def boxes(axes):
    """Extent of each colour's letters: (low, high) of both coordinates."""
    return {
        to_hex(patch.get_facecolor()).upper(): patch.get_path().get_extents().extents.round(6).tolist()
        for patch in axes.get_children()
        if type(patch).__name__ == "PathPatch"
    }


def test_the_tallest_letter_is_on_top():
    axes = new_figure(1).subplots()
    draw_logo(axes, np.array([[0.5, 0.0, 1.2, 0.1]]), np.array([3.0]))
    found = boxes(axes)
    assert set(found) == {NUCLEOTIDES[base] for base in "AGU"}
    assert found[NUCLEOTIDES["U"]] == [2.54, 0.0, 3.46, 0.1]
    assert found[NUCLEOTIDES["A"]] == [2.54, 0.1, 3.46, 0.6]
    assert found[NUCLEOTIDES["G"]] == [2.54, 0.6, 3.46, 1.8]


def test_faded_stacks_are_pale():
    axes = new_figure(1).subplots()
    draw_logo(axes, np.eye(4)[:2], np.arange(2), faded=np.array([False, True]))
    alphas = {
        to_hex(patch.get_facecolor()).upper(): patch.get_alpha() for patch in axes.get_children() if patch.get_alpha()
    }
    assert alphas == {NUCLEOTIDES["A"]: 1.0, NUCLEOTIDES["C"]: 0.3}


def test_a_frame_shows_bits():
    axes = new_figure(1).subplots()
    frame_logo(axes, 2.0, (-2, 3))
    assert axes.get_ylim() == (0, 2)
    assert axes.get_xlim() == (-2.6, 3.6)
