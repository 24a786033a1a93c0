"""Released checkpoints of RiNALMo, read without running anything that they hold.

A file of torch is read with ``weights_only=True`` and against its checksums. Sizes follow from the shapes. Both
layouts of attention are known, one matrix ``Wqkv`` (with flash attention) and three (without), and the prefixes of
fine-tuned files. Every tensor of the file is used once and every weight of the network is set once; anything else is an
error that lists the difference by the file's own names.
"""

from __future__ import annotations

import pickle
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..errors import InputError, about, explain
from ..files import sha256_of
from .language import Language
from .language_files import load_language, save_language
from .tokens import TOKENS
from .torch_files import load_checked

HEADS = 20
"""Attention heads of every published size; a file does not say how many it has."""
_SHOWN = 8
_AGAIN = "fetch the file again"
_OTHER = "give a checkpoint of RiNALMo"
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def _layers(names: Mapping[str, str]) -> dict[str, str]:
    """Weight and bias of layers, theirs to ours."""
    return {f"{theirs}.{kind}": f"{ours}.{kind}" for theirs, ours in names.items() for kind in ("weight", "bias")}


_OUTER = {"embedding.weight": "trunk.embedding.weight"} | _layers(
    {
        "transformer.final_layer_norm": "trunk.norm",
        "lm_mask_head.linear1": "heads.masked.dense",
        "lm_mask_head.layer_norm": "heads.masked.norm",
        "lm_mask_head.linear2": "heads.masked.vocabulary",
    }
)
_INNER = {"transition.0.beta": "feedforward.beta"} | _layers(
    {
        "attn_layer_norm": "attention_norm",
        "out_layer_norm": "feedforward_norm",
        "transition.0.linear": "feedforward.value",
        "transition.0.linear_gate": "feedforward.gate",
        "transition.2": "feedforward.down",
    }
)
_FUSED = {"mh_attn.Wqkv.weight": "qkv.weight", "mh_attn.out_proj.weight": "out.weight"}
_APART = {f"mh_attn.mh_attn.to_{letter}.weight": "qkv.weight" for letter in "qkv"} | {
    "mh_attn.mh_attn.out_proj.weight": "out.weight"
}
_BLOCK = re.compile(r"transformer\.blocks\.(\d{1,4})\..+")
_ROTARY = re.compile(r"transformer\.blocks\.(\d{1,4})\.mh_attn\.(mh_attn\.)?rotary_emb\.inv_freq")
_RESIDUAL = re.compile(r"pred_head\.resnet\.blocks\.(\d{1,3})\..+")

