"""Reading a sequence that is too long at once, in tiles that overlap."""

from __future__ import annotations

import numpy as np
import torch

from ..models.language import Encoder
from ..models.packing import Pack, portions

_OVERLAP = 4


def tile_step(tile: int) -> int:
    """Nucleotides from the start of a tile to that of the next; three quarters of a tile."""
    return max(1, tile - tile // _OVERLAP)


def tiles_of(length: int, tile: int) -> list[int]:
    """Starts of the tiles of a sequence, the last of which ends with it."""
    return [*range(0, length - tile, tile_step(tile)), length - tile]


@torch.inference_mode()
def tiled_vectors(trunk: Encoder, tokens: np.ndarray, tile: int, most: int, device: torch.device | str) -> torch.Tensor:
    """Vectors of the tokens of one sequence, each from the tile in which it is farthest from where that is cut.

    A tile has ``<cls>`` or ``<eos>`` where it holds that end of the sequence, as pieces have in pre-training.

    Parameters
    ----------
    trunk : Encoder
    tokens : numpy.ndarray, shape=(nt + 2,)
        More than ``tile`` nucleotides between ``<cls>`` and ``<eos>``.
    tile : int
        Nucleotides.
    most : int
        Most tokens computed at once.
    device : torch.device or str

    Returns
    -------
    torch.Tensor, shape=(nt + 2, width)
    """
    starts = tiles_of(len(tokens) - 2, tile)
    # the first tile begins with <cls>, the last ends with <eos>
    begins = [0, *(start + 1 for start in starts[1:])]
    ends = [*(start + 1 + tile for start in starts[:-1]), len(tokens)]
    # neighbours share the middle of their overlap
    cuts = [0, *((end + begin) // 2 for end, begin in zip(ends, begins[1:], strict=False)), len(tokens)]
    found = torch.empty(len(tokens), trunk.width, device=device)
    for rows in portions([end - begin for begin, end in zip(begins, ends, strict=True)], most):
        pack = Pack.of([tokens[begins[row] : ends[row]] for row in rows], device)
        for row, vectors in zip(rows, pack.split(trunk(pack)), strict=True):
            found[cuts[row] : cuts[row + 1]] = vectors[cuts[row] - begins[row] : cuts[row + 1] - begins[row]]
    return found
