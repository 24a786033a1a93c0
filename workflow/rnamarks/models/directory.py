"""The files of a model directory, without a neural-network library.

``weights.safetensors`` holds what was learned: the arrays of one or more members of an ensemble, each name led by
``<member>.``, a number; in a stack also those of the baselines, each led by ``<baseline>.<task>.``, and those of
combiners, led by ``combiner.<task>.``. ``config.json`` describes how to build the model, its tasks, how logits turn
into probabilities, and the SHA-256 of the weights. *Sidecars* are further safetensors files in the same directory, each
with a description of itself in its header and bound to the weights by their SHA-256: ``student.safetensors`` (fast
mode), ``null.safetensors`` (logits of unmodified nucleotides). Nothing is unpickled, only regular files of the
directory are read, and every value of ``config.json`` is checked (:mod:`rnamarks.models.config_check`).
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from .. import __version__
from ..errors import InputError
from ..files import atomic_path, open_text, sha256_of, write_text
from ..tasks import Task
from .array_files import open_arrays, read_arrays, save_arrays, write_arrays
from .config_check import REMEDY, check_config, read_json, read_tasks, refuse

WEIGHTS = "weights.safetensors"
CONFIG = "config.json"
CARD = "card.md"
STUDENT = "student.safetensors"
NULL = "null.safetensors"
RELEASED = "released model"
"""What tables of evaluation call the model that a run releases."""
FORMAT = "rnamarks-model-3"
SIDECAR_FORMAT = "rnamarks-sidecar-1"

_LARGEST = 1 << 24
"""Bytes of ``config.json``, and of the settings of a sidecar."""
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass
class ModelConfig:
    """How to rebuild a model.

    Attributes
    ----------
    model : str
        Name in the registry of models, or of baselines.
    tasks : list of Task
        In the order of the network's columns.
    window : int
        Width in nt; 0 of a language model, whose sequences may have any length.
    hyperparameters : dict
        Passed to the network.
    calibration : dict
        Task to the constants of :class:`rnamarks.evaluation.calibration.Calibration`; empty before calibration.
    thresholds : dict
        Task to a list of ``{"target_precision", "probability", "precision", "recall", …}``.
    training : dict
        Settings, data and seeds, for the record.
    members : int
        Number of networks whose logits are averaged.
    stack : dict
        Empty for a model of networks alone. For a stack: ``network``, the networks' name in ``weights``; ``weights``,
        task to name to weight; ``baselines``, name to hyperparameters.
    ranks_only : list of str
        Tasks whose scores rank nucleotides and call none: a scan gives them no q.
    combiner : dict
        Empty unless trees judge each base by more than a window (:mod:`rnamarks.models.combiner`): ``heads``, the
        network's tasks in place of ``tasks``, and ``settings``.
    """

    model: str
    tasks: list[Task]
    window: int
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    calibration: dict[str, dict[str, Any]] = field(default_factory=dict)
    thresholds: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    members: int = 1
    stack: dict[str, Any] = field(default_factory=dict)
    ranks_only: list[str] = field(default_factory=list)
    combiner: dict[str, Any] = field(default_factory=dict)

    @property
    def task_names(self) -> list[str]:
        """Names of the tasks, in their order."""
        return [task.name for task in self.tasks]

    @property
    def network_tasks(self) -> list[Task]:
        """What the network itself is asked about: the tasks, or the heads that a combiner reads, at the same bases."""
        return [replace(self.tasks[0], name=head) for head in self.heads] if self.combiner else self.tasks

    @property
    def heads(self) -> list[str]:
        """Names of the network's heads: the tasks, unless a combiner stands between."""
        return list(self.combiner["heads"]) if self.combiner else self.task_names


