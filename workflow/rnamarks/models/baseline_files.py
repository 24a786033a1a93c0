"""Fitted baselines as files: a model directory of their own, or part of a stack's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from ..errors import InputError
from ..files import atomic_path
from .baselines import BASELINES, Baseline
from .directory import CONFIG, WEIGHTS, ModelConfig, check_weights, read_config, write_config


def save_baselines(
    folder: str | Path,
    name: str,
    heads: Mapping[str, Baseline],
    *,
    modification: str = "m6A",
    motif: str = "",
    modifications: Mapping[str, Mapping[str, Any]] | None = None,
    calibration: Mapping[str, Mapping[str, Any]] | None = None,
    training: Mapping[str, Any] | None = None,
) -> None:
    """Write fitted baselines as a model directory, in the networks' format, one head per species or modification.

    Parameters
    ----------
    folder : path-like
    name : str
        In :data:`BASELINES`.
    heads : mapping of head to Baseline
        All of one kind, width and hyperparameters; for a joint one, all of one fit.
    modification, motif, modifications, calibration, training
        See :class:`~rnamarks.models.directory.ModelConfig`.
    """
    folder = Path(folder)
    first = next(iter(heads.values()))
    with atomic_path(folder / WEIGHTS) as part:
        save_file(_named(heads), part)
    config = ModelConfig(
        name,
        list(heads),
        first.width,
        first.hyperparameters(),
        modification="" if modifications else modification,
        motif="" if modifications else motif,
        modifications={head: dict(modifications[head]) for head in heads} if modifications else {},
        calibration=dict(calibration or {}),
        training=dict(training or {}),
    )
    write_config(folder, config)


def load_baselines(folder: str | Path) -> tuple[dict[str, Baseline], ModelConfig]:
    """Read what :func:`save_baselines` wrote; the weights' hash is checked first."""
    config, digest = read_config(folder)
    path = check_weights(folder, digest)
    try:
        arrays = load_file(path)
    except SafetensorError as error:
        raise InputError(f"not a safetensors file: {error}", path=path, remedy="copy it again") from error
    return _rebuild(config.model, config.hyperparameters, config.heads, arrays, path), config


def stack_arrays(baselines: Mapping[str, Mapping[str, Baseline]]) -> dict[str, np.ndarray]:
    """The arrays of a stack's baselines, given by name and head; each is called ``<baseline>.<head>.<array>``.

    What the heads of a joint baseline share is there once, under an empty head: ``<baseline>..<array>``.
    """
    return {f"{name}.{key}": array for name, heads in baselines.items() for key, array in _named(heads).items()}


def rebuild_stack(config: ModelConfig, arrays: Mapping[str, np.ndarray], path: Path) -> dict[str, dict[str, Baseline]]:
    """The baselines of a stack, by name and head, from what :func:`stack_arrays` gave.

    Parameters
    ----------
    config : ModelConfig
        ``stack`` in it says which baselines there are.
    arrays : mapping of str to numpy.ndarray
    path : path-like
        The file that the arrays come from, for messages.

    Raises
    ------
    InputError
        If the configuration's ``stack`` is incomplete, the arrays do not fit it, or a baseline needs a package that is
        not installed.
    """
    stack = config.stack
    if set(stack) != {"network", "weights", "baselines"} or any(
        set(stack["weights"].get(head, ())) != {stack["network"], *stack["baselines"]} for head in config.heads
    ):
        raise InputError(
            "the stack is not described in full",
            path=path.parent / CONFIG,
            value=sorted(stack),
            remedy="copy the whole model directory again",
        )
    found: dict[str, dict[str, np.ndarray]] = {name: {} for name in stack["baselines"]}
    for key, array in arrays.items():
        name, _, rest = key.partition(".")
        if name not in found:
            raise InputError("an array belongs to no baseline", path=path, value=key, remedy="pack the model again")
        found[name][rest] = array
    return {
        name: _rebuild(name, hyperparameters, config.heads, found[name], path)
        for name, hyperparameters in stack["baselines"].items()
    }


def _named(heads: Mapping[str, Baseline]) -> dict[str, np.ndarray]:
    named: dict[str, np.ndarray] = {}
    for head, baseline in heads.items():
        for key, array in baseline.to_arrays().items():
            name = f".{key}" if key in baseline.shared else f"{head}.{key}"
            if not np.array_equal(named.setdefault(name, array), array):
                raise ValueError(f"the heads of a joint baseline differ in {key!r}: they come from several fits")
    return named


def _rebuild(
    name: str,
    hyperparameters: Mapping[str, Any],
    heads: list[str],
    arrays: Mapping[str, np.ndarray],
    path: Path,
) -> dict[str, Baseline]:
    found: dict[str, dict[str, np.ndarray]] = {head: {} for head in ("", *heads)}
    for key, array in arrays.items():
        head, _, inner = key.rpartition(".")
        if head not in found:
            raise InputError("an array belongs to no head", path=path, value=key, remedy="save the model again")
        found[head][inner] = array
    shared = found.pop("")
    return {head: BASELINES[name].from_arrays(shared | part, hyperparameters) for head, part in found.items()}
