"""Files of torch, read without running anything that they hold."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile, is_zipfile

import torch


def load_checked(path: str | Path, device: torch.device | str = "cpu") -> Any:
    """What a file of torch holds, held against its checksums, which torch does not look at.

    Files of the format before zip, of torch 1.5 and earlier, have none.

    Raises
    ------
    pickle.UnpicklingError
        If it holds more than tensors and plain values.
    Exception
        Of any kind, if it is cut off or altered.
    """
    if is_zipfile(path):
        with ZipFile(path) as archive:
            if name := archive.testzip():
                raise BadZipFile(name)
    # a warning of torch would be a second sentence
    with warnings.catch_warnings(action="ignore"):
        return torch.load(path, map_location=device, weights_only=True)
