"""Safetensors files of arrays: the same bytes for the same content, and refused where a number is not finite."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from ..errors import InputError
from ..files import atomic_path

_LENGTH = 8
"""Bytes that say how long the header is."""


def write_arrays(path: str | Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None) -> None:
    """Write arrays and text about them, the same bytes for the same content."""
    with atomic_path(path) as part:
        save_arrays(part, arrays, metadata)


def save_arrays(part: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None) -> None:
    """As :func:`write_arrays`, into a file that the caller puts into its place."""
    save_file(
        {name: np.asarray(array, order="C") for name, array in arrays.items()}, part, dict(metadata or {}) or None
    )
    if metadata:
        _order(part, metadata)


def _order(path: Path, metadata: Mapping[str, str]) -> None:
    """Put the texts into the order of their names; ``safetensors`` writes them in another at each call."""
    with open(path, "r+b") as handle:
        length = int.from_bytes(handle.read(_LENGTH), "little")
        header = json.loads(handle.read(length))
        header["__metadata__"] = dict(sorted(metadata.items()))
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        if len(text) > length:
            raise AssertionError(f"the header of {path} has {length} bytes, its keys in order {len(text)}")
        handle.seek(_LENGTH)
        handle.write(text.ljust(length))


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file, all finite; an :class:`InputError` otherwise."""
    try:
        arrays = load_file(path)
    except (SafetensorError, KeyError, TypeError) as error:
        raise InputError(f"not a safetensors file of numbers: {error}", path=path, remedy="copy it again") from error
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise InputError(
                "the file holds numbers that are not finite", path=path, value=name, remedy="make the model again"
            )
    return arrays


def open_arrays(path: Path) -> Any:
    """A safetensors file, whose header can be read without its arrays."""
    try:
        return safe_open(path, framework="np")
    except SafetensorError as error:
        raise InputError(f"not a safetensors file: {error}", path=path, remedy="copy it again") from error
