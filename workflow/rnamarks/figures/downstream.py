"""Downstream tasks of language models: scores by target, and paired differences; Figures 3, 5 and 6 of the paper."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .captions import Captions, captioned, with_interval
from .design import Design
from .lookup import MEAN, rows_by, select, turn_round
from .palette import CHANCE, INK, QUIET
from .panels import DIFFERENCE, bare_rows, draw_interval, leaves_out, legend_entry, nothing, place_legend, write_beside
from .predictors import WAYS, Predictor, find_predictors, say_seeds, say_set
from .style import new_figure, styled

METRICS = {
    "pairs": {"f1": "F1", "precision": "precision", "recall": "recall"},
    "label": {"accuracy": "accuracy", "f1": "F1", "auprc": "AUPRC"},
    "value": {"r2": "R²", "r2_pearson": "r² (squared correlation)"},
}
"""Metrics of each target that are drawn, and what they are called."""
RELAXED = "_relaxed"
MAIN = {"f1": "F1", "r2": "R²"}
"""The metric in which predictors of a task are compared: the one of these that its target has."""
MEANINGS = {
    "pairs": (
        "base pairs of RNAs: precision (predicted pairs that are known), recall (known pairs that are predicted) and "
        "their harmonic mean F1, each the mean over RNAs. Filled: both ends of a pair are right; open: one end may be "
        "off by one nucleotide"
    ),
    "label": (
        "classes of RNAs: accuracy (fraction that is right), F1 (of the positive class, or the mean over classes where "
        "there are more than two) and, of two classes, the area under the precision-recall curve (AUPRC). Red: the "
        "AUPRC of a random order, which is the fraction of positives"
    ),
    "value": (
        "a measured value of RNAs: R² (1: exact, 0: no better than the mean, below 0: worse), and the squared "
        "correlation r², which overlooks errors of scale and offset; R² below −1 is only written beside its row"
    ),
}
WAY_MEANINGS = {
    "finetuned": "all weights were trained on the task, beginning with those of pre-training",
    "frozen": "pre-trained weights were left as they were",
    "scratch": "all weights were trained, beginning with random ones",
    "untrained": "random weights were left as they were",
}
"""What became of a language model's weights by :data:`~rnamarks.figures.predictors.WAYS`."""
_ROW, _HEAD = 0.185, 0.30
"""Inches of a row, and of the line above a block."""


class Blocks:
    """Labelled rows in one column of axes, a block per task and way of splitting.

    Parameters
    ----------
    blocks : mapping of (downstream, fold) to sequence of (label, item)
        Items are whatever is drawn in a row.
    heads : mapping of (downstream, fold) to str
        Written above each block.
    """

    def __init__(
        self, blocks: Mapping[tuple[str, str], Sequence[tuple[str, Any]]], heads: Mapping[tuple[str, str], str]
    ) -> None:
        self.blocks, self.heads = blocks, heads
        # places count rows of the height _ROW
        self.starts, at = {}, 0.0
        for where, rows in blocks.items():
            self.starts[where] = at + _HEAD / _ROW
            at += _HEAD / _ROW + len(rows)
        self.end = at

    @classmethod
    def of_predictors(cls, table: pd.DataFrame) -> Blocks:
        """Predictors of a table as items, the number of test RNAs above each block."""
        predictors, blocks, heads = find_predictors(table["predictor"]), {}, {}
        for where, rows in table.groupby(["downstream", "fold"], sort=False):
            present = set(rows["predictor"])
            blocks[where] = [(one.label, one) for name, one in predictors.items() if name in present]
            heads[where] = f"{say_set(*where)}: {int(rows['examples'].max()):,} RNAs"
        return cls(blocks, heads)

    @property
    def height(self) -> float:
        """Inches of the axes."""
        return self.end * _ROW

    def rows(self) -> Iterator[tuple[float, tuple[str, str], Any]]:
        """Place, task and split, and item of each row."""
        for where, rows in self.blocks.items():
            for at, (_, item) in enumerate(rows):
                yield self.starts[where] + at, where, item

    def finish(self, axes: Axes, first: bool = True) -> None:
        """Heads of blocks and labels of rows in the first column, and no line on the axis."""
        labels = [label for rows in self.blocks.values() for label, _ in rows]
        axes.set_yticks([at for at, _, _ in self.rows()], labels)
        axes.set_ylim(self.end - 0.4, -0.5)
        bare_rows(axes)
        axes.tick_params(labelleft=first)
        for where, start in self.starts.items() if first else ():
            place = {"transform": axes.get_yaxis_transform(), "va": "center"}
            axes.text(0, start - _HEAD / _ROW / 2 - 0.5, self.heads[where], fontsize=7.5, fontweight="bold", **place)


