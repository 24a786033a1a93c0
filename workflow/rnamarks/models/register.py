"""The networks that a configuration can name.

A network is a :class:`torch.nn.Module` built as ``Network(heads, window, **hyperparameters)`` with two parts:
``extractor``, shared by all heads, and ``classifiers``, a :class:`torch.nn.ModuleDict` with one entry per head
(a species here, a modification elsewhere). ``forward(codes, head)`` takes integer codes, shape (batch, window),
and returns one logit per window, shape (batch,): the log odds of the modification at the training prevalence. It
also takes real-valued windows, shape (batch, 4, window), rows A, C, G, U: one-hot columns give the logits of the codes,
and what lies between is differentiable. :class:`~rnamarks.models.layers.OneHot` does this for a network that begins
with it. A branch that counts k-mers of the codes has to count shares instead: the sum over places of the product of the
k letters' entries, which for one-hot columns is the number of k-mers, and none where a letter is N.
A network that is trained in another way than the trainer's defaults says so in ``training_defaults``.

A network may have more: ``forward_all(codes)``, the logits of all heads at once, shape (batch, n_heads);
``attend(codes)``, each head's attention, shape (batch, n_heads, places), rows that sum to 1; and
``prepare(codes, seed)``, called once before training with the training windows of all heads, shape (n, window). The
network or a layer of it may have ``inference_form()``: see :mod:`rnamarks.models.inference`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from ..errors import InputError
from ..registry import Register

MODELS: Register[type[nn.Module]] = Register("model")


def build_model(name: str, heads: Sequence[str], window: int, hyperparameters: Mapping[str, Any] | None = None):
    """A freshly initialised network of the register; weights depend on torch's current random state.

    Raises
    ------
    InputError
        If there is no such network, or it knows no hyperparameter of that name; the message lists those it knows.
    """
    # importing the modules enters their classes into the register
    from . import deepm6aseq, mass, multirm, unanchored  # noqa: F401

    network = MODELS[name]
    hyperparameters = dict(hyperparameters or {})
    known = [
        parameter.name
        for parameter in inspect.signature(network).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    ]
    for key in hyperparameters:
        if key not in known:
            raise InputError(
                f"the network {name} has no hyperparameter of that name", value=key, remedy=f"it has {', '.join(known)}"
            )
    return network(list(heads), window, **hyperparameters)
