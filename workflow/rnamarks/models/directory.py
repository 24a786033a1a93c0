"""The files of a model directory, without a neural-network library.

``weights.safetensors`` holds what was learned; ``config.json`` says how to build the model, which heads it has, how its
logits turn into probabilities, and the SHA-256 of the weights. A stack of networks and baselines has both in the one
file, so that every model directory consists of the same files. Nothing is unpickled.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import InputError
from ..files import sha256_of, write_text

WEIGHTS = "weights.safetensors"
CONFIG = "config.json"
FORMAT = "rnamarks-model-1"


@dataclass
class ModelConfig:
    """How to rebuild a model.

    Attributes
    ----------
    model : str
        Name in the register of models.
    heads : list of str
    window : int
        Width in nt.
    hyperparameters : dict
        Passed to the network.
    modification : str
        MODOMICS short name of what the logits are about.
    motif : str
        Motif that the site must sit in, ``""`` for none; DNA or RNA IUPAC letters.
    calibration : dict
        Head to the constants of :class:`rnamarks.evaluation.calibration.Calibration`; empty before calibration.
    thresholds : dict
        Head to a list of ``{"precision", "probability", "recall"}``.
    training : dict
        Settings, data and seeds, for the record.
    members : int
        Number of networks whose logits are averaged.
    stack : dict
        Empty for a model of networks alone. For a stack: ``network``, the networks' name in ``weights``; ``weights``,
        head to name to weight; ``baselines``, name to hyperparameters.
    modifications : dict
        Where heads are modifications: head to ``modification`` (MODOMICS short name), ``base`` (A, C, G or U),
        ``motif`` (IUPAC) and ``motif_offset`` (0-based index of the base in it); ``modification`` and ``motif`` above
        are then ``""``. Empty where heads are species.
    null : dict
        Empty without a null distribution; see :mod:`rnamarks.prediction.significance`.
    student : dict
        Empty without a network for fast mode; see :mod:`rnamarks.models.student`.
    """

    model: str
    heads: list[str]
    window: int
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    modification: str = "m6A"
    motif: str = ""
    calibration: dict[str, dict[str, Any]] = field(default_factory=dict)
    thresholds: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    members: int = 1
    stack: dict[str, Any] = field(default_factory=dict)
    modifications: dict[str, dict[str, Any]] = field(default_factory=dict)
    null: dict[str, Any] = field(default_factory=dict)
    student: dict[str, Any] = field(default_factory=dict)


def write_config(folder: str | Path, config: ModelConfig) -> None:
    """Write ``config.json`` beside the weights, which must be there: their hash goes into it."""
    folder = Path(folder)
    document = {"format": FORMAT, "version": __version__, "sha256": sha256_of(folder / WEIGHTS)} | config.__dict__
    with write_text(folder / CONFIG) as handle:
        json.dump(document, handle, indent=1, sort_keys=True)
        handle.write("\n")


def read_config(folder: str | Path) -> tuple[ModelConfig, str]:
    """The configuration of a model directory and the SHA-256 its weights must have."""
    path = Path(folder) / CONFIG
    if not path.is_file():
        raise InputError("not a model directory", path=folder, remedy=f"it must hold {CONFIG} and {WEIGHTS}")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(
            f"not JSON: {error.msg}", path=path, line=error.lineno, remedy="take the file from the model again"
        ) from error
    if document.pop("format", None) != FORMAT:
        raise InputError("unknown model format", path=path, remedy=f"this version reads {FORMAT}")
    document.pop("version", None)
    digest = document.pop("sha256", "")
    known = set(ModelConfig.__dataclass_fields__)
    if not known >= set(document) >= {"model", "heads", "window"}:
        raise InputError(
            "the model's configuration has unknown or missing keys",
            path=path,
            value=sorted(set(document) ^ known),
            remedy="use the version of rnamarks that wrote it",
        )
    return ModelConfig(**document), digest


def check_weights(folder: str | Path, digest: str, name: str = WEIGHTS) -> Path:
    """Path of the weights, once they have the SHA-256 that ``config.json`` names; an :class:`InputError` otherwise.

    ``name`` is another file of the directory that ``config.json`` has a SHA-256 of.
    """
    path = Path(folder) / name
    if not path.is_file():
        raise InputError("the weights are missing", path=path, remedy="copy the whole model directory")
    found = sha256_of(path)
    if found != digest:
        raise InputError(
            f"the weights are not the ones that {CONFIG} names (sha256 {digest[:12]}…)",
            path=path,
            value=found[:12] + "…",
            remedy="copy the whole model directory again",
        )
    return path
