"""Weights of the original MultiRM (Song et al. 2021, Zenodo 4851898) as a model directory.

The original keeps a state dict with names of its own. Tensors are taken over as they are: both sides use torch's LSTM,
whose gates have one order, and both put the forward direction's final state before the backward one's. The original
puts a batch's final states together across windows, so its logits agree for one window at a time only
(:class:`rnamarks.models.multirm.MultiRM` gives those for any batch).
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ..errors import InputError
from ..sequences import encode
from .checkpoint import ModelConfig, save_model
from .word_vectors import LETTERS_PER_WORD, WORDS, word_numbers

ORIGINAL_HEADS = ("Am", "Cm", "Gm", "Um", "m1A", "m5C", "m5U", "m6A", "m6Am", "m7G", "Y", "I")
"""The original's order of modifications, in MODOMICS short names."""
ORIGINAL_WINDOW = 51

_RENAMED = {
    "Attention.W1": "from_positions",
    "Attention.W2": "from_final",
    "Attention.V": "score",
}
_REMEDY = "give the state dict of a MultiRM network of the original code, and its words in the order of their rows"


def convert_original(
    state: Mapping[str, torch.Tensor], words: Sequence[str], heads: Sequence[str] = ORIGINAL_HEADS
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The state dict and the hyperparameters of :class:`rnamarks.models.multirm.MultiRM` for the original's state dict.

    Parameters
    ----------
    state : mapping of str to torch.Tensor
        ``embed.embedding.weight`` (words, dims), ``NaiveBiLSTM.*`` as torch names an LSTM's parameters,
        ``Attention.{W1,W2,V}.{weight,bias}`` and ``NaiveFC<i>.{0,3}.{weight,bias}`` for head i.
    words : sequence of str
        The 3-mers of the rows of the embedding, DNA or RNA letters, N allowed. The original knows fewer than 125: the
        others get zeros.
    heads : sequence of str
        Names of the heads in the original's order.

    Returns
    -------
    state : dict of str to torch.Tensor
        float32.
    hyperparameters : dict

    Raises
    ------
    InputError
        If a name is unknown or missing, a tensor has another shape than the others ask for or holds what is no finite
        number, or the words are not that many different 3-mers.
    """
    found = {name: tensor for name, tensor in state.items() if isinstance(tensor, torch.Tensor)}
    if len(found) != len(state):
        odd = next(name for name in state if name not in found)
        raise InputError("the state dict holds what is no tensor", value=odd, remedy=_REMEDY)
    sizes = {
        "dims": _size(found, "embed.embedding.weight", 1),
        "units": _size(found, "NaiveBiLSTM.weight_hh_l0", 1),
        "attention": _size(found, "Attention.W1.weight", 0),
        "hidden": _size(found, "NaiveFC0.0.weight", 0),
    }
    names = _expected(len(words), len(heads), **sizes)
    for name in sorted(set(names) ^ set(found)):
        what = "lacks a tensor" if name in names else "has a tensor that the original has not"
        raise InputError(f"the state dict {what} for {len(heads)} heads", value=name, remedy=_REMEDY)
    for name, shape in names.items():
        tensor = found[name]
        if tuple(tensor.shape) != shape:
            raise InputError(
                f"{name} has another shape than {shape}, which the other tensors, {len(words)} words and "
                f"{len(heads)} heads ask for",
                value=tuple(tensor.shape),
                remedy=_REMEDY,
            )
        if not tensor.is_floating_point() or not torch.isfinite(tensor).all():
            raise InputError("a tensor holds what is no finite real number", value=name, remedy=_REMEDY)
    table = torch.zeros(len(WORDS), sizes["dims"])
    table[_rows_of(words)] = found["embed.embedding.weight"].float()
    out = {"embedding.vectors": table}
    for name, tensor in found.items():
        layer, _, rest = name.partition(".")
        if layer == "NaiveBiLSTM":
            out[f"lstm.{rest}"] = tensor.float()
        elif layer == "Attention":
            part, _, kind = name.rpartition(".")
            out[f"{_RENAMED[part]}.{kind}"] = tensor.float()
        elif layer != "embed":
            out[f"classifiers.{heads[int(layer.removeprefix('NaiveFC'))]}.{rest}"] = tensor.float()
    return out, {"embedding": "word2vec"} | sizes


def import_original(
    path: str | Path,
    words: Sequence[str],
    heads: Sequence[str],
    folder: str | Path,
    *,
    window: int = ORIGINAL_WINDOW,
    config: Mapping[str, Any] | None = None,
) -> ModelConfig:
    """Write a model directory from a file of the original's weights; nothing in the file is executed.

    Parameters
    ----------
    path : path-like
        A torch file of tensors alone, or safetensors (told by the name's end, ``.safetensors``).
    words, heads
        See :func:`convert_original`.
    folder : path-like
        Gets ``weights.safetensors`` and ``config.json``.
    window : int
        Width in nt of the windows that the network was trained on; the weights do not tell.
    config : mapping, optional
        Other fields of :class:`rnamarks.models.directory.ModelConfig`.

    Returns
    -------
    ModelConfig
        As written. It has no calibration: the original's logits come from its own mix of classes.

    Raises
    ------
    InputError
        If the file cannot be read, or its content is not what :func:`convert_original` takes.
    """
    try:
        state, hyperparameters = convert_original(_read(Path(path)), words, heads)
    except InputError as error:
        raise error if error.path else InputError(str(error), path=path) from error
    written = ModelConfig(
        model="multirm",
        heads=list(heads),
        window=window,
        hyperparameters=hyperparameters,
        **({"modification": ""} | dict(config or {})),
    )
    written.training = {"imported": "MultiRM (Song et al. 2021)"} | written.training
    save_model(folder, [state], written)
    return written


def _read(path: Path) -> Mapping[str, torch.Tensor]:
    if not path.is_file():
        raise InputError("no such file", path=path, remedy="check the path")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, weights_only=True, map_location="cpu")
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise InputError(
            "not a file of tensors alone", path=path, remedy="save the network's state_dict() with torch.save"
        ) from error
    if not isinstance(state, Mapping):
        raise InputError("not a state dict", path=path, value=type(state).__name__, remedy=_REMEDY)
    return state


def _size(state: Mapping[str, torch.Tensor], name: str, axis: int) -> int:
    if name not in state:
        raise InputError("the state dict lacks a tensor", value=name, remedy=_REMEDY)
    if state[name].ndim != 2:
        raise InputError(f"{name} is no matrix", value=tuple(state[name].shape), remedy=_REMEDY)
    return state[name].shape[axis]


def _expected(
    words: int, heads: int, *, dims: int, units: int, attention: int, hidden: int
) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the original's tensors."""
    shapes: dict[str, tuple[int, ...]] = {"embed.embedding.weight": (words, dims)}
    for end in ("", "_reverse"):
        shapes |= {f"NaiveBiLSTM.weight_ih_l0{end}": (4 * units, dims), f"NaiveBiLSTM.bias_ih_l0{end}": (4 * units,)}
        shapes |= {f"NaiveBiLSTM.weight_hh_l0{end}": (4 * units, units), f"NaiveBiLSTM.bias_hh_l0{end}": (4 * units,)}
    layers = {"Attention.W1": (attention, 2 * units), "Attention.W2": (attention, 2 * units)}
    layers |= {"Attention.V": (heads, attention)}
    for head in range(heads):
        layers |= {f"NaiveFC{head}.0": (hidden, 2 * units), f"NaiveFC{head}.3": (1, hidden)}
    for layer, (outputs, inputs) in layers.items():
        shapes |= {f"{layer}.weight": (outputs, inputs), f"{layer}.bias": (outputs,)}
    return shapes


def _rows_of(words: Sequence[str]) -> torch.Tensor:
    """Our numbers of the original's words."""
    rows: list[int] = []
    for place, word in enumerate(words, 1):
        if len(word) != LETTERS_PER_WORD:
            raise InputError(f"word {place} is no 3-mer", value=word, remedy=_REMEDY)
        number = int(word_numbers(encode(word))[0])
        if number in rows:
            raise InputError(f"word {place} is there twice", value=word, remedy=_REMEDY)
        rows.append(number)
    return torch.tensor(rows, dtype=torch.long)
