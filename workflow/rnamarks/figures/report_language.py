"""What the first screen of the report says of language models and downstream tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from .captions import with_interval
from .design import Design
from .downstream import MAIN
from .lookup import MEAN, select
from .predictors import SIMPLE_RULES, SIMPLE_SPACES, find_predictors, say_name, say_set


def name_language_subject(design: Design) -> str:
    """What a run without modifications is about, as a title."""
    return "language models of RNA" if "language" in design.offers else "a corpus of RNA"


def summarise_language(design: Design, tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """``sentences`` and ``cards`` of the first screen; both empty where a run has no such section."""
    sentences: list[str] = []
    cards: list[tuple[str, str]] = []
    if "corpus_drops" in tables:
        kept = int(select(tables["corpus_drops"], subject="corpus", reason="kept")["rows"].sum())
        cards.append((f"{kept:,}", "sequences to learn from"))
    if "perplexity" in tables:
        sentences += _tell_perplexity(tables["perplexity"])
    if "families" in tables:
        sentences += _tell_families(tables["families"])
    if "downstream" in tables:
        table = select(tables["downstream"], split="test")
        cards.append((f"{table['downstream'].nunique()}", "downstream tasks"))
        sentences += _tell_downstream(table)
    if sentences and design.simulated and not design.tasks:
        sentences.append("The data are simulated by known rules; the figures show what is found of them, not biology.")
    return {"sentences": sentences, "cards": cards}


def _tell_perplexity(perplexity: pd.DataFrame) -> list[str]:
    held = select(perplexity, set="held")
    models = held[~held["language"].isin(list(SIMPLE_RULES))]
    if models.empty:
        return []
    best = models.loc[models["perplexity"].idxmin()]
    rules = held[held["language"].isin(list(SIMPLE_RULES))]
    simple = f" The best simple rule is left with {rules['perplexity'].min():.2f}." if len(rules) else ""
    return [
        f"Filling in hidden nucleotides of RNAs held out of the corpus, {say_name(best['language'])} is as undecided "
        f"as among {best['perplexity']:.2f} equally likely ones (4 would be a guess, 1 certainty).{simple}"
    ]


def _tell_families(families: pd.DataFrame) -> list[str]:
    rows = select(families, measure="knn_accuracy")
    models = rows[~rows["language"].isin(list(SIMPLE_SPACES))]
    if models.empty:
        return []
    best, simple = models.loc[models["value"].idxmax()], rows[rows["language"].isin(list(SIMPLE_SPACES))]
    beside = "".join(
        f", by {say_name(row['language'])} for {100 * row['value']:.0f} %" for row in simple.to_dict("records")
    )
    chance = select(families, measure="knn_chance", language=best["language"], seed=best["seed"])["value"].iloc[0]
    return [
        f"By the vectors of {say_name(best['language'])} the nearest RNA is of the same family for "
        f"{100 * best['value']:.0f} % of RNAs{beside}, at random for {100 * chance:.0f} %."
    ]


def _tell_downstream(table: pd.DataFrame) -> list[str]:
    told = []
    means = select(table, metric=list(MAIN), seed=MEAN)
    for where, rows in means.groupby(["downstream", "fold"], sort=False):
        predictors = find_predictors(rows["predictor"])
        ranked = rows.sort_values("value", ascending=False, kind="stable").to_dict("records")
        tuned = next((row for row in ranked if predictors[row["predictor"]].language), None)
        plain = next((row for row in ranked if not predictors[row["predictor"]].language), None)
        parts = [f"{predictors[row['predictor']].label} {with_interval(row)}" for row in (tuned, plain) if row]
        metric = MAIN[ranked[0]["metric"]]
        told.append(f"{say_set(*where)}: {metric} {', best baseline '.join(parts) if tuned else parts[0]}.")
    return told
