"""The model directory: what training hands to everything after it.

``weights.safetensors`` holds the tensors of one or more members of an ensemble, each name led by ``<member>.``.
``config.json`` says how to build the members, which heads they have, how their logits turn into probabilities, and
the SHA-256 of the weights. Nothing is unpickled, and a tensor that is missing, superfluous or of another shape is an
error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from .. import __version__
from ..errors import InputError
from ..files import atomic_path, sha256_of, write_text
from .register import build_model

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


class Ensemble(nn.Module):
    """Mean logit of networks with the same heads."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, codes: torch.Tensor, head: str) -> torch.Tensor:
        """Logits, shape (batch,), of windows given as codes, shape (batch, window)."""
        return torch.stack([member(codes, head) for member in self.members]).mean(dim=0)


def save_model(folder: str | Path, members: Sequence[Mapping[str, torch.Tensor]], config: ModelConfig) -> None:
    """Write a model directory.

    Parameters
    ----------
    folder : path-like
        Made if it is missing.
    members : sequence of state dicts
        One per member of the ensemble.
    config : ModelConfig
        ``members`` in it is set from the sequence.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config.members = len(members)
    tensors = {
        f"{index}.{name}": tensor.detach().cpu().contiguous()
        for index, member in enumerate(members)
        for name, tensor in member.items()
    }
    with atomic_path(folder / WEIGHTS) as part:
        save_file(tensors, part)
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


def load_members(folder: str | Path) -> tuple[list[dict[str, torch.Tensor]], ModelConfig]:
    """State dicts of the members and the configuration; the weights' hash is checked first."""
    config, digest = read_config(folder)
    path = Path(folder) / WEIGHTS
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
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise InputError(f"not a safetensors file: {error}", path=path, remedy="copy it again") from error
    members: list[dict[str, torch.Tensor]] = [{} for _ in range(config.members)]
    for name, tensor in tensors.items():
        index, _, inner = name.partition(".")
        members[int(index)][inner] = tensor
    return members, config


def load_model(folder: str | Path) -> tuple[Ensemble, ModelConfig]:
    """Rebuild a model in evaluation mode on the CPU; every tensor must fit by name and shape."""
    states, config = load_members(folder)
    networks = []
    for state in states:
        network = build_model(config.model, config.heads, config.window, config.hyperparameters)
        try:
            network.load_state_dict(state, strict=True)
        except RuntimeError as error:
            raise InputError(
                "the weights do not fit the network that the configuration describes",
                path=Path(folder) / WEIGHTS,
                remedy="use the version of rnamarks that wrote the model",
            ) from error
        networks.append(network)
    return Ensemble(networks).eval(), config


def require_head(config: ModelConfig, head: str) -> None:
    """Raise :class:`InputError`, listing the heads, unless the model has this one."""
    if head not in config.heads:
        raise InputError("the model has no such head", value=head, remedy=f"choose one of {', '.join(config.heads)}")
