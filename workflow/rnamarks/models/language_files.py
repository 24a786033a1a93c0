"""Model directories of language models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..errors import InputError
from ..tasks import Task
from .checkpoint import check_shapes, save_model
from .config_check import LANGUAGE
from .directory import ModelConfig, check_weights, read_config, read_members
from .language import Language


def save_language(
    folder: str | Path,
    network: Language,
    sizes: Mapping[str, Any],
    outputs: Mapping[str, Mapping[str, Any]],
    *,
    threshold: Mapping[str, float] | None = None,
    training: Mapping[str, Any] | None = None,
) -> None:
    """Write a model directory, see :mod:`rnamarks.models.directory`.

    Parameters
    ----------
    folder : path-like
    network : Language
    sizes : mapping
        Hyperparameters of its encoder.
    outputs : mapping of task to mapping
        Settings of its heads.
    threshold : mapping of task to float, optional
        Probability above which a task's answer is yes.
    training : mapping, optional
        Where the weights come from, for the record.
    """
    config = ModelConfig(
        model=LANGUAGE,
        tasks=[Task(name, target=entry["target"]) for name, entry in outputs.items()],
        window=0,
        hyperparameters={"sizes": dict(sizes), "outputs": {name: dict(entry) for name, entry in outputs.items()}},
        thresholds={task: [{"probability": value}] for task, value in (threshold or {}).items()},
        training=dict(training or {}),
    )
    save_model(folder, [network.state_dict()], config)


def read_language(folder: str | Path) -> tuple[ModelConfig, str]:
    """The configuration of a language model's directory and the SHA-256 of its weights, which are not read.

    Raises
    ------
    InputError
        As :func:`rnamarks.models.directory.read_config`, or if the directory holds another kind of model.
    """
    config, digest = read_config(folder)
    if config.model != LANGUAGE or config.members != 1 or set(config.hyperparameters) != {"sizes", "outputs"}:
        raise InputError(
            "not a language model", path=folder, value=config.model, remedy="give one that rnamarks lm import made"
        )
    sizes, outputs = config.hyperparameters["sizes"], config.hyperparameters["outputs"]
    if not all(isinstance(entry, dict) for entry in (sizes, outputs, *outputs.values())):
        raise InputError("the sizes of the model cannot be read", path=folder, remedy="copy the whole model directory")
    return config, digest


def load_language(folder: str | Path) -> tuple[Language, ModelConfig]:
    """The network of a model directory in evaluation mode on the CPU; every tensor must fit by name and shape.

    Raises
    ------
    InputError
        If a file is missing, is not the one that the configuration names or does not fit it, or the directory holds
        another kind of model.
    """
    config, digest = read_language(folder)
    sizes, outputs = config.hyperparameters["sizes"], config.hyperparameters["outputs"]

    def build() -> Language:
        return Language(outputs, **sizes)

    check_shapes(build, config, check_weights(folder, digest))
    network = build()
    state = read_members(folder)[0][0]
    network.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()}, strict=True)
    return network.eval(), config
