"""What raises each head's logit, and the motifs of it, in runs about species."""

from __future__ import annotations

from ..columns import Table, columns
from ..design import Design
from ..entry import FigureEntry
from .marks_interpretation import TABLES as MARKS
from .motifs import TABLES as MOTIFS

_WHO = (
    ("predictor", "text", "name of the model in the configuration"),
    ("species", "text", "species, the head of the model"),
)


def _taken(table: Table, *without: str) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (column.name, column.kind, column.meaning.replace("<mark>", "<predictor>.<species>").replace("mark", "head"))
        for column in table.columns
        if column.name not in without
    )


TABLES: dict[str, Table] = {
    "attribution": Table(
        "interpretation/attribution.tsv",
        "How well the attributions of a head's most confident true positives add up.",
        columns(
            *_WHO,
            ("windows", "count", "windows explained by integrated gradients"),
            ("mutated", "count", "of them, windows mutated, too"),
            ("baseline", "text", "`composition` (letters of the unmodified windows), `uniform`, `zeros` or `shuffled`"),
            ("logit", "number", "median logit of the windows, natural-log odds as trained"),
            ("difference", "number", "median logit less the baseline's, nats: what the attributions should sum to"),
            ("error_median", "number", "median of the absolute difference between sum and that, nats"),
            ("error_largest", "number", "largest of them, nats"),
            ("steps", "number", "mean number of points on the path"),
            ("complete", "share", "windows whose error is within the tolerance"),
            (
                "agreement",
                "number",
                "median over windows of the rank correlation of integrated gradients and mutagenesis over positions",
            ),
        ),
    ),
    "attribution_profile": Table(
        "interpretation/attribution_profile.tsv",
        "Mean attribution of each letter at each position of the window.",
        columns(
            *_WHO,
            (
                "method",
                "text",
                "`integrated_gradients` (the letter's part of the logit, in windows that hold it) or `mutagenesis` "
                "(change of the logit with the letter put there, in windows that hold another)",
            ),
            ("offset", "number", "position relative to the middle of the window, nt, negative upstream"),
            ("letter", "text", "RNA letter"),
            ("mean", "number", "mean over windows, nats of log odds"),
            ("low", "number", "lower end of the mean's 95 % interval, Student's t; empty for one window"),
            ("high", "number", "upper end"),
            ("windows", "count", "windows of the mean"),
        ),
    ),
    "consensus": Table(
        "interpretation/consensus.tsv",
        "Consensus motifs of the words with most attribution; a head without one has a row that gives the reason.",
        columns(*_WHO, *_taken(MARKS["marks_consensus"], "modification", "method")),
    ),
    "consensus_matches": Table(
        "interpretation/consensus_matches.tsv",
        "Consensus motifs beside known motifs: each motif's best pair and those with q < 0.05 or E < 10.",
        columns(
            *_taken(MOTIFS["motif_matches"]),
            ("q_all", "number", "Benjamini and Hochberg's q over all pairs of the head's motifs and the database"),
            (
                "null_p",
                "share",
                "draws of words at the same places of unmodified windows in which a motif resembles the same target as "
                "well, counted with one more",
            ),
            ("null_draws", "count", "draws"),
        ),
    ),
    "consensus_logos": Table(
        "interpretation/consensus_logos.tsv",
        "Letter heights of the pairs that have a rank.",
        columns(*_taken(MOTIFS["motif_logos"])),
    ),
}


def _shown(design: Design) -> bool:
    return "attribution" in design.analyses


FIGURES: tuple[FigureEntry, ...] = (
    FigureEntry(
        "attribution",
        "Attribution",
        "Letters that raise the logit",
        "motifs",
        "Integrated gradients and in-silico mutagenesis of each letter around the site, per species.",
        ("attribution_profile", "attribution"),
        "attribution:attribution",
        shown=_shown,
    ),
    FigureEntry(
        "consensus_motifs",
        "Consensus motifs",
        "Motifs of the letters that raise the logit",
        "motifs",
        "Logos of consensus motifs of integrated gradients and the known motifs they resemble, per species.",
        ("consensus", "consensus_matches", "consensus_logos"),
        "attribution:head_motifs",
        shown=lambda design: _shown(design) and "motifs" in design.analyses,
    ),
)