def write_model(
    folder: str | Path,
    members: Sequence[Mapping[str, np.ndarray]],
    config: ModelConfig,
    more: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Write a model directory.

    Parameters
    ----------
    folder : path-like
        Made if it is missing.
    members : sequence of mapping of str to array
        The state of each member of the ensemble.
    config : ModelConfig
        ``members`` in it is set from the sequence.
    more : mapping of str to array, optional
        Of a stack: what :func:`rnamarks.models.baseline_files.stack_arrays` gives. Of combiners: their arrays, each
        led by ``combiner.<task>.``.
    """
    config.members = len(members)
    arrays = {
        f"{index}.{name}": np.asarray(array) for index, member in enumerate(members) for name, array in member.items()
    }
    arrays |= more or {}
    # what the stack and the combiner say is written here, too, so that the file's hash tells every two models apart
    # that score differently
    said = {name: getattr(config, name) for name in ("stack", "combiner") if getattr(config, name)}
    metadata = {name: json.dumps(value, sort_keys=True) for name, value in said.items()}
    write_weights(folder, arrays, config, metadata)


def write_weights(
    folder: str | Path, arrays: Mapping[str, np.ndarray], config: ModelConfig, metadata: Mapping[str, str] | None = None
) -> None:
    """Write the weights and ``config.json``; an earlier model stays whole unless both have been written."""
    folder = Path(folder)
    with write_text(folder / CONFIG) as handle, atomic_path(folder / WEIGHTS) as part:
        save_arrays(part, arrays, metadata)
        _describe(config, sha256_of(part), handle)
        handle.flush()


def read_members(folder: str | Path) -> tuple[list[dict[str, np.ndarray]], ModelConfig]:
    """States of the networks and the configuration; the weights' hash is checked first."""
    config, digest = read_config(folder)
    members, _ = split_members(read_arrays(check_weights(folder, digest)), config.members)
    return members, config


def split_members(
    arrays: Mapping[str, np.ndarray], members: int
) -> tuple[list[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """States of the networks, and what belongs to baselines."""
    states: dict[str, dict[str, np.ndarray]] = {str(index): {} for index in range(members)}
    others = {}
    for name, array in arrays.items():
        index, _, inner = name.partition(".")
        if index in states:
            states[index][inner] = array
        else:
            others[name] = array
    return list(states.values()), others


def write_config(folder: str | Path, config: ModelConfig) -> None:
    """Write ``config.json`` beside the weights, which must be there: their SHA-256 goes into it."""
    folder = Path(folder)
    digest = sha256_of(folder / WEIGHTS)
    with write_text(folder / CONFIG) as handle:
        _describe(config, digest, handle)


def _describe(config: ModelConfig, digest: str, handle: TextIO) -> None:
    document = {"format": FORMAT, "version": __version__, "sha256": digest} | asdict(config)
    json.dump(document, handle, indent=1, sort_keys=True, allow_nan=False)
    handle.write("\n")


def read_config(folder: str | Path) -> tuple[ModelConfig, str]:
    """The configuration of a model directory and the SHA-256 that its weights must have.

    Raises
    ------
    InputError
        If it is no model directory of this format, or a value has another type, is out of range or not finite.
    """
    path = Path(folder) / CONFIG
    if not path.exists():
        raise InputError("not a model directory", path=folder, remedy=f"it must hold {CONFIG} and {WEIGHTS}")
    regular_file(folder, CONFIG)
    if path.stat().st_size > _LARGEST:
        raise InputError(f"{CONFIG} has more than {_LARGEST} bytes", path=path, remedy=REMEDY)
    document = read_json(path.read_bytes(), path)
    found = document.pop("format", None)
    if found != FORMAT:
        raise InputError(
            "the model directory is of another format",
            path=path,
            value=found,
            remedy=f"this version reads {FORMAT}: make the model again, or use the version that wrote it",
        )
    document.pop("version", None)
    digest = document.pop("sha256", None)
    known = {entry.name for entry in fields(ModelConfig)}
    if not known >= set(document) >= {"model", "tasks", "window"}:
        refuse(path, "it has unknown or missing keys", sorted(set(document) ^ known))
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        refuse(path, "sha256 is not 64 hexadecimal digits", digest)
    config = ModelConfig(**document)
    config.tasks = read_tasks(config.tasks, path)
    check_config(config, path)
    return config, digest


def read_card(folder: str | Path) -> str:
    """The text of a model's card; :class:`InputError` if there is none, or it is no regular file of UTF-8 text."""
    with open_text(regular_file(folder, CARD)) as handle:
        return handle.read()


def regular_file(folder: str | Path, name: str) -> Path:
    """Path of a file of a model directory.

    Raises
    ------
    InputError
        If it is missing, or is no regular file: a link may lead to any file of the machine.
    """
    path = Path(folder) / name
    try:
        kind = path.lstat().st_mode
    except OSError as error:
        raise InputError("the file is missing", path=path, remedy="copy the whole model directory") from error
    if not stat.S_ISREG(kind):
        raise InputError(
            "not a regular file", path=path, remedy="put the file itself there, not a link, a folder or a pipe"
        )
    return path


def check_weights(folder: str | Path, digest: str) -> Path:
    """Path of the weights, once they have the SHA-256 that ``config.json`` names; an :class:`InputError` otherwise."""
    path = regular_file(folder, WEIGHTS)
    found = sha256_of(path)
    if found != digest:
        raise InputError(
            f"the weights are not the ones that {CONFIG} names (sha256 {digest[:12]}…)",
            path=path,
            value=found[:12] + "…",
            remedy=REMEDY,
        )
    return path


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the arrays of a safetensors file, from its header alone."""
    with open_arrays(path) as handle:
        return {name: tuple(handle.get_slice(name).get_shape()) for name in handle.keys()}  # noqa: SIM118


def write_sidecar(folder: str | Path, name: str, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> str:
    """Write a sidecar of the model directory's weights; ``config.json`` stays as it is.

    Parameters
    ----------
    folder : path-like
        Holds ``weights.safetensors`` and ``config.json``.
    name : str
        :data:`STUDENT` or :data:`NULL`.
    arrays : mapping of str to numpy.ndarray
    settings : mapping
        Plain values, without ``sha256``.

    Returns
    -------
    str
        SHA-256 of settings and arrays.
    """
    _, digest = read_config(folder)
    check_weights(folder, digest)
    text = json.dumps(settings, sort_keys=True, allow_nan=False)
    own = _digest(text, arrays)
    about = {"format": SIDECAR_FORMAT, "weights": digest, "sha256": own, "settings": text}
    write_arrays(Path(folder) / name, arrays, about)
    return own


def sidecar_settings(folder: str | Path, name: str) -> dict[str, Any] | None:
    """The settings of a sidecar, from its header alone, and under ``sha256`` that of settings and arrays.

    Returns
    -------
    dict or None
        None where the directory has no such sidecar.

    Raises
    ------
    InputError
        If the file is none, or was made for other weights than the directory's.
    """
    if not (Path(folder) / name).exists():
        return None
    path = regular_file(folder, name)
    with open_arrays(path) as handle:
        header = handle.metadata() or {}
    if header.get("format") != SIDECAR_FORMAT or not {"weights", "sha256", "settings"} <= set(header):
        raise InputError(
            "the file does not describe itself", path=path, remedy="use the version of rnamarks that wrote it"
        )
    if header["weights"] != read_config(folder)[1]:
        raise InputError("the file was made for other weights", path=path, remedy="make it again from this model")
    return read_json(header["settings"].encode(), path) | {"sha256": header["sha256"]}


def read_sidecar(folder: str | Path, name: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and settings of a sidecar; the SHA-256 of both is checked.

    Raises
    ------
    InputError
        If the file is missing, was changed or was made for other weights, or a number in it is not finite.
    """
    settings = sidecar_settings(folder, name)
    path = regular_file(folder, name)
    arrays = read_arrays(path)
    plain = {key: value for key, value in settings.items() if key != "sha256"}
    if settings["sha256"] != _digest(json.dumps(plain, sort_keys=True), arrays):
        raise InputError("the file is not as it was written", path=path, remedy=REMEDY)
    return arrays, settings


def _digest(settings: str, arrays: Mapping[str, np.ndarray]) -> str:
    sums = hashlib.sha256(settings.encode())
    for name in sorted(arrays):
        sums.update(f"\n{name} {arrays[name].dtype.str} {arrays[name].shape}\n".encode())
        sums.update(arrays[name].tobytes())
    return sums.hexdigest()
