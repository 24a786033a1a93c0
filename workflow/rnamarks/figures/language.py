"""Pre-training: what the corpus is made of, its relatives in later tests, how training went, perplexity."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from .captions import Captions, captioned, say_range, with_interval
from .data import KEPT, NOTE, draw_drops
from .design import Design
from .lookup import select
from .palette import CHANCE, DASHES, INK
from .panels import (
    DASHED,
    add_letters,
    draw_interval,
    label_bottom,
    legend_entry,
    panel_grid,
    place_legend,
    rows_axis,
    write_values,
)
from .predictors import SIMPLE_RULES, language_colours, say_name
from .style import WIDTH, new_figure, styled

SET_LABELS = {"held": "held out of the corpus"}
RULE_DASHES = {"composition": DASHES[0], "markov3": DASHED, "kmer7": DASHES[2]}
_MARKERS = "osD^vP"
ALIKE = 1.5
"""Sizes within this ratio count as one, and models stand side by side instead of along an axis of sizes."""


def draw_corpus_drops(corpus_drops: pd.DataFrame, design: Design) -> Figure:
    """Sequences of the corpus by reason and source."""
    columns = [
        f"{say_name(source)}\n(judged)" if subject == "judged" else say_name(source)
        for subject, source in zip(corpus_drops["subject"], corpus_drops["source"], strict=True)
    ]
    return draw_drops(corpus_drops.assign(subject=columns, source=""), design)


@captioned
def explain_corpus_drops(corpus_drops: pd.DataFrame, design: Design) -> Captions:
    """Caption of :func:`draw_corpus_drops`."""
    counted = ~corpus_drops["reason"].str.startswith(NOTE)
    own = corpus_drops["subject"] == "corpus"
    kept = corpus_drops.loc[own & (corpus_drops["reason"] == KEPT), "rows"].sum()
    total = corpus_drops.loc[own & counted, "rows"].sum()
    return (
        f"Sequences of each source (columns) by what became of them (rows): of {int(total):,} sequences {int(kept):,} "
        "stay in the corpus (bold); the others are dropped for the reason given, darker is more. Italic: counts of "
        "what stays. All: counts of the corpus as a whole. Judged: sets that models are only judged on."
    )


@styled
def draw_relatives(relatives: pd.DataFrame, design: Design) -> Figure:
    """RNAs of later tests that resemble the corpus, one bar per set and split."""
    figure = new_figure(0.85 + 0.24 * len(relatives), 0.85 * WIDTH)
    axes = figure.subplots()
    labels = []
    for at, row in enumerate(relatives.to_dict("records")):
        axes.barh(at, 100 * row["fraction"], height=0.66, color=CHANCE, linewidth=0)
        counts = f"{int(row['related']):,} of {int(row['examples']):,}; {int(row['removed']):,} removed"
        axes.text(100 * row["fraction"] + 1, at, counts, va="center", fontsize=7)
        part = "" if row["split"] == "judged" else f", {row['split']}"
        labels.append(f"{say_name(row['downstream'])}{part}")
    rows_axis(axes, labels)
    # room for the counts behind a full bar
    axes.set_xlim(0, 145)
    axes.set_xticks(range(0, 101, 20))
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.spines["bottom"].set_bounds(0, 100)
    axes.set_xlabel("RNAs with a relative in the corpus before removal, %", loc="left")
    return figure


@captioned
def explain_relatives(relatives: pd.DataFrame, design: Design) -> Captions:
    """Caption of :func:`draw_relatives`."""
    identity = ", ".join(f"{100 * value:.0f} %" for value in sorted(set(relatives["identity"])))
    return (
        f"For each set that language models are tested on: its RNAs that have a sequence of at least {identity} "
        f"identity in the corpus, in percent and as numbers, and how many sequences left the corpus because of them; "
        "one that resembles several sets counts for each. What was removed is trained on by no model of this run; an "
        "imported model was trained elsewhere, on sequences that nobody removed."
    )


@styled
def draw_pretraining(language_histories: pd.DataFrame, design: Design) -> Figure:
    """Perplexity of held-out sequences, and training loss, by epoch: a line per model and seed."""
    colours = language_colours(language_histories["language"])
    figure = new_figure(2.9)
    grid = left, right = figure.subplots(1, 2)
    for (language, _), rows in language_histories.groupby(["language", "seed"], sort=False):
        rows = rows.sort_values("epoch")
        marker = {"marker": "o", "markersize": 3} if len(rows) < 30 else {}
        for axes, column in ((left, "perplexity"), (right, "loss")):
            axes.plot(rows["epoch"], rows[column], color=colours[language], **marker)
        best = rows.loc[rows["nll"].idxmin()]
        left.plot(best["epoch"], best["perplexity"], "o", color=colours[language], markersize=7, fillstyle="none")
    for axes, label in ((left, "perplexity of held-out nucleotides"), (right, "training loss, nats per nucleotide")):
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        axes.grid(axis="y")
        axes.xaxis.get_major_locator().set_params(integer=True)
    add_letters(grid)
    names = dict.fromkeys(language_histories["language"])
    entries = [legend_entry(say_name(name), colours[name]) for name in names]
    place_legend(figure, [*entries, legend_entry("the epoch that is kept", marker="o", hollow=True, line="none")], 5)
    return figure


@captioned
def explain_pretraining(language_histories: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_pretraining`, by panel."""
    best = language_histories.loc[language_histories.groupby(["language", "seed"], sort=False)["nll"].idxmin()]
    told = ", ".join(f"{say_name(row.language)} {row.perplexity:.2f} (epoch {row.epoch})" for row in best.itertuples())
    return [
        "Pre-training: nucleotides are hidden and the model fills them in. Perplexity on sequences of the corpus that "
        "are never trained on, after each epoch; 1 would be certainty, 4 a guess among four nucleotides. Circle: the "
        f"epoch whose weights are kept: {told}.",
        "Mean loss on the training sequences of each epoch, as negative log-likelihood of a hidden nucleotide in nats "
        f"(ln 4 = 1.39 for a guess), over {say_range(language_histories.groupby('language')['epoch'].max())} epochs. "
        "Where it falls while A rises, a model learns its training sequences by heart.",
    ]