def predictor_legend(predictors: Iterable[Predictor]) -> list[Line2D]:
    """Legend entries of predictors."""
    return [legend_entry(one.label, one.colour, one.marker, line="none") for one in predictors]


@styled
def draw_scores(downstream: pd.DataFrame, design: Design, target: str) -> Figure:
    """Metrics of every predictor on the test split, a block per task and split, a column per metric.

    Parameters
    ----------
    target : {"pairs", "label", "value"}
    """
    table = select(downstream, target=target, split="test")
    metrics = {name: label for name, label in METRICS[target].items() if name in set(table["metric"])}
    table = select(table, metric=[*metrics, *(name + RELAXED for name in metrics)])
    blocks = Blocks.of_predictors(table)
    means = rows_by(select(table, seed=MEAN), "downstream", "fold", "predictor", "metric")
    figure = new_figure(blocks.height + 0.85)
    grid = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    lowest = table.loc[table["metric"].isin(metrics), ["value", "low"]].min().min()
    for axes, (metric, label) in zip(grid, metrics.items(), strict=True):
        for at, where, predictor in blocks.rows():
            row, relaxed = (means.get((*where, predictor.name, name)) for name in (metric, metric + RELAXED))
            look = {"marker": predictor.marker}
            if relaxed:
                draw_interval(axes, at, relaxed, predictor.colour, hollow=True, size=5, **look)
            if row:
                seeds = _seeds(table, where, predictor.name, metric)
                axes.plot(seeds, [at + 0.33] * len(seeds), ".", color=predictor.colour, markersize=3, alpha=0.7)
                draw_interval(axes, at, row, predictor.colour, size=5, **look)
                write_beside(axes, at, f"{row['value']:.2f}".replace("-", "−"), 6.5)
                if lowest < 0:
                    axes.plot([0, 0], [at - 0.5, at + 0.5], color=QUIET, linewidth=0.9, zorder=1)
                if metric == "auprc" and np.isfinite(row["prevalence"]):
                    axes.plot([row["prevalence"]] * 2, [at - 0.5, at + 0.5], color=CHANCE, linewidth=1.4, zorder=1)
        # a fraction's axis begins at 0 and ends at 1; R² may be below
        axes.set_xlim(min(0.0, max(-1.0, lowest) * 1.05) - 0.02, 1.02)
        axes.set_xlabel(label)
        axes.locator_params(axis="x", nbins=4)
        blocks.finish(axes, axes is grid[0])
    place_legend(figure, _legend(target, table), 4)
    return figure


def _seeds(table: pd.DataFrame, where: tuple[str, str], predictor: str, metric: str) -> list[float]:
    """The metric of single seeds, where there are several."""
    rows = select(table, downstream=where[0], fold=where[1], predictor=predictor, metric=metric)
    values = rows.loc[rows["seed"] != MEAN, "value"].tolist()
    return values if len(values) > 1 else []


def _legend(target: str, table: pd.DataFrame) -> list[Line2D]:
    entries = []
    if target == "pairs":
        entries += [
            legend_entry("both ends right, 95 % interval", marker="o"),
            legend_entry("one end may be off by one", marker="o", hollow=True),
        ]
    else:
        entries.append(legend_entry("95 % interval", marker="o"))
    if table.loc[table["seed"] != MEAN].groupby(["downstream", "fold", "predictor"])["seed"].nunique().max() > 1:
        entries.append(legend_entry("one seed", QUIET, ".", line="none"))
    if "auprc" in set(table["metric"]):
        entries.append(legend_entry("random order (prevalence)", CHANCE))
    return entries


