"""How far two ways to the same number may lie apart, from the arithmetic that they use."""

from __future__ import annotations

import math

import torch
from torch import nn

EPSILON = {"float32": 2.0**-23, "float64": 2.0**-52, "bfloat16": 2.0**-7}


def rounding(terms: int, magnitude: float = 1.0, kind: str = "float32") -> float:
    """Largest difference that the order of a sum, fused products and vector units explain.

    Rounding errors of a sum behave like a random walk: the error of n terms is below 6 sqrt(n) half-units of the last
    place of its largest partial sum, but for odds of 1e-7 (Higham and Mary 2019), and two ways may err in opposite
    directions.

    Parameters
    ----------
    terms : int
        Products and sums on the longest way to the number: the widths of the layers that it passes through, added up
        over layers and, in a recurrent layer, over places.
    magnitude : float
        Largest absolute value on this way, where the result's own is the smaller one.
    kind : {"float32", "float64", "bfloat16"}

    Returns
    -------
    float
        An absolute tolerance.
    """
    return 6 * math.sqrt(terms) * EPSILON[kind] * magnitude


PROMISED = 1e-5
"""Size of batches, number of threads and order change no logit by more than this, nor by a larger part of it."""


def path_length(model: nn.Module, positions: int = 1) -> int:
    """Terms of :func:`rounding` for a network, recurrent matrices once for each position."""
    return sum(
        math.prod(parameter.shape[1:]) * (positions if "weight_hh" in name else 1)
        for name, parameter in model.named_parameters()
        if parameter.ndim > 1
    )


def assert_same_sums(found: torch.Tensor, expected: torch.Tensor, model: nn.Module, positions: int = 1) -> None:
    """Equal but for rounding, and in single precision also to what is promised.

    In double precision rounding explains so little that any other difference shows, on every processor.
    """
    magnitude = max(1.0, float(expected.detach().abs().max()))
    kind = str(expected.dtype).removeprefix("torch.")
    limit = rounding(path_length(model, positions), magnitude, kind)
    limit = min(limit, PROMISED * magnitude) if kind == "float32" else limit
    torch.testing.assert_close(found, expected, atol=limit, rtol=0)
