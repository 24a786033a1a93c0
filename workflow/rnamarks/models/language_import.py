"""Released checkpoints of RiNALMo, read without running anything that they hold.

A file of torch is read with ``weights_only=True``. Sizes follow from the shapes. Both layouts of attention are known,
one matrix ``Wqkv`` (with flash attention) and three (without), and the prefixes of fine-tuned files. Every tensor of
the file is used once and every weight of the network is set once; anything else is an error that lists the difference.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import torch

from ..errors import InputError, about
from ..files import sha256_of
from .language import Language
from .language_files import load_language, save_language
from .tokens import TOKENS

HEADS = 20
"""Attention heads of every published size; a file does not say how many it has."""
_SHOWN = 8
_AGAIN = "fetch the file again"

_OUTER = {
    "embedding.weight": "trunk.embedding.weight",
    **{f"transformer.final_layer_norm.{kind}": f"trunk.norm.{kind}" for kind in ("weight", "bias")},
    **{
        f"lm_mask_head.{theirs}.{kind}": f"heads.masked.{ours}.{kind}"
        for theirs, ours in (("linear1", "dense"), ("layer_norm", "norm"), ("linear2", "vocabulary"))
        for kind in ("weight", "bias")
    },
}
_INNER = {
    "mh_attn.Wqkv.weight": "qkv.weight",
    "mh_attn.out_proj.weight": "out.weight",
    "mh_attn.mh_attn.out_proj.weight": "out.weight",
    "transition.0.beta": "feedforward.beta",
    **{
        f"{theirs}.{kind}": f"{ours}.{kind}"
        for theirs, ours in (
            ("attn_layer_norm", "attention_norm"),
            ("out_layer_norm", "feedforward_norm"),
            ("transition.0.linear", "feedforward.value"),
            ("transition.0.linear_gate", "feedforward.gate"),
            ("transition.2", "feedforward.down"),
        )
        for kind in ("weight", "bias")
    },
}
_BLOCK = re.compile(r"transformer\.blocks\.(\d{1,4})\.(.+)")
_APART = re.compile(r"mh_attn\.mh_attn\.to_([qkv])\.weight")
_ROTARY = re.compile(r"mh_attn\.(mh_attn\.)?rotary_emb\.inv_freq")

_HEAD_LAYERS = {
    "linear_in": "enter",
    "classifier.0": "enter",
    "linear_out": "leave",
    "classifier.2": "leave",
    "conv_out": "leave",
}
_SCALER = {"scaler._mean": "mean", "scaler._std": "spread"}
_CONVOLUTION = re.compile(r"resnet\.blocks\.(\d{1,3})\.conv_net\.(\d)\.weight")


@dataclass
class Imported:
    """What a checkpoint holds.

    Attributes
    ----------
    network : Language
        In evaluation mode.
    sizes : dict
        Hyperparameters of the encoder.
    outputs : dict
        Task to the settings of its head: ``masked``, and in a fine-tuned file ``structure``, ``splice``, ``class`` or
        ``ribosome_loading``.
    threshold : float or None
        Probability above which a pair is called, where the file has one.
    """

    network: Language
    sizes: dict[str, Any]
    outputs: dict[str, dict[str, Any]]
    threshold: float | None


def read_checkpoint(path: str | Path, heads: int | None = None) -> Imported:
    """Read a released checkpoint, plain or fine-tuned, or the weights of a language model's directory.

    Parameters
    ----------
    path : path-like
        A file of torch, or ``weights.safetensors`` of a directory, whose ``config.json`` is read with it.
    heads : int, optional
        Attention heads of a block, where the file does not say and they are not :data:`HEADS`.

    Raises
    ------
    InputError
        If the file is missing, cut off, holds code, or does not hold exactly the tensors of such a model; if heads are
        given for a directory, which has them.
    """
    if Path(path).name == "weights.safetensors":
        return _of_directory(path, heads)
    state = _load(path)
    threshold = state.pop("threshold", None)
    if threshold is not None and not isinstance(threshold, int | float | torch.Tensor):
        raise InputError("threshold is not a number", path=path, value=threshold, remedy=_AGAIN)
    for name, tensor in state.items():
        if not isinstance(tensor, torch.Tensor) or not tensor.is_floating_point():
            raise InputError(
                "the file holds something that is no tensor of weights",
                path=path,
                value=name,
                remedy="give a state dict, or a checkpoint with one under state_dict",
            )
        if not torch.isfinite(tensor).all():
            raise InputError("weights are not finite", path=path, value=name, remedy=_AGAIN)
    with about(path=path):
        inner, outer = _without_prefix(state)
        weights, frequencies = _renamed(inner)
        sizes, settings = _sizes(weights, frequencies, heads), {"masked": {"target": "masked"}}
        if outer:
            task, entry, tuned = _head(outer)
            settings[task] = entry
            weights |= {f"heads.{task}.{name}": tensor for name, tensor in tuned.items()}
        network = _filled(sizes, settings, weights)
    return Imported(network, sizes, settings, None if threshold is None else float(threshold))


def import_checkpoint(path: str | Path, folder: str | Path, heads: int | None = None) -> Imported:
    """Turn a released checkpoint into a model directory; arguments and errors as of :func:`read_checkpoint`."""
    found = read_checkpoint(path, heads)
    save_language(
        folder,
        found.network,
        found.sizes,
        found.outputs,
        threshold={"structure": found.threshold} if found.threshold is not None else None,
        training={"checkpoint": Path(path).name, "sha256": sha256_of(path)},
    )
    return found


def _of_directory(path: str | Path, heads: int | None) -> Imported:
    if heads is not None:
        raise InputError("config.json beside the weights says how many heads", value=heads, remedy="leave heads out")
    network, config = load_language(Path(path).parent)
    sizes, outputs = (config.hyperparameters[name] for name in ("sizes", "outputs"))
    threshold = config.thresholds.get("structure")
    return Imported(network, sizes, outputs, threshold[0]["probability"] if threshold else None)


def _load(path: str | Path) -> dict[str, Any]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError("no such file", path=path, remedy="check the path") from error
    except pickle.UnpicklingError as error:
        raise InputError(
            "the file holds more than tensors, or is damaged; nothing in it was run",
            path=path,
            remedy="fetch the file again from its publisher",
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, BadZipFile, OSError) as error:
        raise InputError(
            f"not a complete file of torch: {(str(error) or type(error).__name__).splitlines()[0]}",
            path=path,
            remedy=_AGAIN,
        ) from error
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping) or not state:
        raise InputError("the file holds no state dict", path=path, remedy="give a checkpoint of RiNALMo")
    return {str(name): value for name, value in state.items()}


def _without_prefix(state: Mapping[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Tensors of the language model by their plain names, and those of a head and its scaler."""
    inner, outer = {}, {}
    for name, tensor in state.items():
        if name.startswith(("pred_head.", "scaler.")):
            outer[name] = tensor
        else:
            plain = re.sub(r"^(lm|rinalmo)\.", "", name)
            if plain in inner:
                raise InputError("two tensors of the file are the same weight", value=name, remedy=_AGAIN)
            inner[plain] = tensor
    return inner, outer