_FIRST_LAYERS = {"classifier.2": "classifier.0", "conv_out": "linear_in", "linear_out": "linear_in"}
"""First layer of a head, by its last one."""
_CONVOLUTIONS = {"conv_out": 3, "linear_out": 2}
_SCALER = {"scaler._mean": "mean", "scaler._std": "spread"}


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
        If the file is missing, cut off, altered, holds code, or does not hold exactly the tensors of such a model; if
        heads are given for a directory, which has them.
    """
    if Path(path).name == "weights.safetensors":
        return _of_directory(path, heads)
    state = _load(path)
    with about(path=path):
        threshold = _threshold(state.pop("threshold", None))
        for name, tensor in state.items():
            if not _is_weights(tensor):
                raise InputError(
                    "the file holds something that is no tensor of weights",
                    value=name,
                    remedy="give a state dict, or a checkpoint with one under state_dict",
                )
            if not torch.isfinite(tensor).all():
                raise InputError("weights are not finite", value=name, remedy=_AGAIN)
        state = _without_prefix(state)
        sizes = _sizes(state, heads)
        outputs, names = _head(state)
        if threshold is not None and "structure" not in outputs:
            raise InputError("a threshold of pairs stands beside no head for them", value=threshold, remedy=_OTHER)
        network = _filled(sizes, outputs, state, _encoder_names(state, sizes["blocks"]) | names)
    return Imported(network, sizes, outputs, threshold)


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
        state = load_checked(path)
    except pickle.UnpicklingError as error:
        raise InputError(
            "the file holds more than tensors, or is damaged; nothing in it was run",
            path=path,
            remedy="fetch the file again from its publisher",
        ) from error
    except Exception as error:
        # a damaged file is every kind of error; what torch says of it may advise to run what it holds
        raise explain(error) or InputError(
            "not a file of torch, or one that is cut off or altered", path=path, remedy=_AGAIN
        ) from error
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping) or not state:
        raise InputError("the file holds no state dict", path=path, remedy=_OTHER)
    return {str(name): value for name, value in state.items()}


def _is_weights(value: object) -> bool:
    return (
        isinstance(value, torch.Tensor)
        and value.dtype in _FLOATS
        and value.layout is torch.strided
        and not value.is_meta
    )


def _threshold(value: object) -> float | None:
    """The probability above which a pair is called, from a number or a tensor of one."""
    found = value.item() if isinstance(value, torch.Tensor) and value.numel() == 1 else value
    if found is not None and not (isinstance(found, int | float) and 0 <= found <= 1):
        raise InputError("threshold is not a probability", value=str(found), remedy=_AGAIN)
    return None if found is None else float(found)


def _without_prefix(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors of the language model by their plain names."""
    found = {}
    for name, tensor in state.items():
        plain = re.sub(r"^(lm|rinalmo)\.", "", name)
        if plain in found:
            raise InputError("two tensors of the file are the same weight", value=name, remedy=_AGAIN)
        found[plain] = tensor
    return found


def _shape(state: Mapping[str, torch.Tensor], name: str) -> tuple[int, int]:
    """Shape of a matrix that sizes follow from."""
    if name not in state:
        raise InputError(f"the file has no {name}", remedy=_OTHER)
    if state[name].ndim != 2:
        raise InputError(f"{name} is no matrix", value=tuple(state[name].shape), remedy=_AGAIN)
    return tuple(state[name].shape)


def _sizes(state: dict[str, torch.Tensor], heads: int | None) -> dict[str, Any]:
    """Hyperparameters of the encoder, as the shapes say; its rotary frequencies leave the state."""
    tokens, width = _shape(state, "embedding.weight")
    hidden, _ = _shape(state, "transformer.blocks.0.transition.0.linear.weight")
    if tokens != len(TOKENS):
        raise InputError(f"the vocabulary has not {len(TOKENS)} tokens", value=tokens, remedy="give another file")
    rotary = {name: int(match[1]) for name in state if (match := _ROTARY.fullmatch(name))}
    blocks = 1 + max(int(match[1]) for name in state if name not in rotary and (match := _BLOCK.fullmatch(name)))
    frequencies = [state.pop(name) for name, block in rotary.items() if block < blocks]
    return {
        "width": width,
        "blocks": blocks,
        "heads": _heads(width, frequencies, heads),
        "feedforward": hidden,
    }


