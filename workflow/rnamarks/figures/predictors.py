"""Language models and predictors of downstream tasks: their order, words and looks in all figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from .lookup import MEAN, select
from .palette import GREYS, ramp

WAYS = {
    "finetuned": "fine-tuned",
    "frozen": "head only",
    "scratch": "not pre-trained",
    "untrained": "head only, not pre-trained",
}
"""Ways of tuning a language model, the last part of a predictor's name."""
SIMPLE_RULES = {
    "composition": "frequencies of nucleotides",
    "markov3": "the three nucleotides before",
    "kmer7": "three nucleotides on either side",
}
"""Rows of the table of perplexities that are no language models."""
BASELINES = {
    "constant": "the same for all",
    "composition": "composition and length",
    "kmer_ridge": "linear, 1- to 5-mers",
    "one_hot": "linear, each position",
    "nearest": "most alike in k-mers",
    "vienna": "ViennaRNA",
}
"""Baselines of downstream tasks in words; others by their names."""
FOLDS = {"given": "published"}
SIMPLE_SPACES = {"untrained": "random weights", "kmer": "3-mers and length"}
"""Rows of the tables of families that are no language models."""
_WAY_LOOKS = {"finetuned": (0.9, "o"), "frozen": (0.55, "s"), "scratch": (0.2, "^"), "untrained": (0.1, "D")}
_BASELINE_MARKERS = "XPvD<>h"


@dataclass(frozen=True)
class Predictor:
    """What answers a downstream task.

    Attributes
    ----------
    name : str
        As in the tables.
    label : str
    language, way : str
        ``""`` for a baseline.
    colour, marker : str
    """

    name: str
    label: str
    language: str
    way: str
    colour: str
    marker: str


def say_name(name: str) -> str:
    """A name of the configuration in words; simple rules and spaces in theirs."""
    return (SIMPLE_RULES | SIMPLE_SPACES).get(name, name.replace("_", " "))


def language_colours(names: Iterable[str]) -> dict[str, str]:
    """A colour of each language model, in their order; grey for simple spaces."""
    trained = [name for name in dict.fromkeys(names) if name not in SIMPLE_SPACES]
    return {name: ramp(at, 0.75) for at, name in enumerate(trained)} | dict.fromkeys(SIMPLE_SPACES, GREYS[1])


def find_predictors(names: Iterable[str]) -> dict[str, Predictor]:
    """Predictors by name: each language model in the order of :data:`WAYS`, then baselines."""
    found = list(dict.fromkeys(names))
    parts = {name: name.rpartition("_") for name in found}
    tuned = [name for name in found if parts[name][2] in WAYS and parts[name][0]]
    languages = list(dict.fromkeys(parts[name][0] for name in tuned))
    order = [f"{language}_{way}" for language in languages for way in WAYS]
    predictors = {}
    for name in sorted(tuned, key=order.index):
        language, _, way = parts[name]
        tint, marker = _WAY_LOOKS[way]
        colour = ramp(languages.index(language), tint)
        predictors[name] = Predictor(name, f"{say_name(language)}, {WAYS[way]}", language, way, colour, marker)
    for at, name in enumerate(name for name in found if name not in predictors):
        look = GREYS[at % len(GREYS)], _BASELINE_MARKERS[at % len(_BASELINE_MARKERS)]
        predictors[name] = Predictor(name, BASELINES.get(name, say_name(name)), "", "", *look)
    return predictors


def say_set(downstream: str, fold: str) -> str:
    """Task and way of splitting in words."""
    return f"{say_name(downstream)}, {FOLDS.get(fold, say_name(fold))} split"


def say_seeds(table: pd.DataFrame) -> str:
    """How many seeds the rows of language models are means of: ``3 seeds``."""
    predictors = find_predictors(table["predictor"])
    tuned = select(table, predictor=[name for name, one in predictors.items() if one.language])
    seeds = tuned.loc[tuned["seed"] != MEAN, "seed"].nunique()
    return "1 seed" if seeds == 1 else f"{seeds} seeds"