@styled
def draw_perplexity(perplexity: pd.DataFrame, design: Design) -> Figure:
    """Perplexity by the size of the model, a panel per set of RNAs; by model where all have one size."""
    sets, models = _sets(perplexity), _models(perplexity)
    colours = language_colours(models)
    sizes = select(perplexity, language=models).groupby("language")["parameters"].max().to_dict()
    by_size = len(models) > 1 and max(sizes.values()) > ALIKE * min(sizes.values())
    height = 2.35 if by_size else 0.75 + 0.22 * (len(models) + len(_rules(perplexity)))
    columns = 3 if by_size else 2
    figure, grid = panel_grid(len(sets), columns, height=height, above=0.45, sharex=True, sharey=True)
    for axes, name in zip(grid.flat, sets, strict=False):
        here = select(perplexity, set=name)
        axes.set_title(_title(here, name), fontsize=7.5)
        draw = _draw_by_size if by_size else _draw_by_model
        draw(axes, here, models, colours)
    label = "perplexity (1 certain, 4 a guess)"
    if by_size:
        label_bottom(grid, "weights of the model")
        figure.supylabel(label, fontsize=8)
        entries = [legend_entry(say_name(name), colours[name], _MARKERS[at % 6]) for at, name in enumerate(models)]
        entries += [legend_entry(SIMPLE_RULES[name], CHANCE, line=RULE_DASHES[name]) for name in _rules(perplexity)]
        place_legend(figure, entries, 4)
    else:
        label_bottom(grid, label)
    if len(sets) > 1:
        add_letters(grid.flat)
    return figure


def _sets(perplexity: pd.DataFrame) -> list[str]:
    return sorted(dict.fromkeys(perplexity["set"]), key=lambda name: name != "held")


def _models(perplexity: pd.DataFrame) -> list[str]:
    return [name for name in dict.fromkeys(perplexity["language"]) if name not in SIMPLE_RULES]


def _rules(perplexity: pd.DataFrame) -> list[str]:
    return [name for name in SIMPLE_RULES if name in set(perplexity["language"])]


def _title(rows: pd.DataFrame, name: str) -> str:
    return f"{SET_LABELS.get(name, say_name(name))}\n{int(rows['sequences'].max()):,} RNAs"


def _draw_by_size(axes: Axes, rows: pd.DataFrame, models: list[str], colours: dict[str, str]) -> None:
    for name in _rules(rows):
        value = select(rows, language=name)["perplexity"].iloc[0]
        axes.axhline(value, color=CHANCE, linestyle=RULE_DASHES[name], linewidth=1.1, zorder=1)
    for at, name in enumerate(models):
        for row in select(rows, language=name).to_dict("records"):
            look = {"keys": ("perplexity", "low", "high"), "marker": _MARKERS[at % 6], "size": 6, "upright": True}
            draw_interval(axes, row["parameters"], row, colours[name], **look)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter(lambda value, _: _say_size(value))
    axes.xaxis.set_minor_formatter(lambda value, _: "")
    axes.margins(x=0.12)
    axes.grid(axis="y")


def _draw_by_model(axes: Axes, rows: pd.DataFrame, models: list[str], colours: dict[str, str]) -> None:
    names = [*models, *_rules(rows)]
    for at, name in enumerate(names):
        mine = select(rows, language=name).to_dict("records")
        for row in mine:
            colour = colours.get(name, CHANCE)
            marker = "X" if name in SIMPLE_RULES else "o"
            draw_interval(axes, at, row, colour, keys=("perplexity", "low", "high"), marker=marker, size=6)
        write_values(axes, at, [row["perplexity"] for row in mine])
    sizes = select(rows, language=models).groupby("language")["parameters"].max()
    labels = [f"{say_name(name)} ({_say_size(sizes[name])})" if name in sizes else say_name(name) for name in names]
    rows_axis(axes, labels)


def _say_size(count: float) -> str:
    for power, unit in ((9, "G"), (6, "M"), (3, "k")):
        if count >= 10**power:
            return f"{count / 10**power:.3g}{unit}"
    return f"{count:.3g}"


@captioned
def explain_perplexity(perplexity: pd.DataFrame, design: Design) -> Captions:
    """Captions of :func:`draw_perplexity`, by panel where there are several."""
    texts = []
    for name in _sets(perplexity):
        here = select(perplexity, set=name)
        told = ", ".join(
            f"{say_name(row['language'])} {with_interval(row | {'value': row['perplexity']}, 2)}"
            for row in here.drop_duplicates("language").to_dict("records")
        )
        what = (
            "sequences of the corpus whose clusters were held out of pre-training"
            if name == "held"
            else f"RNAs of {say_name(name)}, on which no model of this run was trained"
        )
        texts.append(
            f"Perplexity of hidden nucleotides in {int(here['sequences'].max()):,} {what} "
            f"({int(here['nucleotides'].max()):,} hidden nucleotides): among how many equally likely nucleotides the "
            "model is still undecided, 1 if certain, 4 for a guess, more if often wrong and sure of it. Intervals: "
            "95 %, bootstrap of RNAs. Lines or "
            f"crosses: simple rules that were fitted to the corpus. {told}."
        )
    return texts if len(texts) > 1 else texts[0]
