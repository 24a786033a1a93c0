"""Networks rearranged for inference on a CPU: the same logits with less work.

A module that has a faster form has a method ``inference_form``, which takes nothing and gives a module that is
called in the same way and gives the same values up to float rounding. It may be a whole network or a layer that several
networks use. The form holds the weights as they are then: after a step of training another one has to be made.
"""

from __future__ import annotations

import copy
from typing import TypeVar

from torch import nn

Module = TypeVar("Module", bound=nn.Module)


def inference_form(model: nn.Module) -> nn.Module:
    """The faster form of a module or, where it has none of its own, of its parts.

    Parameters
    ----------
    model : torch.nn.Module
        In evaluation mode, on the CPU; not changed. The form is called with integer codes.

    Returns
    -------
    torch.nn.Module
        ``model`` itself where nothing in it has a faster form.
    """
    if hasattr(model, "inference_form"):
        return model.inference_form()
    return with_inference_forms(model)


def with_inference_forms(model: Module) -> Module:
    """A module whose parts are replaced by their faster forms; ``model`` itself where none has one."""
    parts = {name: inference_form(part) for name, part in model.named_children()}
    if all(part is getattr(model, name) for name, part in parts.items()):
        return model
    form = copy.copy(model)
    # a module and its shallow copy share the table of their parts, so it is replaced, not changed
    form._modules = model._modules | parts
    return form
