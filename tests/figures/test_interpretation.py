"""The figures of what a network attends to show what their tables say, whole, in part and empty."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import PathPatch, Rectangle

from rnamarks.biology.proximity import NO_COORDINATES, NULLS
from rnamarks.dictionary import column_names
from rnamarks.dictionary.tables import TABLES
from rnamarks.figures.attribution import (
    draw_association,
    draw_attention,
    draw_mutations,
    explain_association,
    explain_attention,
    explain_mutations,
)
from rnamarks.figures.captions import say_range, say_small
from rnamarks.figures.catalogue import FIGURES
from rnamarks.figures.design import Design
from rnamarks.figures.motifs import draw_consensus, explain_consensus
from rnamarks.figures.proximity import draw_proximity, explain_proximity
from rnamarks.figures.style import save_figure
from rnamarks.interpretation.association import associate_rows
from rnamarks.interpretation.motif_matches import Database, QuerySet, compare_sets
from rnamarks.interpretation.pwm import PWM
from rnamarks.sequences import encode
from rnamarks.tasks import Task

NAMES = ("m6A", "Y", "I", "m5C")
COLOURS = ("#882255", "#6699CC", "#888888", "#AA4499")
LABELS = ("m6A", "Ψ", "I", "m5C")
TASKS = tuple(
    Task(name, modification=name, label=label, colour=colour)
    for name, label, colour in zip(NAMES, LABELS, COLOURS, strict=True)
)
DESIGN = Design("run", TASKS, (), None, "paper")


def sharp(name, word):
    frequencies = np.full((len(word), 4), 0.02)
    frequencies[np.arange(len(word)), encode(word)] = 0.94
    return PWM(name, frequencies)


def make_profile():
    offsets = np.arange(-10, 11)
    frames = []
    for method in ("attention", "integrated_gradients"):
        for at, name in enumerate(NAMES):
            mean = np.exp(-0.5 * ((offsets - at) / 2.0) ** 2) - (0.3 if method != "attention" else 0)
            frame = {"predictor": "multi", "task": name, "method": method, "offset": offsets, "mean": mean}
            frame |= {"low": mean - 0.1, "high": mean + 0.1, "relative": mean / np.abs(mean).max(), "windows": 50 + at}
            frames.append(pd.DataFrame(frame))
    return pd.concat(frames, ignore_index=True)


def make_consensus():
    found = [[sharp("m6A.attention.1", "AAAACC"), sharp("m6A.attention.2", "UGGACUAC")]]
    found.append([sharp("Y.attention.1", "GUGUAG")])
    sets = [QuerySet("multi", task, "attention", mine) for task, mine in zip(TASKS[:2], found, strict=True)]
    decoys = [PWM(f"d{at}", np.random.default_rng(at).dirichlet(np.full(4, 0.5), 7)) for at in range(20)]
    own = [("m6A", [sharp("motif1", "GGACUAC")]), ("I", [sharp("motif1", "CCCCCCC")])]
    compared = compare_sets(sets, [Database.of_discovered([*own, ("", decoys)])], report=lambda line: None)
    rows = []
    for one in sets:
        for rank, motif in enumerate(one.motifs, 1):
            row = {
                "predictor": "multi",
                "task": one.task.name,
                "method": one.method,
                "motif": motif.name,
                "rank": rank,
                "members": 40,
            }
            row |= {"consensus": motif.consensus(), "width": motif.width, "offset": -3, "offset_fraction": 0.9}
            row |= {"auroc": 0.87, "n_positive": 60, "n_negative": 70, "windows": 100, "subsequences": 200}
            rows.append(row | {"clusters": len(one.motifs), "reason": ""})
    rows.append({"predictor": "multi", "task": "m5C", "method": "attention", "motif": "", "reason": "no cluster of 10"})
    table = pd.DataFrame(rows, columns=column_names("consensus", task_columns=False))
    counts = ["rank", "members", "width", "windows", "subsequences", "clusters"]
    return table.assign(**table[counts].fillna(0).astype(int)), compared.matches, compared.logos


def make_association():
    rows = np.random.default_rng(1).normal(size=(2, 4, 30))
    rows[:, 1] = rows[:, 0]
    first = associate_rows(rows, list(NAMES), permutations=999)
    return pd.concat([first, first.assign(measure="attention", n=80)], ignore_index=True)


def make_mutations():
    rows = []
    for at, name in enumerate(NAMES):
        for control in ("outside", "elsewhere"):
            for unit in ("probability", "logit"):
                row = {
                    "predictor": "multi",
                    "task": name,
                    "method": "attention",
                    "control": control,
                    "unit": unit,
                    "substitutions": 20,
                    "windows": 50,
                }
                row |= dict(inside=0.3, inside_low=0.25, inside_high=0.35, control_mean=0.1, control_low=0.08)
                row |= dict(control_high=0.12, difference=0.2, low=0.15, high=0.25, fraction_larger=0.9, p=0.001)
                rows.append(row | {"q": 0.001 if at else 0.2})
    return pd.DataFrame(rows, columns=column_names("mutations", task_columns=False))


def make_proximity():
    rows = []
    for null in NULLS:
        for at, (a, b) in enumerate(combinations(NAMES, 2)):
            row = {
                "species": "human",
                "task_a": a,
                "task_b": b,
                "modification_a": a,
                "modification_b": b,
                "null": null,
                "permutations": 999,
                "reason": "",
            }
            if at == 5:
                rows.append(row | {"reason": "fewer than 5 transcripts hold both", "permutations": 0})
                continue
            row |= dict(sites_a=30, sites_b=40, transcripts=20, coincident=0, distance=20.0, null_distance=80.0)
            row |= dict(null_low=60.0, null_high=100.0, ratio=0.26 if at == 0 else 1.1, z=-5.0, p_rank=0.002)
            rows.append(row | {"p": 0.001, "q": 0.001 if at == 0 else 0.6})
    return pd.DataFrame(rows, columns=column_names("proximity"))


CASES = {
    "attention": (draw_attention, explain_attention, lambda: (make_profile(),)),
    "consensus": (draw_consensus, explain_consensus, make_consensus),
    "association": (draw_association, explain_association, lambda: (make_association(),)),
    "mutations": (draw_mutations, explain_mutations, lambda: (make_mutations(),)),
    "proximity": (draw_proximity, explain_proximity, lambda: (make_proximity(),)),
}


def texts_of(axes):
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize("name", CASES)
def test_figures_are_drawn_and_explained(name, tmp_path):
    draw, explain, make = CASES[name]
    tables = make()
    for file in ("a.svg", "b.svg"):
        save_figure(draw(*tables, DESIGN), tmp_path / file)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert b"<image" not in (tmp_path / "a.svg").read_bytes()
    for _, text in explain(*tables, DESIGN):
        assert text.endswith(".")
        assert "nan" not in text
        assert any(character.isdigit() for character in text)


@pytest.mark.parametrize("name", CASES)
def test_nothing_to_show(name):
    draw, explain, make = CASES[name]
    empty = [table.iloc[:0] for table in make()]
    figure = draw(*empty, DESIGN)
    assert len(figure.axes) == 1
    assert len(texts_of(figure.axes[0])) == 1
    ((panel, text),) = explain(*empty, DESIGN)
    assert panel == ""
    assert "0 " in text


def test_attention_has_a_cell_per_modification_and_place():
    figure = draw_attention(make_profile(), DESIGN)
    panels = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert [axes.get_title(loc="left") for axes in panels] == ["attention", "integrated gradients"]
    for axes in panels:
        assert sum(isinstance(patch, Rectangle) for patch in axes.patches) == 4 * 21
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ["m6A", "Ψ", "I", "m5C"]
    assert "m6A 50, Ψ 51, I 52, m5C 53" in explain_attention(make_profile(), DESIGN)[0][1]


def test_consensus_shows_the_motif_that_matches():
    figure = draw_consensus(*make_consensus(), DESIGN)
    titles = [axes.get_title() or axes.get_title(loc="left") for axes in figure.axes]
    assert any(title.startswith("m6A  (40/200, AUROC 0.87)") for title in titles)
    assert sum(title.startswith("q ") for title in titles) == 1
    said = [text for axes in figure.axes for text in texts_of(axes)]
    assert "no cluster of 10" in said
    assert "none found without it" in said
    logos = [axes for axes in figure.axes if any(isinstance(artist, PathPatch) for artist in axes.get_children())]
    # query and target of m6A, query of Ψ
    assert len([axes for axes in logos if axes.get_ylim() == (0, 2)]) == 3
    ((panel, text),) = explain_consensus(*make_consensus(), DESIGN)
    assert panel == "A"
    assert "2 of 3 modifications with a cluster" in text
    assert "1 of 1 have q < 0.05" in text


def test_association_marks_what_is_significant():
    figure = draw_association(make_association(), DESIGN)
    panels = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert len(panels) == 2
    stars = [text for text in texts_of(panels[0]) if text == "*"]
    significant = make_association().query("measure == 'score_rows' and q < 0.05")
    assert len(stars) == len(significant) >= 1
    assert "1.00" in texts_of(panels[0])
    labels = [label.get_text() for label in panels[0].get_xticklabels()]
    assert abs(labels.index("m6A") - labels.index("Ψ")) == 1


def test_mutations_have_stars_where_q_is_small():
    figure = draw_mutations(make_mutations(), DESIGN)
    effects, differences = figure.axes[:2]
    assert texts_of(differences).count("*") == 6
    assert effects.get_xlim()[0] == 0
    assert "3 of 4 modifications" in explain_mutations(make_mutations(), DESIGN)[1][1]


def test_proximity_says_what_could_not_be_measured():
    figure = draw_proximity(make_proximity(), DESIGN)
    assert [texts_of(axes).count("*") for axes in figure.axes[:3]] == [1, 1, 1]
    captions = explain_proximity(make_proximity(), DESIGN)
    assert [panel for panel, _ in captions] == ["A", "B", "C"]
    assert "1 closer and 0 farther" in captions[0][1]
    assert "not measured (1 pairs)" in captions[0][1]
    numbers = ["p", "q", "ratio", "z", "p_rank"]
    bare = make_proximity().assign(reason=NO_COORDINATES, **dict.fromkeys(numbers, np.nan))
    assert "on the same transcripts" in texts_of(draw_proximity(bare, DESIGN).axes[0])[0]
    assert "no coordinates (18 rows)" in explain_proximity(bare, DESIGN)[0][1]


def test_words():
    assert [say_small(value) for value in (0.03, 0.0004, 2e-12, float("nan"))] == ["0.03", "4e-4", "2e-12", "–"]
    assert [say_range(values) for values in ([3], [1200, 12], [])] == ["3", "12 to 1,200", "0"]


def test_association_says_why_there_is_none():
    table = make_association().iloc[:1].assign(reason="the network has no attention")
    figure = draw_association(table, DESIGN)
    assert texts_of(figure.axes[0]) == ["the network has no attention"]
    assert explain_association(table, DESIGN)[0][1] == "0 pairs were compared: the network has no attention."


def test_figures_are_entered():
    for entry in (entry for entry in FIGURES.values() if entry.section in ("attention", "motifs", "proximity")):
        assert set(entry.tables) <= set(TABLES)
        module, stem = entry.functions.split(":")
        assert entry._find("draw").__name__ == f"draw_{stem}"
        assert entry._find("explain").__module__.endswith(module)
        assert not entry.shown(DESIGN)
