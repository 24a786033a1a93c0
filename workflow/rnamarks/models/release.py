"""The released model: its seeds as one ensemble, with the baselines of a stack where it is one, with calibration,
thresholds and a model card made from the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from ..errors import InputError
from ..evaluation.calibration import Calibration
from ..files import write_text
from .baseline_files import load_baselines, stack_arrays
from .baselines import Baseline
from .checkpoint import load_members, save_model
from .directory import ModelConfig
from .stack import weight_table

CARD = "card.md"


def pack_release(
    folders: Sequence[str | Path],
    folder: str | Path,
    *,
    calibration: pd.DataFrame,
    thresholds: pd.DataFrame,
    release: Mapping[str, str],
    baselines: Sequence[str | Path] = (),
    weights: pd.DataFrame | None = None,
) -> ModelConfig:
    """Join the trainings of several seeds into one model directory, and with them the baselines of a stack.

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
    baselines : sequence of path-like
        Of a stack: model directories of its fitted baselines.
    weights : pandas.DataFrame, optional
        Of a stack: what :func:`rnamarks.models.stack.fit_weights` gave.

    Raises
    ------
    InputError
        If the parts do not belong together: trainings that differ in more than the seed, baselines of another split
        or window, weights of other members or species; or if the evaluation does not know the model.
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
    fitted: dict[str, dict[str, Baseline]] = {}
    if baselines:
        fitted = _fitted(baselines, first, release["split"])
        first.stack = _describe_stack(first, fitted, weights)
    save_model(folder, members, first, stack_arrays(fitted))
    return first


def _fitted(folders: Sequence[str | Path], config: ModelConfig, split: str) -> dict[str, dict[str, Baseline]]:
    """Baselines by name and head; they must belong to the networks that ``config`` describes."""
    fitted = {}
    for source in folders:
        heads, own = load_baselines(source)
        for what, found, wanted in (
            ("split", own.training.get("split"), split),
            ("window", own.window, config.window),
            ("heads", sorted(set(config.heads) & set(heads)), sorted(config.heads)),
        ):
            if found != wanted:
                raise InputError(
                    f"the baseline was fitted for another {what} than the networks' {wanted}",
                    path=source,
                    value=found,
                    remedy="fit it in the same run",
                )
        fitted[own.model] = {head: heads[head] for head in config.heads}
    return fitted


def _describe_stack(
    config: ModelConfig, fitted: Mapping[str, Mapping[str, Baseline]], weights: pd.DataFrame | None
) -> dict[str, Any]:
    """:attr:`ModelConfig.stack`; the weights must be for the heads, one network and these baselines."""
    table = weight_table(weights) if weights is not None else {}
    members = {frozenset(table.get(head, ())) for head in config.heads}
    network = set.intersection(*map(set, members)) - set(fitted)
    if len(members) > 1 or len(network) != 1 or not members.pop() > set(fitted):
        raise InputError(
            f"the weights of the stack are not for {', '.join(config.heads)}, one network and {', '.join(fitted)}",
            value=sorted({name for entry in table.values() for name in entry}),
            remedy="fit them on the same members",
        )
    return {
        "network": network.pop(),
        "weights": {head: table[head] for head in config.heads},
        "baselines": {name: next(iter(heads.values())).hyperparameters() for name, heads in fitted.items()},
    }


def write_card(
    folder: str | Path,
    config: ModelConfig,
    *,
    run: str,
    release: Mapping[str, str],
    metrics: pd.DataFrame,
    thresholds: pd.DataFrame,
    leaks: pd.DataFrame,
    limits: Sequence[str] = (),
) -> None:
    """Write ``card.md``: what the model is, what it was trained on, how well it does and where not to trust it.

    Parameters
    ----------
    folder : path-like
        The model directory.
    config : ModelConfig
    run : str
    release : mapping
        ``model``, ``setting`` and ``split`` of the rows that are meant.
    metrics, thresholds, leaks : pandas.DataFrame
        Tables of the run.
    limits : sequence of str
        Sentences on where not to trust this model, Markdown.
    """
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
        limits=limits,
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
