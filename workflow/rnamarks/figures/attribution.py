"""What raises a head's logit around the site, and the motifs of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..sequences import ALPHABET
from .design import Design
from .lookup import select
from .marks_interpretation import DIVERGING, nothing, say_range, scale
from .motifs import SIGNIFICANT, draw_pairs, equals, shown_logos
from .palette import FAINT, INK, QUIET
from .style import letter, new_figure, styled

METHODS = {"integrated_gradients": "Integrated gradients", "mutagenesis": "In-silico mutagenesis"}
_SMALL = 0.42
_AROUND = 12


def _first(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the first predictor."""
    return table[table["predictor"] == table["predictor"].iloc[0]] if len(table) else table


def _reach(profile: pd.DataFrame) -> int:
    """Farthest position shown: that of the substitutions."""
    mutated = select(profile, method="mutagenesis")
    return int(mutated["offset"].abs().max()) if len(mutated) else _AROUND


@styled
def draw_attribution(profile: pd.DataFrame, explained: pd.DataFrame, design: Design) -> Figure:
    """Mean attribution of each letter around the site, and the mean change when it is put there; a row per species.

    Parameters
    ----------
    profile, explained : pandas.DataFrame
        Columns of :data:`rnamarks.interpretation.explanation.PROFILE_COLUMNS` and ``EXPLAINED_COLUMNS``.
    design : Design
    """
    profile, explained = _first(profile), _first(explained)
    species = [name for name in design.species if name in set(profile["species"])]
    if not species:
        return nothing("no window was explained")
    reach = _reach(profile)
    figure = new_figure(0.75 + 0.72 * len(species))
    grid = figure.subplots(len(species), len(METHODS), squeeze=False, sharex=True, sharey=True)
    counts = explained.set_index("species")
    for line, name in enumerate(species):
        for axes, method, counted in zip(grid[line], METHODS, ("windows", "mutated"), strict=True):
            rows = select(profile, species=name, method=method)
            largest = _draw_letters(axes, rows[rows["offset"].abs() <= reach], reach)
            axes.annotate(
                f"n = {int(counts[counted][name]):,}; full colour: {largest:.2g} nats",
                (1, 1),
                xycoords="axes fraction",
                xytext=(0, 2),
                textcoords="offset points",
                ha="right",
                fontsize=6.3,
                color=QUIET,
            )
        grid[line, 0].set_title(name, color=design.colours[name], fontsize=8, pad=3)
    for axes, method, panel in zip(grid[0], METHODS, "AB", strict=True):
        axes.annotate(
            METHODS[method],
            (0.5, 1),
            xycoords="axes fraction",
            xytext=(0, 13),
            textcoords="offset points",
            ha="center",
            fontweight="bold",
        )
        letter(axes, panel)
    for axes in grid[-1]:
        axes.set_xlabel("position relative to the middle of the window, nt")
    scale(figure, list(grid.flat), -1.0, 1.0, DIVERGING, "lowers the logit (−1)  …  raises it (1)")
    return figure


def _draw_letters(axes: Axes, rows: pd.DataFrame, reach: int) -> float:
    """A cell per letter and position, small where the interval holds 0; the largest mean, which has full colour."""
    largest = float(rows["mean"].abs().max()) if len(rows) else 0.0
    norm = Normalize(-1.0, 1.0)
    axes.add_patch(Rectangle((-reach - 0.5, -0.5), 2 * reach + 1, 4, facecolor="#DCDCDC", linewidth=0))
    for row in rows.to_dict("records"):
        sure = np.isfinite(row["low"]) and (row["low"] > 0 or row["high"] < 0)
        colour = DIVERGING(norm(row["mean"] / largest if largest else 0.0))
        # a small cell stands on white, since grey says that there is none
        for side, shown in ((0.92, colour),) if sure else ((1.0, "white"), (_SMALL, colour)):
            place = row["offset"] - side / 2, ALPHABET.index(row["letter"]) - side / 2
            axes.add_patch(Rectangle(place, side, side, facecolor=shown, linewidth=0))
    axes.axvline(0, ymin=-0.09, ymax=0, color=INK, linewidth=1.6, clip_on=False)
    axes.set_xlim(-reach - 0.5, reach + 0.5)
    axes.set_ylim(len(ALPHABET) - 0.5, -0.5)
    axes.set_yticks(range(len(ALPHABET)), list(ALPHABET))
    axes.tick_params(axis="y", length=0, labelsize=6.5)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
    return largest


