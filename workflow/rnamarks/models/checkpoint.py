"""Networks to and from the model directory: what training hands to everything after it.

A tensor that is missing, is superfluous or has another shape is an error, found before anything is built. Whatever the
directory holds, :func:`load_model` gives one module that is called as ``model(codes, task)``, and whose ``networks``
are the networks alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..errors import InputError, about
from .array_files import read_arrays
from .combiner import COMBINER, Combiner
from .directory import ModelConfig, check_weights, read_config, read_shapes, split_members, write_model
from .registry import Network, build_model


class Ensemble(nn.Module):
    """Mean logit of networks with the same tasks."""

    def __init__(self, members: Sequence[Network]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    @property
    def networks(self) -> Ensemble:
        """Itself: there is nothing but networks in it. See :attr:`Stack.networks`."""
        return self

    def forward(self, codes: torch.Tensor, task: str) -> torch.Tensor:
        """Logits, shape (batch,), of windows given as codes, shape (batch, window)."""
        return torch.stack([member(codes, task) for member in self.members]).mean(dim=0)

    def forward_all(self, codes: torch.Tensor) -> torch.Tensor:
        """Logits of all tasks, shape (batch, n_tasks)."""
        return torch.stack([member.forward_all(codes) for member in self.members]).mean(dim=0)


class Stack(nn.Module):
    """Weighted sum of the logits of networks and of fitted baselines; see :mod:`rnamarks.models.stack`.

    The networks compute on the device they are moved to, the baselines always on the CPU, with the same result for
    every size of batch.

    Parameters
    ----------
    networks : Ensemble
    network : str
        The networks' name in ``weights``.
    baselines : mapping of str to mapping of str to Baseline
        Name, then task.
    weights : mapping of str to mapping of str to float
        Task, then name.

    Attributes
    ----------
    networks : Ensemble
        The networks alone, for what a baseline cannot give: gradients, filters, real-valued windows. Its logits are
        not those of the stack.
    """

    def __init__(self, networks: Ensemble, network: str, baselines: Mapping, weights: Mapping) -> None:
        super().__init__()
        self.networks = networks
        self.network, self.baselines, self.weights = network, baselines, weights

    def forward(self, codes: torch.Tensor, task: str) -> torch.Tensor:
        """Logits, shape (batch,), of windows given as codes, shape (batch, window); real-valued windows are refused."""
        if codes.is_floating_point():
            raise ValueError("a stack reads codes; for real-valued windows take its networks, model.networks")
        weights = self.weights[task]
        # a GPU works on this while the CPU is at the baselines
        ours = weights[self.network] * self.networks(codes, task)
        letters = codes.cpu().numpy()
        theirs = np.sum(
            [weights[name] * fitted[task].logit(letters) for name, fitted in self.baselines.items()], axis=0
        )
        return ours + torch.from_numpy(theirs).to(ours)


class Combined(nn.Module):
    """Networks whose logits trees put together with what lies beyond a window (:mod:`rnamarks.models.combiner`).

    A window alone does not hold what it reads: it is asked through an engine of :mod:`rnamarks.prediction.combined`.

    Attributes
    ----------
    networks : Ensemble
        The networks alone.
    combiners : dict of str to Combiner
        By task.
    """

    def __init__(self, networks: Ensemble, combiners: Mapping[str, Combiner]) -> None:
        super().__init__()
        self.networks, self.combiners = networks, dict(combiners)

    def forward(self, codes: torch.Tensor, task: str) -> torch.Tensor:
        """Windows are refused."""
        raise windows_refused()

    forward_all = forward


def windows_refused() -> InputError:
    """What is said where windows are given to a model that reads more."""
    return InputError(
        "the model judges bases by their whole transcript, not by windows",
        remedy="scan sequences with --annotation, or choose another model, such as m6a",
    )


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
    arrays = [{name: tensor.detach().cpu().numpy() for name, tensor in member.items()} for member in members]
    write_model(folder, arrays, config)


def load_model(folder: str | Path) -> tuple[Ensemble | Stack | Combined, ModelConfig]:
    """Rebuild a model in evaluation mode on the CPU; every tensor must fit by name and shape.

    Returns
    -------
    model : Ensemble, Stack or Combined
        Each has ``networks``; all but the last are called as ``model(codes, task)``.
    config : ModelConfig

    Raises
    ------
    InputError
        If a file is missing, is not the one that the configuration names or does not fit it, or a stack needs a
        package that is not installed.
    """
    config, digest = read_config(folder)
    if not config.window:
        raise InputError("the model reads whole sequences, not windows", path=folder, remedy="use rnamarks lm")
    path = check_weights(folder, digest)

    def build() -> nn.Module:
        return build_model(config.model, config.heads, config.window, config.hyperparameters)

    check_shapes(build, config, path)
    members, arrays = split_members(read_arrays(path), config.members)
    networks = []
    for member in members:
        network = build()
        network.load_state_dict({name: torch.from_numpy(array) for name, array in member.items()}, strict=True)
        networks.append(network)
    model: Ensemble | Stack | Combined = Ensemble(networks)
    if config.combiner:
        model = Combined(model, read_combiners(config, arrays, path))
    if config.stack:
        # scikit-learn and XGBoost take a second to import, and networks alone need neither
        from .baseline_files import rebuild_stack

        model = Stack(model, config.stack["network"], rebuild_stack(config, arrays, path), config.stack["weights"])
    return model.eval(), config


def read_combiners(config: ModelConfig, arrays: Mapping[str, np.ndarray], path: Path) -> dict[str, Combiner]:
    """The combiner of each task, from arrays led by ``combiner.<task>.``."""
    found: dict[str, dict[str, np.ndarray]] = {task: {} for task in config.task_names}
    for key, array in arrays.items():
        task, _, inner = key.removeprefix(f"{COMBINER}.").rpartition(".")
        if task not in found:
            raise InputError("an array belongs to no task", path=path, value=key, remedy="pack the model again")
        found[task][inner] = array
    with about("the combiner", path=path):
        return {task: Combiner.from_arrays(part, config.combiner) for task, part in found.items()}


def check_shapes(build: Callable[[], nn.Module], config: ModelConfig, path: Path) -> None:
    """Compare the file's header with the network that the configuration describes, before memory is taken for it."""
    with torch.device("meta"):
        described = build().state_dict()
    expected = {
        f"{index}.{name}": tuple(tensor.shape) for index in range(config.members) for name, tensor in described.items()
    }
    found = read_shapes(path)
    for name in sorted(expected.keys() | found.keys()):
        leads = name.partition(".")[0]
        if config.stack and name not in expected and leads in config.stack["baselines"]:
            continue
        if config.combiner and name not in expected and leads == COMBINER:
            continue
        if expected.get(name) != found.get(name):
            raise InputError(
                f"the weights do not fit the network that the configuration describes: {name}",
                path=path,
                value=f"{found.get(name, 'missing')} for {expected.get(name, 'nothing of that name')}",
                remedy="use the version of rnamarks that wrote the model",
            )
