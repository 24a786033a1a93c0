"""MultiRM: one bidirectional LSTM, one attention distribution and one head per modification (Song et al. 2021).

    window ─► k-mers ─► embedding ─► LSTM ─► attention, one distribution per task ─► contexts ─► heads

At place t the LSTM gives y_t, its two directions side by side; z is the final state of the forward direction beside
that of the backward one. Task k weighs the places by softmax_t(V_k · tanh(W_1 y_t + W_2 z)) (Bahdanau et al. 2015),
and its head reads the weighted mean of the y_t. The released code reshapes the final states of a batch so that a
row of z mixes those of several windows; here every window has its own, as there for one window at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..errors import InputError
from .embeddings import EMBEDDINGS, Embedding
from .kmer_vectors import KMERS
from .registry import MODELS, Network, language_trunk
from .settings.multirm import MultiRMSettings


class Trunk(nn.Module):
    """K-mers of the middle of a window through an LSTM, to one vector per k-mer, shape (batch, n_kmers, channels).

    The first half of the channels is of the direction 5' to 3'.

    Parameters
    ----------
    window, reads : int
        Width of the windows in nt, and how many nt in the middle are read.
    embedding : Embedding
    units : int
        Of the LSTM, per direction.
    """

    def __init__(self, window: int, reads: int, embedding: Embedding, units: int) -> None:
        super().__init__()
        self.window, self.reads = window, reads
        self.embedding = embedding
        self.lstm = nn.LSTM(embedding.dims, units, batch_first=True, bidirectional=True)
        self.channels = 2 * units
        self.n_kmers = reads - embedding.k + 1

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        width = windows.shape[-1]
        if width != self.window:
            raise ValueError(f"windows are {width} nt wide and the network reads {self.window} nt")
        start = (width - self.reads) // 2
        windows = windows[..., start : start + self.reads]
        embedding = self.embedding
        if embedding.tabled and embedding.dims > len(KMERS) and windows.device.type == "cpu":
            return self._over_kmers(embedding.shares(windows), embedding.table())
        return self.lstm(embedding(windows))[0]

    def _over_kmers(self, shares: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
        """The LSTM over frozen vectors, shape (batch, n_kmers, 2 * units), from fractions of k-mers and their table.

        The input weights are taken through the table first, so that the LSTM reads 125 numbers per place instead of
        ``dims``. At the published sizes a CPU then needs 0.7 times as long for training and for scoring. Loops of our
        own over the places, with the gates looked up, were slower in single precision and no faster in bfloat16. cuDNN
        wants the weights of an LSTM in one piece, so a GPU goes the plain way, and so do vectors of 125 or fewer.
        """
        lstm = self.lstm
        weights = []
        for end in ("", "_reverse"):
            weights.append(getattr(lstm, f"weight_ih_l0{end}") @ table.T)
            weights += [getattr(lstm, f"{kind}_l0{end}") for kind in ("weight_hh", "bias_ih", "bias_hh")]
        start = shares.new_zeros(2, len(shares), lstm.hidden_size)
        return torch.lstm(shares, (start, start), weights, True, 1, 0.0, self.training, True, True)[0]


class TaskAttention(nn.Module):
    """One distribution over positions per task.

    Parameters
    ----------
    channels : int
        Of the positions; the first half is of the direction 5' to 3', whose end is the last position.
    hidden : int
        Units that all tasks share.
    tasks : int
        Their number.
    """

    def __init__(self, channels: int, hidden: int, tasks: int) -> None:
        super().__init__()
        self.from_positions = nn.Linear(channels, hidden)
        self.from_final = nn.Linear(channels, hidden)
        self.score = nn.Linear(hidden, tasks)

    def forward(self, positions: torch.Tensor, rows: slice = slice(None)) -> torch.Tensor:
        """Weighted mean of the positions for some tasks, shape (batch, n, channels)."""
        return self.weights(positions, rows) @ positions

    def weights(self, positions: torch.Tensor, rows: slice = slice(None)) -> torch.Tensor:
        """Attention of some tasks, shape (batch, n, positions)."""
        half = positions.shape[-1] // 2
        # the backward direction ends at the first place
        final = torch.cat([positions[:, -1, :half], positions[:, 0, half:]], dim=1)
        hidden = torch.tanh(self.from_positions(positions) + self.from_final(final).unsqueeze(1))
        return F.linear(hidden, self.score.weight[rows], self.score.bias[rows]).softmax(dim=1).transpose(1, 2)


@MODELS.add("multirm")
class MultiRM(Network):
    """The MultiRM network.

    Position i of its attention is the k-mer that begins at nt i, 0-based, of what is read; over a language model it is
    the nucleotide i, and the halves of the channels that stand for the two directions have no such meaning.

    Parameters
    ----------
    tasks : sequence of str
    window : int
        Width of the windows in nt.
    hyperparameters
        Of :class:`~rnamarks.models.settings.multirm.MultiRMSettings`.

    Raises
    ------
    InputError
        If there is no such embedding, or the crop does not fit the window.
    """

    attends = True
    by_task = ("pool.score.weight", "pool.score.bias")

    def __init__(self, tasks: Sequence[str], window: int, **hyperparameters: Any) -> None:
        sizes = MultiRMSettings.from_mapping(hyperparameters)
        reads = sizes.reads(window)
        if reads > window or (window - reads) % 2:
            raise InputError(
                f"the middle of a window of {window} nt cannot have that many nt",
                value=sizes.crop,
                remedy="choose a narrower crop, odd for odd windows and even for even ones",
            )
        trunk = language_trunk(sizes.trunk, window, reads) if sizes.trunk else _own_trunk(sizes, window, reads)
        pool = TaskAttention(trunk.channels, sizes.attention, len(tasks))
        heads = {
            task: nn.Sequential(
                nn.Linear(trunk.channels, sizes.hidden),
                nn.ReLU(),
                nn.Dropout(sizes.dropout),
                nn.Linear(sizes.hidden, 1),
                nn.Flatten(0),
            )
            for task in tasks
        }
        super().__init__(tasks, window, trunk=trunk, pool=pool, heads=heads, reads=reads)
        self.looks_up = isinstance(trunk, Trunk)

    def prepare(self, codes: np.ndarray, seed: int) -> None:
        """Learn what the embedding learns before training, from uncropped training windows, shape (n, window)."""
        if isinstance(self.trunk, Trunk):
            self.trunk.embedding.prepare(codes, seed)

    def forward(self, windows: torch.Tensor, task: str) -> torch.Tensor:
        """Logits of one task, shape (batch,)."""
        row = self.columns[task]
        return self.heads[task](self.pool(self.trunk(windows), slice(row, row + 1)).squeeze(1))

    def forward_all(self, windows: torch.Tensor) -> torch.Tensor:
        """Logits of all tasks, shape (batch, n_tasks)."""
        return self.explain_all(windows)[0]

    def attend(self, windows: torch.Tensor) -> torch.Tensor:
        """Attention of each task, shape (batch, n_tasks, n_kmers); each row sums to 1."""
        return self.pool.weights(self.trunk(windows))

    def explain_all(self, windows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """:meth:`forward_all` and :meth:`attend` for the work of one."""
        positions = self.trunk(windows)
        weights = self.pool.weights(positions)
        contexts = (weights @ positions).unbind(dim=1)
        logits = [self.heads[task](mine) for task, mine in zip(self.tasks, contexts, strict=True)]
        return torch.stack(logits, dim=1), weights


def _own_trunk(sizes: MultiRMSettings, window: int, reads: int) -> Trunk:
    kind = EMBEDDINGS[sizes.embedding]
    if reads < kind.k:
        raise InputError(
            f"the embedding {sizes.embedding} needs {kind.k} nt or more", value=reads, remedy="take wider windows"
        )
    return Trunk(window, reads, kind(sizes.dims), sizes.units)
