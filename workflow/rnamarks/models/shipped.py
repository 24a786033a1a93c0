"""Models by name: those that come with the package, and the one place where ``--model`` becomes a directory.

In a checkout they lie in ``resources/models/NAME``, in an installed package in ``rnamarks/shipped/NAME``. Each is a
model directory (:mod:`rnamarks.models.directory`) with its card, and nothing else is known of it.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from ..errors import InputError

DEFAULT = "m6a"
"""What is asked where no model is named."""
LARGEST = 12_000_000
"""Bytes that a shipped model may have."""
_PACKAGE = Path(__file__).resolve().parents[1]
_FOLDERS = (_PACKAGE / "shipped", _PACKAGE.parents[1] / "resources" / "models")


def shipped_models() -> dict[str, Path]:
    """Directories of the shipped models by name, sorted."""
    found = {}
    for folder in _FOLDERS:
        if folder.is_dir():
            found |= {path.name: path for path in folder.iterdir() if _is_model(path)}
    return dict(sorted(found.items()))


def find_model(model: str | Path) -> Path:
    """The directory of a model.

    Parameters
    ----------
    model : str or path-like
        The name of a shipped model, or a directory; a directory that has the name of one is written with ``./``.

    Raises
    ------
    InputError
        If it is neither.
    """
    shipped = shipped_models()
    # a path drops the ./ that tells a folder here from a name
    text = os.fspath(model)
    if text in shipped:
        if _is_model(Path(text)):
            logging.getLogger("rnamarks").warning(
                "%s is the shipped model; the folder of that name here is ./%s", text, text
            )
        return shipped[text]
    if os.path.exists(text) or os.path.basename(text) != text:
        return Path(text)
    others = f", or one of {', '.join(shipped)}" if shipped else ""
    raise InputError(
        "no model of that name comes with this installation, and there is no such folder",
        value=text,
        remedy=f"name a model directory (--model), such as results/RUN/model of a run{others}",
    )


def describe_shipped() -> str:
    """Lines about every shipped model, or a sentence where there is none.

    Tasks are those of ``config.json``; licence, data and the figures of the test split are those of the card.
    """
    blocks = [_describe(name, folder) for name, folder in shipped_models().items()]
    if not blocks:
        return "No model comes with this installation; name a model directory, such as results/RUN/model of a run."
    return "\n\n".join(blocks)


def model_size(folder: str | Path) -> int:
    """Bytes of the files of a model directory."""
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


def _is_model(folder: Path) -> bool:
    from .directory import CONFIG

    return (folder / CONFIG).is_file()


def _describe(name: str, folder: Path) -> str:
    from .card import card_tables, licence_of
    from .directory import CARD, read_card, read_config

    config, _ = read_config(folder)
    card = read_card(folder) if (folder / CARD).exists() else ""
    tables = card_tables(card)
    trained, tested = (_by_task(tables, heading) for heading in ("Trained on", "Test split"))
    licences: dict[str, list[str]] = {}
    for row in _rows(tables, "Data"):
        licences.setdefault(row["licence as stated"], []).append(row["data"])
    data = "; ".join(f"{', '.join(names)} ({licence})" for licence, names in licences.items())
    lines = [
        f"{name}: {model_size(folder) / 1e6:.1f} MB; licence: {licence_of(card) or 'not stated'}",
        f"  data: {data or 'not stated'}",
    ]
    heads = ("task", "modification", "species", "trained on", "tested on", "AUROC (95 %)", "AUPRC (95 %)")
    rows = [heads]
    for task in config.tasks:
        counts, figures = trained.get(task.name, {}), tested.get(task.name, {})
        learned = f"{counts['positives']} : {counts['negatives']}" if counts else "–"
        rows.append(
            (
                *(task.name, task.modification or "–", task.species or "–", learned),
                *(figures.get(key, "–") for key in ("positives : negatives", "AUROC", "AUPRC")),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines += [
        "  " + "  ".join(field.ljust(width) for field, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    if config.ranks_only:
        lines.append(f"  ranks, does not call: {', '.join(config.ranks_only)}")
    return "\n".join(lines)


def _rows(tables: dict[str, list[dict[str, str]]], heading: str) -> list[dict[str, str]]:
    return next((rows for title, rows in tables.items() if title.startswith(heading)), [])


def _by_task(tables: dict[str, list[dict[str, str]]], heading: str) -> dict[str, dict[str, str]]:
    return {row["task"]: row for row in _rows(tables, heading)}