@captioned
def explain_scores(downstream: pd.DataFrame, design: Design, target: str) -> Captions:
    """Caption of :func:`draw_scores`."""
    table = select(downstream, target=target, split="test")
    means, best = select(table, metric=list(MAIN), seed=MEAN), []
    for where, rows in means.groupby(["downstream", "fold"], sort=False):
        row = rows.loc[rows["value"].idxmax()]
        label = find_predictors([row["predictor"]])[row["predictor"]].label
        best.append(f"{say_set(*where)} ({int(row['examples']):,} RNAs) {label} {with_interval(row)}")
    used = {one.way for one in find_predictors(table["predictor"]).values()}
    ways = "; ".join(f"{WAYS[way]}: {meaning}" for way, meaning in WAY_MEANINGS.items() if way in used)
    return (
        f"Predictions of {MEANINGS[target]}. Test split, mean over {say_seeds(table)} of language models, with 95 % "
        f"bootstrap intervals over RNAs. {f'{ways[0].upper()}{ways[1:]}. ' if ways else ''}Grey: baselines. "
        f"Highest {MAIN[means['metric'].iloc[0]]}: {'; '.join(best)}."
    )


@styled
def draw_differences(downstream_differences: pd.DataFrame, design: Design) -> Figure:
    """Fine-tuned language models minus every other predictor, paired, in the main metric of each task."""
    table = _against_finetuned(downstream_differences)
    if table.empty:
        return nothing("no language model was fine-tuned")
    members, heads = {}, {}
    for where, rows in table.groupby(["downstream", "fold"], sort=False):
        members[where] = [(row["pair"], row) for row in rows.to_dict("records")]
        row = members[where][0][1]
        heads[where] = f"{say_set(*where)}: {MAIN[row['metric']]}, {int(row['examples']):,} RNAs"
    blocks = Blocks(members, heads)
    figure = new_figure(blocks.height + 0.75)
    axes = figure.subplots()
    for at, _, row in blocks.rows():
        draw_interval(axes, at, row, row["colour"], keys=DIFFERENCE, hollow=not leaves_out(row), size=5.5)
        write_beside(axes, at, f"{row['difference']:+.3f}".replace("-", "−"), 7)
        axes.plot([0, 0], [at - 0.5, at + 0.5], color=INK, linewidth=0.9, zorder=1)
    blocks.finish(axes)
    axes.margins(x=0.06)
    axes.set_xlabel("← the other is better        difference        fine-tuned is better →")
    entries = [
        legend_entry("95 % interval leaves out zero", marker="o"),
        legend_entry("95 % interval holds zero", marker="o", hollow=True),
    ]
    place_legend(figure, entries)
    return figure


def _against_finetuned(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of a fine-tuned model minus another predictor: other ways of it, baselines, then other fine-tuned ones."""
    rows = select(table, split="test", metric=list(MAIN))
    predictors = find_predictors([*rows["first"], *rows["second"]])
    order = {name: at for at, name in enumerate(predictors)}
    kept = []
    for row in rows.to_dict("records"):
        first, second = predictors[row["first"]], predictors[row["second"]]
        if second.way == "finetuned" and (first.way != "finetuned" or order[second.name] < order[first.name]):
            first, second, row = second, first, turn_round(row)
        # of two language models only what both became by fine-tuning is compared
        if first.way != "finetuned" or (second.language not in ("", first.language) and second.way != "finetuned"):
            continue
        kept.append(row | {"pair": f"{first.label} − {_short(second, first)}", "colour": first.colour})
        kept[-1]["rank"] = (order[first.name], order[second.name])
    found = pd.DataFrame(kept, columns=[*table.columns, "pair", "colour", "rank"])
    return found.sort_values("rank", kind="stable") if len(found) else found


def _short(second: Predictor, first: Predictor) -> str:
    """The other predictor, by its way alone where it is the same language model."""
    return WAYS[second.way] if second.language == first.language else second.label


@captioned
def explain_differences(downstream_differences: pd.DataFrame, design: Design) -> Captions:
    """Caption of :func:`draw_differences`."""
    table = _against_finetuned(downstream_differences)
    better, worse = int((table["low"] > 0).sum()), int((table["high"] < 0).sum())
    return (
        "What fine-tuning a pre-trained model is worth on the same test RNAs: its metric minus that of the same "
        "network from random weights (not pre-trained), of its head alone over pre-trained or random weights, of "
        "baselines, and of other fine-tuned models. Paired bootstrap over RNAs, 95 % intervals. Right of zero the "
        "fine-tuned model is better. "
        f"Of {len(table)} comparisons it is better in {better} and worse in {worse} by an interval without zero."
    )
