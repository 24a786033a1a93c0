"""The card of a released model, made from the run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import InputError
from ..files import write_text
from .directory import CARD, RELEASED, read_config

TEMPLATE = "card.md.jinja"
_LICENCE = "Licence of the weights: "


def write_card(
    folder: str | Path,
    *,
    run: str,
    release: Mapping[str, str],
    metrics: pd.DataFrame,
    leaks: pd.DataFrame,
    sources: pd.DataFrame | None = None,
    laboratories: pd.DataFrame | None = None,
    licence: str = "",
    resampled: str = "windows",
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
    sources : pandas.DataFrame, optional
        Table ``sources`` of the run: its published files are the data that the card names.
    laboratories : pandas.DataFrame, optional
        Table ``laboratories`` of the run: how the model does on the windows of other laboratories.
    licence : str
        Of the weights.
    resampled : {"windows", "genes"}
        What the intervals of the metrics come from.
    limits : sequence of str
        Sentences on where not to trust this model, Markdown.

    Raises
    ------
    InputError
        If the metrics have no rows of the model.
    """
    # the commands that read a card do not write one
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from .combiner import check_record

    config, _ = read_config(folder)
    # networks below trees may have learned from windows that are none of the model's tasks
    learned = list(dict.fromkeys([*config.task_names, *config.heads]))
    environment = Environment(
        loader=PackageLoader("rnamarks", "models"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"number": _number, "bounded": _bounded}
    text = environment.get_template(TEMPLATE).render(
        config=config,
        run=run,
        release=release,
        limits=limits,
        licence=licence,
        resampled=resampled,
        reads=check_record(config.combiner)[0].reads if config.combiner else "",
        data=[] if sources is None else _published(sources, learned),
        learned=learned,
        metrics=_metrics(metrics, release, config.task_names),
        elsewhere=[] if laboratories is None else _elsewhere(laboratories, config.task_names),
        leaks=leaks[
            (leaks["scheme"] == release["scheme"]) & leaks["task"].isin(config.task_names) & (leaks["label"] == "all")
        ].to_dict("records"),
    )
    with write_text(Path(folder) / CARD) as handle:
        handle.write(text)


def card_tables(text: str) -> dict[str, list[dict[str, str]]]:
    """The first table below each heading of a card: heading to rows, each a mapping of column to text."""
    found: dict[str, list[dict[str, str]]] = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        table = re.search(r"^\|.*\n\|[-:| ]+\|\n(?:\|.*\n?)*", body, re.MULTILINE)
        if table:
            head, _, *rows = ([cell.strip() for cell in line[1:-1].split("|")] for line in table[0].splitlines())
            found[heading] = [dict(zip(head, row, strict=False)) for row in rows]
    return found


def licence_of(text: str) -> str:
    """The licence of the weights that a card states, ``""`` if it states none."""
    stated = re.search(rf"^{_LICENCE}(.+)\.$", text, re.MULTILINE)
    return stated[1] if stated else ""


def _published(sources: pd.DataFrame, tasks: Sequence[str]) -> list[dict[str, Any]]:
    """Published files that the model was made from, once each, named as in the sheet of sources.

    Left out are those of tasks that it did not learn from, and those that it was only tested on.
    """
    rows = sources.fillna("")
    labelled = rows["role"].isin(["sites", "veto", "windows"])
    tested = rows["role"].isin(["laboratory", "external"])
    rows = rows[(rows["url"] != "") & ~tested & (~labelled | rows["subject"].isin(tasks))]
    names = rows["reference"].str.split("#").str[0].str.removeprefix("source:")
    return rows.assign(name=names).drop_duplicates("name").to_dict("records")


def _number(value: float | None, digits: int = 3) -> str:
    """A number for the card; a dash where there is none."""
    return "–" if pd.isna(value) else f"{value:.{digits}f}"


def _bounded(row: Mapping[str, Any], value: str, low: str, high: str) -> str:
    """A number with its interval; a dash where there is none."""
    return "–" if pd.isna(row[value]) else f"{row[value]:.3f} ({row[low]:.3f} to {row[high]:.3f})"


def _elsewhere(table: pd.DataFrame, tasks: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of the released model, by task in the model's order."""
    rows = table[(table["model"] == RELEASED) & table["task"].isin(tasks)]
    return rows.sort_values("task", key=lambda names: names.map(tasks.index), kind="stable").to_dict("records")


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
