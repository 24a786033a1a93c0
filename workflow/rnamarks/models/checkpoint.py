"""Networks to and from the model directory: what training hands to everything after it.

``weights.safetensors`` holds the tensors of one or more members of an ensemble, each name led by ``<member>.``, a
number; in a stack also the arrays of the baselines, each led by ``<baseline>.<head>.``. One that is missing, is
superfluous or has another shape is an error. Whatever the directory holds, :func:`load_model` gives one module that is
called as ``model(codes, head)``, and whose ``networks`` are the networks alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from ..errors import InputError
from ..files import atomic_path
from .directory import WEIGHTS, ModelConfig, check_weights, read_config, write_config
from .register import build_model


class Ensemble(nn.Module):
    """Mean logit of networks with the same heads."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    @property
    def networks(self) -> Ensemble:
        """Itself: there is nothing but networks in it. See :attr:`Stack.networks`."""
        return self

    def forward(self, codes: torch.Tensor, head: str) -> torch.Tensor:
        """Logits, shape (batch,), of windows given as codes, shape (batch, window)."""
        return torch.stack([member(codes, head) for member in self.members]).mean(dim=0)


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
        Name, then head.
    weights : mapping of str to mapping of str to float
        Head, then name.

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

    def forward(self, codes: torch.Tensor, head: str) -> torch.Tensor:
        """Logits, shape (batch,), of windows given as codes, shape (batch, window); real-valued windows are refused."""
        if codes.is_floating_point():
            raise ValueError("a stack reads codes; for real-valued windows take its networks, model.networks")
        weights = self.weights[head]
        # a GPU works on this while the CPU is at the baselines
        ours = weights[self.network] * self.networks(codes, head)
        letters = codes.cpu().numpy()
        theirs = np.sum([weights[name] * heads[head].logit(letters) for name, heads in self.baselines.items()], axis=0)
        return ours + torch.from_numpy(theirs).to(ours)


def save_model(
    folder: str | Path,
    members: Sequence[Mapping[str, torch.Tensor]],
    config: ModelConfig,
    baselines: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Write a model directory.

    Parameters
    ----------
    folder : path-like
        Made if it is missing.
    members : sequence of state dicts
        One per member of the ensemble.
    config : ModelConfig
        ``members`` in it is set from the sequence.
    baselines : mapping of str to array, optional
        Of a stack: what :func:`rnamarks.models.baseline_files.stack_arrays` gives.
    """
    folder = Path(folder)
    config.members = len(members)
    tensors = {
        f"{index}.{name}": tensor.detach().cpu().contiguous()
        for index, member in enumerate(members)
        for name, tensor in member.items()
    }
    tensors |= {name: torch.from_numpy(np.array(array)) for name, array in (baselines or {}).items()}
    # the stack's weights are written here, too, so that the file's hash tells every two models apart that score
    # differently
    metadata = {"stack": json.dumps(config.stack, sort_keys=True)} if config.stack else None
    with atomic_path(folder / WEIGHTS) as part:
        save_file(tensors, part, metadata)
    write_config(folder, config)


def load_members(folder: str | Path) -> tuple[list[dict[str, torch.Tensor]], ModelConfig]:
    """State dicts of the networks and the configuration; the weights' hash is checked first."""
    members, config, _ = _load(folder)
    return members, config


def _load(folder: str | Path) -> tuple[list[dict[str, torch.Tensor]], ModelConfig, dict[str, np.ndarray]]:
    """State dicts of the networks, the configuration, and what belongs to baselines."""
    config, digest = read_config(folder)
    path = check_weights(folder, digest)
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise InputError(f"not a safetensors file: {error}", path=path, remedy="copy it again") from error
    members: dict[str, dict[str, torch.Tensor]] = {str(index): {} for index in range(config.members)}
    others = {}
    for name, tensor in tensors.items():
        index, _, inner = name.partition(".")
        if index in members:
            members[index][inner] = tensor
        else:
            others[name] = tensor.numpy()
    return list(members.values()), config, others


def load_model(folder: str | Path) -> tuple[Ensemble | Stack, ModelConfig]:
    """Rebuild a model in evaluation mode on the CPU; every tensor must fit by name and shape.

    Returns
    -------
    model : Ensemble or Stack
        Either is called as ``model(codes, head)`` and has ``networks``.
    config : ModelConfig

    Raises
    ------
    InputError
        If a file is missing, is not the one that the configuration names or does not fit it, or a stack needs a
        package that is not installed.
    """
    states, config, arrays = _load(folder)
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
    model: Ensemble | Stack = Ensemble(networks)
    if config.stack or arrays:
        # scikit-learn and XGBoost take a second to import, and networks alone need neither
        from .baseline_files import rebuild_stack

        baselines = rebuild_stack(config, arrays, Path(folder) / WEIGHTS)
        model = Stack(model, config.stack["network"], baselines, config.stack["weights"])
    return model.eval(), config


def require_head(config: ModelConfig, head: str) -> None:
    """Raise :class:`InputError`, listing the heads, unless the model has this one."""
    if head not in config.heads:
        raise InputError("the model has no such head", value=head, remedy=f"choose one of {', '.join(config.heads)}")
