"""Tables of the report's page, below the figures of each section."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import pandas as pd

from ..dictionary import column_names
from .captions import with_interval
from .design import Design
from .lookup import MEAN, differences, metric_rows, select
from .predictors import find_predictors, say_name

AREAS = ("auroc", "auprc")
LONG_WORD = 24


@dataclass(frozen=True)
class Grid:
    """A table of the page.

    Attributes
    ----------
    title : str
    heads : list of (str, str)
        Text and class of each column's heading; the class ``n`` is for numbers, which stand to the right.
    rows : list of list of (str, str)
        Text and class of each cell.
    """

    title: str
    heads: list[tuple[str, str]]
    rows: list[list[tuple[str, str]]]

    @classmethod
    def of(cls, title: str, frame: pd.DataFrame, columns: Mapping[str, str]) -> Grid:
        """Some columns of a table under the headings that ``columns`` gives them."""
        chosen = frame[list(columns)]
        kinds = ["n" if pd.api.types.is_numeric_dtype(chosen[name]) else "t" for name in columns]
        values = chosen.astype(object).where(chosen.notna(), "").to_numpy().tolist()
        rows = [
            [(_number(value), _kind(value, kind)) for value, kind in zip(row, kinds, strict=True)] for row in values
        ]
        return cls(title, list(zip(columns.values(), kinds, strict=True)), rows)


def _kind(value: Any, kind: str) -> str:
    # long checksums may break anywhere
    return "t long" if kind == "t" and max(map(len, str(value).split()), default=0) > LONG_WORD else kind


def _number(value: Any, digits: int = 3) -> str:
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.{digits}f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def section_grids(design: Design, tables: Mapping[str, pd.DataFrame]) -> dict[str, list[Grid]]:
    """Tables below the figures of each section."""
    found: dict[str, list[Grid]] = {}

    def add(section: str, title: str, frame: pd.DataFrame, columns: Mapping[str, str]) -> None:
        if len(frame):
            labels = {"task": lambda rows: rows["task"].map(design.label)} if "task" in columns else {}
            found.setdefault(section, []).append(Grid.of(title, frame.assign(**labels), columns))

    for scheme in dict.fromkeys(tables["metrics"]["scheme"]) if design.tasks else ():
        add("metrics", f"All models, {scheme} scheme, test split", *_metric_table(design, tables["metrics"], scheme))
    if "paired" in tables and design.recommended:
        title = "Paired differences, recommended model minus the other"
        add("metrics", title, *_paired_table(design, tables["paired"]))
    task = {"task": design.word}
    if "counts" in tables:
        named = tables["counts"].assign(label=tables["counts"]["label"].map({1: "sites", 0: "others"}))
        names = ["scheme", "task", "split"]
        wide = named.pivot_table(index=names, columns="label", values="windows", fill_value=0, sort=False)
        wide = wide.astype(int).reset_index().replace({"split": {"": "left out"}})
        names += [name for name in ("sites", "others") if name in wide]
        add("data", "Windows by split", wide, dict(zip(names, names, strict=True)) | task)
    if "drops" in tables:
        names = column_names("drops")
        add("data", "Dropped and kept rows by reason", tables["drops"], dict(zip(names, names, strict=True)))
    if "leaks" in tables:
        leaks = select(tables["leaks"], label="all")
        leaks = leaks[leaks["n"] > 0].assign(percent=lambda frame: (100 * frame["fraction"]).map("{:.1f}".format))
        columns = {
            "scheme": "scheme",
            **task,
            "kind": "kind",
            "n": "test windows",
            "n_leaky": "with one",
            "percent": "%",
        }
        add("splits", "Leak meter", leaks, columns)
    if "downstream" in tables:
        _add_downstream(add, tables["downstream"])
    best = {}
    if design.best:
        best = {"model": design.best.model, "setting": design.best.setting, "scheme": design.scheme, "seed": "ensemble"}
    if best and "calibration" in tables:
        columns = {**task, "method": "method", "prevalence": "prevalence", "slope": "slope", "intercept": "intercept"}
        columns |= {"ece_raw": "ECE raw", "ece_prior": "ECE, prior undone", "ece": "ECE calibrated"}
        columns |= {"ece_noise": "ECE noise", "brier_raw": "Brier raw", "brier": "Brier calibrated"}
        add("calibration", "Calibration of the recommended model", select(tables["calibration"], **best), columns)
    if best and "thresholds" in tables:
        rows = select(tables["thresholds"], **best).copy()
        for name in ("precision", "recall"):
            rows[name] = [
                with_interval({"value": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]})
                for row in rows.to_dict("records")
            ]
        columns = {**task, "target_precision": "asked for", "prevalence": "at prevalence"}
        columns |= {"probability": "probability", "logit": "logit", "precision": "precision, test"}
        columns |= {"recall": "recall, test", "note": "note"}
        add("thresholds", "Thresholds of the recommended model", rows, columns)
    if "external" in tables:
        rows = tables["external"].assign(area=[with_interval(row) for row in tables["external"].to_dict("records")])
        rows = select(rows, metric=["auroc", "auprc"])
        columns = {"name": "set", **task, "width": "nt", "metric": "metric", "area": "value (95 % interval)"}
        columns |= {"n_positive": "sites", "n_negative": "others", "prevalence": "prevalence"}
        columns |= {"removed_seen_in_training": "removed, in training"}
        columns |= {"removed_within_training": "removed, inside or around one in training"}
        add("external", "Test sets from elsewhere", rows, columns)
    return found


def _add_downstream(add: Callable[..., None], downstream: pd.DataFrame) -> None:
    """A table for each downstream task: means over seeds on the test split."""
    rows = select(downstream, split="test", seed=MEAN)
    labels = {name: one.label for name, one in find_predictors(rows["predictor"]).items()}
    rows = rows.assign(who=rows["predictor"].map(labels), area=[with_interval(row) for row in rows.to_dict("records")])
    columns = {"fold": "split", "who": "predictor", "metric": "metric", "area": "value (95 % interval)"}
    for name, mine in rows.groupby("downstream", sort=False):
        add("downstream", f"{say_name(name)}, all metrics, test split", mine, columns | {"examples": "RNAs"})


def _metric_table(design: Design, metrics: pd.DataFrame, scheme: str) -> tuple[pd.DataFrame, dict[str, str]]:
    series = sorted(design.on(scheme), key=lambda entry: entry.key != design.recommended)
    measured = {
        f"{metric}_{seed}": metric_rows(metrics, metric, scheme, seed=seed)
        for seed in ("mean", "ensemble")
        for metric in AREAS
    }
    rows = []
    for name, entry in product(design.names, series):
        found = {column: values.get((*entry.key, name)) for column, values in measured.items()}
        found = {column: row for column, row in found.items() if row}
        for row in list(found.values())[-1:]:
            counts = {"sites": row["n_positive"], "others": row["n_negative"], "prevalence": row["prevalence"]}
            areas = {column: with_interval(row) for column, row in found.items()}
            rows.append({"task": name, "model": entry.label} | areas | counts)
    columns = {"task": design.word, "model": "model"}
    columns |= {"auroc_ensemble": "AUROC, ensemble", "auprc_ensemble": "AUPRC, ensemble"}
    columns |= {"auroc_mean": "AUROC, mean of seeds", "auprc_mean": "AUPRC, mean of seeds"}
    columns |= {name: name for name in ("prevalence", "sites", "others")}
    return pd.DataFrame(rows, columns=list(columns)), columns


def _paired_table(design: Design, paired: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    rows = []
    for entry in design.on(design.scheme):
        if entry.key == design.recommended:
            continue
        pair = (paired, design.recommended, entry.key)
        found = {name: differences(*pair, scheme=design.scheme, metric=name, seed="ensemble") for name in AREAS}
        for name in design.ordered(found["auroc"]):
            row: dict[str, Any] = {"model": entry.label, "task": name}
            for metric in AREAS:
                part = found[metric][name]
                row[metric] = with_interval(part | {"value": part["difference"]})
                row[f"p_{metric}"] = f"{part['p']:.2g}"
            rows.append(row)
    columns = {"model": "against", "task": design.word}
    for metric in AREAS:
        columns |= {metric: f"difference in {metric.upper()} (95 %)", f"p_{metric}": "p"}
    return pd.DataFrame(rows, columns=list(columns)), columns
