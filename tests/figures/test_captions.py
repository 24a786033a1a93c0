"""Captions belong to panels, and say numbers in words."""

from __future__ import annotations

from rnamarks.figures.captions import captioned, say_each, say_p, say_range


def test_one_text_is_of_the_whole_figure_and_several_are_of_panels():
    assert captioned(lambda: "All.")() == [("", "All.")]
    assert captioned(lambda: ["One.", "Two."])() == [("A", "One."), ("B", "Two.")]
    assert captioned(lambda: [("C", "One."), "Two."])() == [("C", "One."), ("B", "Two.")]


def test_numbers_of_tasks_are_in_the_order_of_the_design(design):
    assert say_each({"mouse": 1200.0, "human": 3, "other": 1}, design) == "human 3, mouse 1,200"
    assert say_each({"mouse": 0.5}, design, ".2f") == "mouse 0.50"


def test_ranges_and_p_values():
    assert (say_range([]), say_range([5, 5]), say_range([1200, 12])) == ("0", "5", "12 to 1,200")
    assert (say_range([float("nan"), 3]), say_range([float("nan")])) == ("3", "0")
    assert [say_p(p) for p in (float("nan"), 0.02, 1.5e-20)] == ["not tested", "P = 0.020", "P = 1.50 × 10⁻²⁰"]