def _heads(width: int, frequencies: Sequence[torch.Tensor], given: int | None) -> int:
    """Attention heads: as many as the rotary frequencies fit, else those given, else :data:`HEADS`."""
    heads = given or HEADS
    if frequencies:
        heads = max(1, width // max(1, 2 * frequencies[0].numel()))
        if given not in (None, heads):
            raise InputError(f"the file has {heads} attention heads", value=given, remedy="leave the number out")
    if width % heads or (width // heads) % 2:
        raise InputError(
            f"{heads} attention heads cannot share a width of {width}", value=heads, remedy="say how many heads it has"
        )
    half = width // heads // 2
    rates = 10_000.0 ** (-torch.arange(half).double() / half)
    for found in frequencies:
        # bfloat16 has three digits
        if found.shape != rates.shape or not torch.allclose(found.double(), rates, rtol=5e-3):
            raise InputError("rotary frequencies are not those of base 10000", remedy="give another file")
    return heads


def _encoder_names(state: Mapping[str, torch.Tensor], blocks: int) -> dict[str, str]:
    """Names of the tensors of the language model, theirs to ours; those of one name of ours are parts, in order."""
    is_fused = any(name.endswith(".mh_attn.Wqkv.weight") for name in state)
    inner = _INNER | (_FUSED if is_fused else _APART)
    return _OUTER | {
        f"transformer.blocks.{block}.{theirs}": f"trunk.blocks.{block}.{ours}"
        for block in range(blocks)
        for theirs, ours in inner.items()
    }


def _head(state: dict[str, torch.Tensor]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Settings of all heads by task, and names of the tensors of that of a fine-tuned file, theirs to ours."""
    outputs: dict[str, dict[str, Any]] = {"masked": {"target": "masked"}}
    tuned = [name for name in state if name.startswith(("pred_head.", "scaler."))]
    if not tuned:
        return outputs, {}
    last = next((name for name in _FIRST_LAYERS if f"pred_head.{name}.weight" in state), None)
    if last is None:
        raise InputError("the head has no last layer that is known", value=", ".join(tuned), remedy=_OTHER)
    first = _FIRST_LAYERS[last]
    names = _layers({f"pred_head.{first}": "enter", f"pred_head.{last}": "leave"})
    hidden, _ = _shape(state, f"pred_head.{first}.weight")
    if last == "classifier.2":
        labels, _ = _shape(state, f"pred_head.{last}.weight")
        task = "splice" if labels == 1 else "class"
        outputs[task] = {"target": "label", "hidden": hidden, "labels": labels}
    else:
        blocks = len({match[1] for name in tuned if (match := _RESIDUAL.fullmatch(name))})
        names |= {
            f"pred_head.resnet.blocks.{block}.conv_net.{3 * at}.weight": f"blocks.{block}.convolutions.{at}.weight"
            for block in range(blocks)
            for at in range(_CONVOLUTIONS[last])
        }
        task, target = ("structure", "pairs") if last == "conv_out" else ("ribosome_loading", "value")
        outputs[task] = {"target": target, "channels": hidden, "blocks": blocks}
    if task == "ribosome_loading":
        names |= _SCALER
        if not _SCALER.keys() & state.keys():
            state |= {"scaler._mean": torch.zeros(1), "scaler._std": torch.ones(1)}
    return outputs, {theirs: f"heads.{task}.{ours}" for theirs, ours in names.items()}


def _filled(
    sizes: Mapping[str, Any],
    outputs: Mapping[str, Mapping[str, Any]],
    state: Mapping[str, torch.Tensor],
    names: Mapping[str, str],
) -> Language:
    """The network with every weight set; what is missing, left over or of another shape is an error that says so."""
    with torch.device("meta"):
        network = Language(outputs, **sizes)
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    parts = Counter(names.values())
    expected = {
        name: (shapes[ours][0] // parts[ours], *shapes[ours][1:]) if parts[ours] > 1 else shapes[ours]
        for name, ours in names.items()
    }
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    differences = {
        "missing": [name for name in expected if name not in found],
        "of no part of the model": [name for name in found if name not in expected],
        "of another shape": [
            f"{name} {found[name]} for {shape}" for name, shape in expected.items() if found.get(name, shape) != shape
        ],
    }
    if any(differences.values()):
        told = "; ".join(
            f"{len(some)} {kind}: {', '.join(some[:_SHOWN])}{', …' * (len(some) > _SHOWN)}"
            for kind, some in differences.items()
            if some
        )
        raise InputError(f"the tensors do not fit the model, {told}", remedy=_OTHER)
    weights: dict[str, list[torch.Tensor]] = defaultdict(list)
    for name, ours in names.items():
        weights[ours].append(state[name])
    network.load_state_dict(
        {name: (torch.cat(some) if len(some) > 1 else some[0]).float().contiguous() for name, some in weights.items()},
        assign=True,
    )
    return network.eval()