def explain_attribution(profile: pd.DataFrame, explained: pd.DataFrame, design: Design) -> list[tuple[str, str]]:
    """Captions of :func:`draw_attribution`, by panel."""
    profile, explained = _first(profile), _first(explained)
    done = explained[explained["windows"] > 0]
    if done.empty:
        return [("", "The model calls no modified window of any species: 0 windows.")]
    who = done["predictor"].iloc[0]
    against = {
        "composition": "the letters of the species' unmodified windows at the same position",
        "uniform": "equal shares of the letters",
        "zeros": "no letter at all",
        "shuffled": "the window's dinucleotides in random order",
    }[done["baseline"].iloc[0]]
    rest = (
        "full colour is the largest mean of the row. Small cells: the 95 % interval of the mean (Student's t) holds 0"
    )
    return [
        (
            "A",
            f"Mean part of the logit that integrated gradients give to a letter (vertical) at a position (horizontal) "
            f"in the modified windows that hold it there: the most confident calls of {who} in the parts for training "
            f"and validation ({say_range(done['windows'])} per species), against {against}; {rest}. Grey: no window "
            "has the letter; where all have one, it gets nothing. Parts of a window sum to its logit less the "
            "baseline's (median "
            f"{done['difference'].min():.2g} to {done['difference'].max():.2g} nats) with a median error of "
            f"{done['error_median'].min():.2g} to {done['error_median'].max():.2g} nats; "
            f"{100 * np.average(done['complete'], weights=done['windows']):.3g} % of windows are within the tolerance.",
        ),
        (
            "B",
            f"Mean change of the logit when the letter is put there in place of another, in the first "
            f"{say_range(done['mutated'])} of these windows per species; {rest}. Grey: all windows have the letter. "
            f"Rank correlation of A and B over positions of one window: median {done['agreement'].min():.2f} to "
            f"{done['agreement'].max():.2f}. Where windows hold their site anywhere, positions mean little.",
        ),
    ]


@styled
def draw_head_motifs(
    consensus: pd.DataFrame, matches: pd.DataFrame, logos: pd.DataFrame, design: Design, *, most: int = 4
) -> Figure:
    """Consensus motifs of what raises each species' logit, below the proteins' motifs they resemble most.

    Parameters
    ----------
    consensus, matches, logos : pandas.DataFrame
        Columns of :mod:`rnamarks.interpretation.explanation` and
        :data:`rnamarks.interpretation.motif_matches.LOGO_COLUMNS`.
    design : Design
    most : int
        Pairs per species.
    """
    shown = shown_logos(_first(logos), None)
    shown = shown[shown["rank"] <= most]
    by_name = consensus.set_index("motif")
    titles = {}
    for row in _ranked(matches, shown).to_dict("records"):
        motif = by_name.loc[row["query"]]
        place = f" from {int(motif['offset']):+d}".replace("-", "−") if motif["offset_share"] >= 0.3 else ""
        titles[row["species"], int(row["rank"])] = (
            f"{row['target_name']}, q {equals(row['q'])}, null p {row['null_p']:.2g}\n"
            f"{int(motif['members'])} words{place}, AUROC {motif['auroc']:.2f}",
            row["q"] < SIGNIFICANT and row["null_p"] <= SIGNIFICANT,
        )
    return draw_pairs(shown, design, most, titles)


def _ranked(matches: pd.DataFrame, shown: pd.DataFrame) -> pd.DataFrame:
    """The pairs that the logos show."""
    keys = ["predictor", "species", "database", "rank"]
    return matches.merge(shown[keys].drop_duplicates(), on=keys)


def explain_head_motifs(
    consensus: pd.DataFrame, matches: pd.DataFrame, logos: pd.DataFrame, design: Design, *, most: int = 4
) -> list[tuple[str, str]]:
    """Caption of :func:`draw_head_motifs`."""
    shown = shown_logos(_first(logos), None)
    rows = _ranked(matches, shown[shown["rank"] <= most])
    windows, motifs, positives = (
        say_range(_first(consensus)[name].dropna()) for name in ("windows", "clusters", "n_positive")
    )
    if rows.empty:
        return [("", "No consensus motif was compared: 0 matches.")]
    strong = int(((rows["q"] < SIGNIFICANT) & (rows["null_p"] <= SIGNIFICANT)).sum())
    return [
        (
            "",
            "Consensus motifs of the words with most integrated gradients in the most confident true positives of "
            f"{rows['predictor'].iloc[0]} (below; {windows} windows and {motifs} motifs per species), and the motifs "
            "of RNA-binding proteins they resemble most (above): of the motif with most attribution, then of the "
            f"closest, up to {most} per species, no motif and no protein twice. Letter heights in bits against equal "
            "letter frequencies. Words: members of the motif, and where it begins relative to the middle of the "
            "window, nt, if three in ten begin there. AUROC: how the motif's best score ranks the species' test "
            f"windows ({positives} modified). Test: Tomtom; q: Benjamini and Hochberg over the targets of one motif "
            f"({say_range(rows['targets'])}); null p: how often the words at the same places of unmodified windows, "
            f"drawn at random {say_range(rows['null_draws'])} times, give a motif as close to the same protein's. "
            f"{strong} of {len(rows)} pairs have q < 0.05 and a null p up to 0.05; the others' titles are grey.",
        )
    ]
