"""The card of a released model, made from the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from ..errors import InputError
from ..files import write_text
from .directory import CARD, read_config

TEMPLATE = "card.md.jinja"


def write_card(
    folder: str | Path,
    *,
    run: str,
    release: Mapping[str, str],
    metrics: pd.DataFrame,
    leaks: pd.DataFrame,
    limits: Sequence[str] = (),
) -> None:
    """Write ``card.md``: what the model is, what it was trained on, how well it does and where not to trust it.

    Parameters
    ----------
    folder : path-like
        The model directory.
    run : str
    release : mapping
        ``model``, ``setting`` and ``scheme`` of the rows that are meant.
    metrics, leaks : pandas.DataFrame
        Tables of the run.
    limits : sequence of str
        Sentences on where not to trust this model, Markdown.

    Raises
    ------
    InputError
        If the metrics have no rows of the model.
    """
    config, _ = read_config(folder)
    environment = Environment(
        loader=PackageLoader("rnamarks", "models"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["number"] = _number
    text = environment.get_template(TEMPLATE).render(
        config=config,
        run=run,
        release=release,
        limits=limits,
        metrics=_metrics(metrics, release, config.task_names),
        leaks=leaks[
            (leaks["scheme"] == release["scheme"]) & leaks["task"].isin(config.task_names) & (leaks["label"] == "all")
        ].to_dict("records"),
    )
    with write_text(Path(folder) / CARD) as handle:
        handle.write(text)


def _number(value: float | None, digits: int = 3) -> str:
    """A number for the card; a dash where there is none."""
    return "–" if pd.isna(value) else f"{value:.{digits}f}"


def _metrics(
    table: pd.DataFrame, release: Mapping[str, str], tasks: Sequence[str]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Task to metric to row of the ensemble on the test split; models of one task share the setting ``single``."""
    wanted = {name: release[name] for name in ("model", "setting", "scheme")}
    wanted |= {"split": "test", "seed": "ensemble", "against": "own", "choice": ""}
    chosen = table[table["task"].isin(tasks)]
    for column, value in wanted.items():
        chosen = chosen[chosen[column].fillna("").astype(str) == value]
    if chosen.empty:
        raise InputError("the metrics have no rows of the model", value=dict(release), remedy="evaluate it")
    return {
        task: {row["metric"]: row for row in part.to_dict("records")}
        for task, part in chosen.groupby("task", sort=False)
    }
