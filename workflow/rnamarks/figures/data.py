"""How many windows there are, and how many rows were dropped and why."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from .design import Design
from .lookup import select
from .marks import SEQUENTIAL, cell
from .palette import QUIET, ink_on
from .style import letter, new_figure, styled

PARTS = ("train", "valid", "test", "")
PART_LABELS = {"train": "training", "valid": "validation", "test": "test", "": "left out"}
PART_STRENGTH = {"train": 1.0, "valid": 0.62, "test": 0.32}
SPLITS = ("paper", "guarded")
KEPT, NOTE = "kept", "note: "


@styled
def draw_counts(counts: pd.DataFrame, design: Design) -> Figure:
    """Windows of each species by part and label, for both splits.

    Parameters
    ----------
    counts : pandas.DataFrame
        ``split``, ``species``, ``part``, ``label``, ``windows``.
    design : Design
    """
    splits = list(dict.fromkeys(counts["split"]))
    figure = new_figure(0.8 + len(splits) * (0.5 + 0.22 * len(design.species)))
    grid = figure.subplots(len(splits), 2, squeeze=False, sharey=True, sharex="col")
    number = {
        (row["split"], row["species"], row["part"], int(row["label"])): int(row["windows"])
        for row in counts.fillna({"part": ""}).to_dict("records")
    }
    for line, split in enumerate(splits):
        for column, (label, word) in enumerate(((1, "sites"), (0, "others"))):
            axes = grid[line, column]
            longest = max(
                sum(number.get((at, name, part, label), 0) for part in PARTS)
                for name in design.species
                for at in splits
            )
            for at, name in enumerate(design.species):
                left = 0
                for part in PARTS:
                    width = number.get((split, name, part, label), 0)
                    look = {"facecolor": "white", "edgecolor": QUIET, "hatch": "/////", "linewidth": 0.6}
                    if part:
                        look = {"color": _tint(design.colours[name], PART_STRENGTH[part]), "linewidth": 0}
                    axes.barh(at, width, left=left, height=0.72, **look)
                    left += width
                axes.text(left + 0.012 * longest, at, f"{left:,}", va="center", fontsize=7)
            axes.set_xlim(0, 1.14 * max(longest, 1))
            axes.set_yticks(range(len(design.species)), design.species)
            axes.tick_params(axis="y", length=0)
            axes.set_title(f"{split} split, {word}")
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
            axes.xaxis.get_major_locator().set_params(nbins=5, integer=True)
            axes.grid(axis="x")
            if column == 0:
                letter(axes, "AB"[line])
    for axes in grid[-1]:
        axes.set_xlabel("windows")
    grid[0, 0].set_ylim(len(design.species) - 0.45, -0.55)
    handles = [
        Patch(facecolor=_tint("#333333", PART_STRENGTH[part]), label=PART_LABELS[part]) for part in PART_STRENGTH
    ]
    handles.append(Patch(facecolor="white", edgecolor=QUIET, hatch="/////", linewidth=0.6, label=PART_LABELS[""]))
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure


def _tint(colour: str, strength: float) -> tuple[float, float, float]:
    return tuple(1 - strength * (1 - value) for value in to_rgb(colour))


def explain_counts(counts: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_counts`, by panel."""
    texts = []
    for panel, split in zip("AB", dict.fromkeys(counts["split"]), strict=False):
        rows = select(counts, split=split).groupby("label")["windows"].sum()
        texts.append(
            (
                panel,
                f"Windows of each species in the {split} split by part: modified sites on the left "
                f"({int(rows.get(1, 0)):,} in all), others on the right ({int(rows.get(0, 0)):,}). Hatched: left "
                "out of the split; reasons are in the table of dropped rows.",
            )
        )
    return texts


@styled
def draw_drops(drops: pd.DataFrame, design: Design) -> Figure:
    """Rows dropped by reason and species.

    Parameters
    ----------
    drops : pandas.DataFrame
        The *drops* border.
    design : Design
    """
    table = _by_reason(drops)
    columns = [name for name in design.species if name in table.columns]
    columns += [name for name in table.columns if name not in columns]
    values = table[columns].to_numpy(dtype=float)
    figure = new_figure(0.5 + 0.205 * len(table))
    axes = figure.subplots()
    lost = np.array([reason != KEPT and not reason.startswith(NOTE) for _, reason in table.index], dtype=bool)
    largest = np.nanmax(np.where(lost[:, None], np.nan_to_num(values), 1), initial=2.0)
    norm = LogNorm(0.7, max(largest, 2.0))
    for (i, j), value in np.ndenumerate(values):
        colour = SEQUENTIAL(norm(value)) if lost[i] and value > 0 else (1, 1, 1, 1)
        axes.add_patch(cell(j, i, colour))
        if np.isfinite(value):
            text = f"{int(value):,}"
            axes.text(
                j,
                i,
                text,
                ha="center",
                va="center",
                fontsize=6.8,
                color=ink_on(colour[:3]),
                fontweight="bold" if table.index[i][1] == KEPT else "normal",
                fontstyle="italic" if table.index[i][1].startswith(NOTE) else "normal",
            )
    stages = [stage for stage, _ in table.index]
    for at in range(1, len(stages)):
        if stages[at] != stages[at - 1]:
            axes.axhline(at - 0.5, color=QUIET, linewidth=0.8)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), columns)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(table)), [f"{stage}: {_short(reason)}" for stage, reason in table.index], fontsize=7)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _by_reason(drops: pd.DataFrame) -> pd.DataFrame:
    """Rows by (stage and source where that is a split, reason), columns species; ``kept`` last in its stage."""
    rows = drops.fillna({"source": "", "stage": "", "species": ""}).copy()
    of_split = rows["source"].isin(SPLITS)
    rows.loc[of_split, "stage"] = rows.loc[of_split, "source"] + " split"
    stages = list(dict.fromkeys(rows["stage"]))
    order = {
        (stage, reason): (stages.index(stage), reason == KEPT, reason.startswith(NOTE), at)
        for at, (stage, reason) in enumerate(dict.fromkeys(zip(rows["stage"], rows["reason"], strict=True)))
    }
    table = rows.pivot_table(index=["stage", "reason"], columns="species", values="rows", aggfunc="sum")
    return table.loc[sorted(table.index, key=lambda entry: order[entry])]


def _short(text: str, most: int = 58) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def explain_drops(drops: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Caption of :func:`draw_drops`."""
    lost = drops[(drops["reason"] != KEPT) & ~drops["reason"].str.startswith(NOTE)]
    return [
        (
            "",
            "Rows of the input that were dropped, by stage and reason (rows) and species (columns), over all sources "
            f"and both splits: {int(lost['rows'].sum()):,} in all; darker is more, on a logarithmic scale. Bold: rows "
            "kept by the stage; italic: rows that stayed although something is odd about them.",
        )
    ]