def _renamed(state: Mapping[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], torch.Tensor | None]:
    """Tensors by our names, and the rotary frequencies if there are some."""
    found: dict[str, torch.Tensor] = {}
    apart: dict[str, dict[str, torch.Tensor]] = {}
    frequencies: torch.Tensor | None = None
    unknown = []

    def put(name: str, tensor: torch.Tensor) -> None:
        if name in found:
            raise InputError("two tensors of the file are the same weight", value=name, remedy=_AGAIN)
        found[name] = tensor

    for name, tensor in state.items():
        if name in _OUTER:
            put(_OUTER[name], tensor)
        elif not (match := _BLOCK.fullmatch(name)):
            unknown.append(name)
        elif match[2] in _INNER:
            put(f"trunk.blocks.{int(match[1])}.{_INNER[match[2]]}", tensor)
        elif letter := _APART.fullmatch(match[2]):
            apart.setdefault(f"trunk.blocks.{int(match[1])}.qkv.weight", {})[letter[1]] = tensor
        elif _ROTARY.fullmatch(match[2]):
            if frequencies is not None and not torch.equal(frequencies, tensor):
                raise InputError("blocks have several rotary frequencies", value=name, remedy=_AGAIN)
            frequencies = tensor
        else:
            unknown.append(name)
    if unknown:
        raise InputError(
            f"{len(unknown)} tensors belong to no part of the model: {', '.join(unknown[:_SHOWN])}",
            remedy="give a checkpoint of RiNALMo",
        )
    for name, parts in apart.items():
        if set(parts) != set("qkv") or len({part.shape for part in parts.values()}) > 1:
            raise InputError("query, key and value are not of one shape, or one is missing", value=name, remedy=_AGAIN)
        put(name, torch.cat([parts[letter] for letter in "qkv"]))
    return found, frequencies


