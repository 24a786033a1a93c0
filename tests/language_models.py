"""Tiny language models, untrained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from rnamarks.models.language import Language
from rnamarks.models.language_files import save_language

SIZES = {"width": 8, "blocks": 2, "heads": 2}
OUTPUTS = {"masked": {"target": "masked"}}


def save_tiny(folder: Path, seed: int = 0, **sizes: Any) -> Path:
    """A model directory whose blocks do more than fresh ones do."""
    torch.manual_seed(seed)
    network = Language(OUTPUTS, **SIZES | sizes)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if weight.ndim > 1 and "embedding" not in name:
                weight.mul_(2)
    save_language(folder, network, SIZES | sizes, OUTPUTS)
    return folder
