"""The folder of a comparison: tables, figures and the page that explains them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..dictionary.tables import TABLES
from ..files import write_text
from ..tables import write_tsv
from .captions import say_small, with_interval
from .catalogue import FIGURES, SECTIONS
from .collect import index_rows
from .design import Design, colour_tasks
from .report import render_page, shown_figures
from .report_tables import Grid
from .style import save_figure

if TYPE_CHECKING:
    from ..comparison.compare import Comparison

_LAST = {"run": "What was compared", "limits": "Limits", "tables": "Tables and their columns"}


def write_comparison(found: Comparison, folder: str | Path, *, subject: str) -> None:
    """Write every table, figure and the report of a comparison.

    Parameters
    ----------
    found : Comparison
    folder : path-like
        Gets the files at the paths that the dictionary names.
    subject : str
        What the file of sites is called.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    folder = Path(folder)
    for name, table in found.tables.items():
        write_tsv(table, folder / TABLES[name].path)
    offers = {"compared"}
    offers |= {"ranking"} if len(found.tables["comparison_curves"]) else set()
    offers |= {"shares"} if len(found.tables["stoichiometry"]) else set()
    offers |= {"places"} if found.tables["landscape"]["called"].any() else set()
    design = Design(subject, colour_tasks([found.task]), (), None, "guarded", frozenset(offers))
    drawn = {}
    for name, entry in FIGURES.items():
        if "compared" in entry.needs.split() and entry.shown(design):
            save_figure(entry.draw([found.tables[table] for table in entry.tables], design), folder / entry.file)
            drawn[name] = (folder / entry.file).read_text(encoding="utf-8")
    index = index_rows(design, found.tables, list(drawn))
    write_tsv(index, folder / TABLES["figures"].path)
    shown = shown_figures(design, found.tables, drawn)
    page = render_page(
        "comparison.html.jinja",
        sections={"summary": "Summary"} | {name: title for name, title in SECTIONS.items() if name in shown} | _LAST,
        subject=subject,
        task=found.task,
        predictor=found.predictor,
        cards=_cards(found.tables["comparison_metrics"], found.task.place[0]),
        sentences=found.sentences,
        rules=found.rules,
        figures=shown,
        grids=_grids(found.tables),
        dictionary={name: TABLES[name] for name in [*found.tables, "figures"]},
    )
    with write_text(folder / "report.html") as handle:
        handle.write(page)


def _cards(metrics: pd.DataFrame, motif: str) -> list[tuple[str, str]]:
    rows = {row["metric"]: row for row in metrics[metrics["set"] == "all"].to_dict("records")}
    cards = [
        (f"{rows['sites']['n']:,.0f}", "measured sites"),
        (f"{rows['in_motif']['value']:.0%}", f"of them in {motif}"),
    ]
    if "auroc" in rows:
        fold = rows["auprc"]["value"] / rows["auprc"]["prevalence"]
        cards += [
            (f"{rows['auroc']['value']:.2f}", "AUROC (0.5: random order)"),
            (f"{fold:.1f}×", "AUPRC over prevalence"),
        ]
    return cards


def _grids(tables: Mapping[str, pd.DataFrame]) -> dict[str, list[Grid]]:
    metrics = tables["comparison_metrics"]
    metrics = metrics.assign(
        area=[with_interval(row) for row in metrics.to_dict("records")],
        count=[f"{number:,.0f}" if np.isfinite(number) else "" for number in metrics["n"]],
        genes=[f"{number:,.0f}" if np.isfinite(number) else "" for number in metrics["genes"]],
    )
    columns = {"set": "positions", "metric": "metric", "meaning": "meaning", "area": "value (95 %)", "count": "n"}
    columns |= {"prevalence": "prevalence", "genes": "genes"}
    found = {"summary": [Grid.of("All metrics", metrics, columns)]}
    agreement = tables["agreement"]
    if len(agreement):
        agreement = agreement.assign(p=[say_small(p) for p in agreement["p"]])
        names = ("set", "call", "tolerance", "calls", "measured", "agreeing", "expected", "low", "high", "fold", "p")
        found["ranking"] = [Grid.of("Agreement", agreement, dict(zip(names, names, strict=True)))]
    drops = tables["drops"]
    found["run"] = [Grid.of("Rows and transcripts left out, by reason", drops, {name: name for name in drops})]
    offsets = tables["offsets"].drop(columns=["task", "species", "modification"])
    found["positions"] = [Grid.of("All offsets", offsets, {name: name.replace("_", " ") for name in offsets})]
    return found