def _sizes(weights: Mapping[str, torch.Tensor], frequencies: torch.Tensor | None, heads: int | None) -> dict[str, Any]:
    """Hyperparameters of the encoder, as the shapes say."""
    table = weights.get("trunk.embedding.weight")
    first = weights.get("trunk.blocks.0.feedforward.value.weight")
    if table is None or first is None or table.ndim != 2 or first.ndim != 2:
        raise InputError("the file has no embedding or no block", remedy="give a checkpoint of RiNALMo")
    if len(table) != len(TOKENS):
        raise InputError(f"the vocabulary has not {len(TOKENS)} tokens", value=len(table), remedy="give another file")
    width = table.shape[1]
    if frequencies is not None:
        found = width // (2 * len(frequencies))
        rates = 10_000.0 ** (-torch.arange(len(frequencies)).double() / len(frequencies))
        if heads not in (None, found):
            raise InputError(f"the file has {found} attention heads", value=heads, remedy="leave the number out")
        if not torch.allclose(frequencies.double(), rates, rtol=1e-3):
            raise InputError("rotary frequencies are not those of base 10000", remedy="give another file")
        heads = found
    heads = heads or HEADS
    if width % heads or (width // heads) % 2:
        raise InputError(
            f"{heads} attention heads cannot share a width of {width}", value=heads, remedy="say how many heads it has"
        )
    blocks = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("trunk.blocks."))
    return {"width": width, "blocks": blocks, "heads": heads, "feedforward": len(first)}


def _head(state: Mapping[str, torch.Tensor]) -> tuple[str, dict[str, Any], dict[str, torch.Tensor]]:
    """Of the head of a fine-tuned file its task, its settings and its weights by our names."""
    named = {name.removeprefix("pred_head."): tensor for name, tensor in state.items()}
    weights = {}
    for name, tensor in named.items():
        layer, _, kind = name.rpartition(".")
        convolution = _CONVOLUTION.fullmatch(name)
        if convolution:
            weights[f"blocks.{convolution[1]}.convolutions.{int(convolution[2]) // 3}.weight"] = tensor
        elif layer in _HEAD_LAYERS:
            weights[f"{_HEAD_LAYERS[layer]}.{kind}"] = tensor
        elif name in _SCALER:
            weights[_SCALER[name]] = tensor
        else:
            raise InputError("a tensor belongs to no known head", value=name, remedy="give a checkpoint of RiNALMo")
    entered, left = weights.get("enter.weight"), weights.get("leave.weight")
    if entered is None or left is None:
        raise InputError("the head has no first or no last layer", remedy=_AGAIN)
    blocks = len({name.split(".")[1] for name in weights if name.startswith("blocks.")})
    if "classifier.0.weight" in named:
        task = "splice" if len(left) == 1 else "class"
        return task, {"target": "label", "hidden": len(entered), "labels": len(left)}, weights
    if "conv_out.weight" in named:
        return "structure", {"target": "pairs", "channels": len(entered), "blocks": blocks}, weights
    weights = {"mean": torch.zeros(1), "spread": torch.ones(1)} | weights
    return "ribosome_loading", {"target": "value", "channels": len(entered), "blocks": blocks}, weights


def _filled(
    sizes: Mapping[str, Any], heads: Mapping[str, Mapping[str, Any]], weights: Mapping[str, torch.Tensor]
) -> Language:
    """The network with every weight set; what is left over, missing or of another shape is an error that says so."""
    with torch.device("meta"):
        network = Language(heads, **sizes)
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    wrong = [
        f"{name}: {found.get(name, 'missing')} for {expected.get(name, 'nothing')}"
        for name in sorted(expected.keys() | found.keys())
        if expected.get(name) != found.get(name)
    ]
    if wrong:
        raise InputError(f"{len(wrong)} tensors do not fit the model: {'; '.join(wrong[:_SHOWN])}", remedy=_AGAIN)
    network.load_state_dict({name: tensor.float().contiguous() for name, tensor in weights.items()}, assign=True)
    return network.eval()
