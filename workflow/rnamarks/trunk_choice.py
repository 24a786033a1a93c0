"""Which language model a configuration puts under a network; the standard library alone, so that parsing can use it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InputError

if TYPE_CHECKING:
    from .language_plan import LanguagePlan

RATE = 1e-4
"""Learning rate of the weights of a language model, where the configuration gives none."""
_NAME = re.compile(r"\w+")


def with_trunk_rate(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of ``models`` in which a trunk that is trained has a learning rate of its own."""
    if "trunk" not in entry or entry["trunk"]["way"] == "frozen":
        return dict(entry)
    return dict(entry) | {"training": {"learning_rate": RATE} | entry["training"]}


def check_trunks(networks: Mapping[str, Any], plan: LanguagePlan) -> None:
    """Raise :class:`InputError` for a language model that is not there.

    Parameters
    ----------
    networks : mapping of str to mapping
        The section ``models`` of a configuration.
    plan : LanguagePlan
        Its language models.
    """
    for name, entry in networks.items():
        trunk = entry.get("trunk")
        if not trunk:
            continue
        language, keys = trunk["language"], ("models", name, "trunk")
        if not _NAME.fullmatch(language):
            if "seed" in trunk:
                raise InputError(
                    f"models.{name}.trunk has a folder and a seed",
                    value=trunk["seed"],
                    remedy="leave the seed out: the folder is of one",
                    keys=(*keys, "seed"),
                )
            continue
        if language not in plan.models:
            raise InputError(
                f"models.{name}.trunk names an unknown language model",
                value=language,
                remedy=f"known: {', '.join(plan.models) or 'none'}; a folder is written with a /, as ./{language}",
                keys=(*keys, "language"),
            )
        seeds = plan.seeds_of(language)
        if trunk.get("seed", seeds[0]) not in seeds:
            raise InputError(
                f"the language model {language} has no such seed",
                value=trunk["seed"],
                remedy=f"choose one of {', '.join(map(str, seeds))}",
                keys=(*keys, "seed"),
            )


def trunk_folder(trunk: Mapping[str, Any], plan: LanguagePlan) -> str:
    """Folder of the language model, as a reference of a configuration."""
    language = trunk["language"]
    if not _NAME.fullmatch(language):
        return language.rstrip("/")
    return plan.pretraining(language, trunk.get("seed")).directory


def trunk_label(trunk: Mapping[str, Any]) -> str:
    """What tables call the trunk, such as ``nano, frozen``."""
    return f"{Path(trunk['language']).name}, {trunk['way']}"


def check_folder(folder: str, name: str) -> None:
    """Raise :class:`InputError` unless a folder named under ``models.NAME.trunk`` holds a language model."""
    path, keys = Path(folder) / "config.json", ("models", name, "trunk", "language")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        kind = found.get("model") if isinstance(found, dict) else None
    except (OSError, ValueError):
        kind = None
    if kind != "language":
        raise InputError(
            f"models.{name}.trunk names a folder that holds no language model" + (f" but {kind}" if kind else ""),
            value=folder,
            remedy="give one that rnamarks lm pretrain or lm import made",
            keys=keys,
        )
