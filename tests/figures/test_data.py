"""Counts and drops."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from rnamarks.figures.data import draw_counts, draw_drops, explain_counts, explain_drops


def test_bars_add_up(design, tables):
    figure = draw_counts(tables["counts"], design)
    assert len(figure.axes) == 4
    sites, others = figure.axes[:2]
    assert sum(bar.get_width() for bar in sites.patches) == 5 * 3
    assert sum(bar.get_width() for bar in others.patches) == 10 * 3
    assert [text.get_text() for text in sites.texts if text.get_text() != "A"] == ["5"] * 3
    assert "(15 in all)" in explain_counts(tables["counts"], design)[0][1]


def test_drops_have_a_row_per_reason_and_kept_last(design, tables):
    axes = draw_drops(tables["drops"], design).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "windows: duplicate sequence",
        "windows: note: windows cut to the centre",
        "windows: kept",
        "paper scheme: test window is an exact copy of a training window",
    ]
    bold = [text.get_text() for text in axes.texts if text.get_fontweight() == "bold"]
    assert bold == ["900"] * 3
    assert "12 in all" in explain_drops(tables["drops"], design)[0][1]


def test_transcripts_that_two_steps_kept_are_counted_once(design, tables):
    steps = [("annotation", "kept", 70), ("genome", "contig not in the genome", 1), ("genome", "kept", 69)]
    rows = [("transcripts", "human", *step) for step in steps]
    drops = pd.concat([pd.DataFrame(rows, columns=tables["drops"].columns), tables["drops"]])
    axes = draw_drops(drops, design).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()][:3] == [
        "transcripts, annotation: kept",
        "transcripts, genome: contig not in the genome",
        "transcripts, genome: kept",
    ]
    bold = [text.get_text() for text in axes.texts if text.get_fontweight() == "bold" and text.get_text()]
    assert bold[:2] == ["70", "69"]


def test_drops_of_a_run_with_language_models_are_of_sets_of_rnas_too(design, tables):
    both = replace(design, offers=design.offers | {"corpus"})
    assert "set of transcripts or set of RNAs (columns)" in explain_drops(tables["drops"], both)[0][1]
    assert "set of RNAs" not in explain_drops(tables["drops"], design)[0][1]
