"""Pre-trained language models under the heads of other networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..models.directory import read_config
from ..models.registry import TRUNKS, Network

FROZEN, SCRATCH = "frozen", "scratch"


@dataclass(frozen=True)
class Pretrained:
    """A language model as the trunk of a network.

    Attributes
    ----------
    folder : path-like
        Its model directory.
    way : {"frozen", "finetuned", "scratch"}
        Its weights stay as they are; are trained on; or are replaced by random ones, which are trained: the control.
    """

    folder: str | Path
    way: str = FROZEN

    def record(self) -> dict[str, str]:
        """What tells two trunks apart: the hash of the weights and the way."""
        return {"sha256": read_config(self.folder)[1], "way": self.way}

    def under(self, hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
        """Hyperparameters of a network of which this is the trunk.

        Raises
        ------
        InputError
            If the folder holds no language model.
        """
        return dict(hyperparameters) | {"trunk": TRUNKS["language"].sizes_of(self.folder)}

    def place(self, network: Network) -> None:
        """Put the weights into a network that was just built from :meth:`under`."""
        network.fresh = ("heads.", "pool.")
        if self.way != SCRATCH:
            network.trunk.begin_from(self.folder)
        if self.way == FROZEN:
            network.trunk.freeze()

    def keep(
        self, network: Network, codes: np.ndarray, folder: Path, *, device: torch.device, report: Callable[[str], None]
    ) -> None:
        """Keep the vectors of windows that are met again, shape (n, window), in a file, if the trunk is frozen."""
        if self.way == FROZEN:
            network.trunk.keep(codes, folder, device=device, report=report)
