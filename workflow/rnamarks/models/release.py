"""The released model: its seeds as one ensemble, with calibration, thresholds and a model card made from the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from ..errors import InputError
from ..evaluation.calibration import Calibration
from ..files import write_text
from .checkpoint import ModelConfig, load_members, save_model

CARD = "card.md"


def pack_release(
    folders: Sequence[str | Path],
    folder: str | Path,
    *,
    calibration: pd.DataFrame,
    thresholds: pd.DataFrame,
    release: Mapping[str, str],
) -> ModelConfig:
    """Join the trainings of several seeds into one model directory.

    Parameters
    ----------
    folders : sequence of path-like
        Model directories that differ in nothing but the seed.
    folder : path-like
        Where to write.
    calibration, thresholds : pandas.DataFrame
        Tables of the evaluation; the rows of the ensemble of this model, setting and split are taken.
    release : mapping
        ``model``, ``setting``, ``split``, as the tables name them.
    """
    members, configs = [], []
    for source in folders:
        states, config = load_members(source)
        members += states
        configs.append(config)
    first = configs[0]
    for config in configs[1:]:
        if (config.heads, config.window, config.hyperparameters) != (first.heads, first.window, first.hyperparameters):
            raise InputError("the models to release differ in more than the seed", value=[str(f) for f in folders])
    chosen = _rows(calibration, release, first.heads)
    fields = list(Calibration.__dataclass_fields__)
    first.calibration = {
        row["species"]: Calibration(**{name: row[name] for name in fields}).to_dict()
        for row in chosen.to_dict("records")
    }
    first.thresholds = {
        head: [
            {
                "target_precision": row["target_precision"],
                "probability": row["probability"],
                "recall": row["recall"],
                "prevalence": row["prevalence"],
                "note": row["note"] if isinstance(row["note"], str) else "",
            }
            for row in part.astype(object).where(part.notna(), None).to_dict("records")
        ]
        for head, part in _rows(thresholds, release, first.heads).groupby("species")
    }
    first.training["seeds"] = [config.training["seed"] for config in configs]
    first.training.pop("seed", None)
    first.training.pop("best_round", None)
    save_model(folder, members, first)
    return first


def write_card(
    folder: str | Path,
    config: ModelConfig,
    *,
    run: str,
    release: Mapping[str, str],
    metrics: pd.DataFrame,
    thresholds: pd.DataFrame,
    leaks: pd.DataFrame,
) -> None:
    """Write ``card.md``: what the model is, what it was trained on, how well it does and where not to trust it."""
    environment = Environment(
        loader=PackageLoader("rnamarks", "models"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["number"] = _number
    mine = _rows(metrics[metrics["part"] == "test"], release, config.heads)
    values: dict[str, dict[str, Any]] = {
        head: {row["metric"]: row for row in part.to_dict("records")} for head, part in mine.groupby("species")
    }
    text = environment.get_template("card.md.jinja").render(
        config=config,
        run=run,
        release=release,
        metrics=values,
        thresholds={
            head: part.to_dict("records") for head, part in _rows(thresholds, release, config.heads).groupby("species")
        },
        leaks=leaks[
            (leaks["split"] == release["split"]) & leaks["species"].isin(config.heads) & (leaks["label"] == "all")
        ].to_dict("records"),
    )
    with write_text(Path(folder) / CARD) as handle:
        handle.write(text)


def _number(value: float, digits: int = 3) -> str:
    """A number for the card; a dash where there is none."""
    return "–" if pd.isna(value) else f"{value:.{digits}f}"


def _rows(table: pd.DataFrame, release: Mapping[str, str], heads: Sequence[str]) -> pd.DataFrame:
    """The ensemble's rows; models of one species share the setting ``single``, so heads tell them apart."""
    chosen = table[
        (table["model"] == release["model"])
        & (table["setting"] == release["setting"])
        & (table["split"] == release["split"])
        & (table["seed"].astype(str) == "ensemble")
        & table["species"].isin(heads)
    ]
    if chosen.empty:
        raise InputError("the evaluation has no rows of the model to release", value=dict(release))
    return chosen
