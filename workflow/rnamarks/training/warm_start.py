"""Networks that begin with the weights of a trained one: from many species to one, from a release to one's own data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..errors import InputError
from ..models.directory import read_config, read_members
from ..models.registry import Network


@dataclass(frozen=True)
class Start:
    """Weights to begin with.

    Attributes
    ----------
    folder : path-like
        Model directory of one or more networks; of a stack, its networks are taken.
    task : str
        Task of it whose head a task that it lacks begins with; ``""`` for random weights.
    """

    folder: str | Path
    task: str = ""

    def record(self) -> dict[str, str]:
        """What tells two starts apart: the hash of the weights and the task."""
        return {"sha256": read_config(self.folder)[1], "task": self.task}


def begin_from(
    network: Network, start: Start, *, name: str, hyperparameters: Mapping[str, Any], tasks: Sequence[str], seed: int
) -> None:
    """Copy the weights of a model directory's network into one that was just built.

    Parameters
    ----------
    network : Network
        Changed in place.
    start : Start
        From an ensemble, member ``seed`` modulo their number is taken.
    name, hyperparameters
        What ``network`` was built from; the folder's network has to be of the same form.
    tasks : sequence of str
        Of ``network``.
    seed : int

    Raises
    ------
    InputError
        If the folder holds another network, other sizes, another window, or lacks the task of ``start``.
    """
    folder, task = start.folder, start.task
    members, config = read_members(folder)
    if config.model != name:
        raise InputError(
            f"the weights to start from are of another network than {name}",
            path=folder,
            value=config.model,
            remedy="start from a model of the same network",
        )
    if task and task not in config.heads:
        raise InputError(
            "the model to start from has no such task",
            path=folder,
            value=task,
            remedy=f"choose one of {', '.join(config.heads)}",
        )
    given = {name: torch.from_numpy(array) for name, array in members[seed % len(members)].items()}
    state = dict(network.state_dict())
    donors = {one: one if one in config.heads else task for one in tasks}
    for key, mine in state.items():
        part, _, rest = key.partition(".")
        source = key
        if part == "heads":
            one, _, rest = rest.partition(".")
            if not donors[one]:
                continue
            source = f"heads.{donors[one]}.{rest}"
        found = given.get(source)
        if key in network.by_task and found is not None and len(found) == len(config.heads):
            rows = {one: config.heads.index(donors[one]) for one in tasks if donors[one]}
            found = torch.stack([found[rows[one]] if one in rows else mine[row] for row, one in enumerate(tasks)])
        if found is None or found.shape != mine.shape:
            raise InputError(
                f"the weights to start from do not fit the network: {source}",
                path=folder,
                value=f"{tuple(found.shape)} for {tuple(mine.shape)}" if found is not None else "missing",
                remedy=f"give the same hyperparameters and window; those of the weights are {config.hyperparameters}, "
                f"window {config.window}; here {dict(hyperparameters)}",
            )
        state[key] = found
    network.load_state_dict(state)
