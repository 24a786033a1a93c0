"""Model directories, ready to score in the modes that they have: the networks themselves, or a student of theirs."""

from __future__ import annotations

from pathlib import Path

import torch

from ..errors import InputError, check_choice
from ..evaluation.calibration import Calibration
from ..models.checkpoint import Combined, Ensemble, Stack, load_model
from ..models.directory import STUDENT, ModelConfig, read_config, sidecar_settings
from ..models.student import load_student
from .combined import CombinedEngine
from .engine import Engine, Loaded
from .exact import ExactEngine
from .fast import FastEngine
from .score import pick_device

MODES = ("exact", "fast")


def modes_of(folder: str | Path) -> list[str]:
    """Modes that a model directory has: ``exact``, and ``fast`` where there is a student."""
    return list(MODES if sidecar_settings(folder, STUDENT) is not None else MODES[:1])


def load_engine(
    folder: str | Path, mode: str = "exact", *, device: str = "auto", batch_size: int | None = None
) -> Loaded:
    """The engine of a model directory.

    Parameters
    ----------
    folder : path-like
    mode : {"exact", "fast"}
        The networks themselves, or the student distilled from them.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    batch_size : int, optional
        Windows at once in exact mode; default :data:`rnamarks.prediction.exact.BATCH_SIZES`, or
        :data:`rnamarks.prediction.score.BATCH_SIZES` for networks that are run as they are.

    Raises
    ------
    InputError
        If the folder is no sound model directory, the mode is unknown, or the model has no student for fast mode.
    """
    check_choice(mode, MODES, "there is no such mode")
    if batch_size is not None and batch_size < 1:
        raise InputError("the batch size must be at least 1", value=batch_size, remedy="use for example 128")
    where = pick_device(device)
    engine: Engine
    if mode == "fast":
        config, _ = read_config(folder)
        student, settings = load_student(folder)
        engine, constants = FastEngine(student, device=where), settings["calibration"]
        if config.combiner:
            engine = CombinedEngine(engine, config.tasks, load_model(folder)[0].combiners)
    else:
        model, config = load_model(folder)
        engine, constants = exact_engine(model, config, device=where, batch_size=batch_size), config.calibration
    return Loaded(engine, config, {task: Calibration.from_dict(values) for task, values in constants.items()})


def exact_engine(
    model: Ensemble | Stack | Combined,
    config: ModelConfig,
    *,
    device: str | torch.device = "cpu",
    batch_size: int | None = None,
) -> Engine:
    """The engine of networks in memory, and of the trees around them; parameters as :class:`ExactEngine`'s."""
    if not isinstance(model, Combined):
        return ExactEngine(model, config.window, device=device, batch_size=batch_size)
    inner = ExactEngine(model.networks, config.window, device=device, batch_size=batch_size)
    return CombinedEngine(inner, config.tasks, model.combiners)
