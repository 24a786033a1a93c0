"""MultiRM: one bidirectional LSTM, one attention distribution and one classifier per modification (Song et al. 2021).

    window ─► k-mers ─► embedding ─► LSTM ─► attention, one distribution per task ─► contexts ─► classifiers

At place t the LSTM gives y_t, its two directions side by side; z is the final state of the forward direction beside
that of the backward one. Task k weighs the places by softmax_t(V_k · tanh(W_1 y_t + W_2 z)) (Bahdanau et al. 2015),
and its classifier reads the weighted mean of the y_t. The released code reshapes the final states of a batch so that a
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
from .embeddings import EMBEDDINGS, KmerVectors
from .kmer_vectors import KMERS
from .registry import MODELS, Network
from .settings import MultiRMSettings


@MODELS.add("multirm")
class MultiRM(Network):
    """The MultiRM network.

    Parameters
    ----------
    tasks : sequence of str
    window : int
        Width of the windows in nt.
    hyperparameters
        Of :class:`~rnamarks.models.settings.MultiRMSettings`.

    Attributes
    ----------
    n_kmers : int
        Positions that attention is spread over: the nt that are read, less ``embedding.k`` - 1. Position i is the
        k-mer that begins at nt i, 0-based, of what is read.

    Raises
    ------
    InputError
        If there is no such embedding, or the crop does not fit the window.
    """

    attends = True

    def __init__(self, tasks: Sequence[str], window: int, **hyperparameters: Any) -> None:
        super().__init__(tasks)
        sizes = MultiRMSettings.from_mapping(hyperparameters)
        kind = EMBEDDINGS[sizes.embedding]
        width = sizes.crop or window
        if width > window or (window - width) % 2:
            raise InputError(
                f"the middle of a window of {window} nt cannot have that many nt",
                value=sizes.crop,
                remedy="choose a narrower crop, odd for odd windows and even for even ones",
            )
        if width < kind.k:
            raise InputError(
                f"the embedding {sizes.embedding} needs {kind.k} nt or more",
                value=width,
                remedy="take wider windows",
            )
        self.window, self.crop = window, sizes.crop
        self.n_kmers = width - kind.k + 1
        self.rows = {task: row for row, task in enumerate(tasks)}
        self.embedding = kind(sizes.dims)
        self.lstm = nn.LSTM(sizes.dims, sizes.units, batch_first=True, bidirectional=True)
        self.from_positions = nn.Linear(2 * sizes.units, sizes.attention)
        self.from_final = nn.Linear(2 * sizes.units, sizes.attention)
        self.score = nn.Linear(sizes.attention, len(self.rows))
        self.classifiers = nn.ModuleDict(
            {
                task: nn.Sequential(
                    nn.Linear(2 * sizes.units, sizes.hidden),
                    nn.ReLU(),
                    nn.Dropout(sizes.dropout),
                    nn.Linear(sizes.hidden, 1),
                    nn.Flatten(0),
                )
                for task in tasks
            }
        )

    def prepare(self, codes: np.ndarray, seed: int) -> None:
        """Learn what the embedding learns before training, from uncropped training windows, shape (n, window)."""
        self.embedding.prepare(codes, seed)

    def forward(self, windows: torch.Tensor, task: str) -> torch.Tensor:
        """Logits of one task, shape (batch,)."""
        row = self.rows[task]
        positions = self._positions(windows)
        weights = self._weights(positions, slice(row, row + 1))
        return self.classifiers[task]((weights @ positions).squeeze(1))

    def forward_all(self, windows: torch.Tensor) -> torch.Tensor:
        """Logits of all tasks, shape (batch, n_tasks)."""
        contexts = self.extractor(windows).unbind(dim=1)
        return torch.stack([self.classifiers[task](contexts[row]) for task, row in self.rows.items()], dim=1)

    def extractor(self, windows: torch.Tensor) -> torch.Tensor:
        """What each task's classifier reads, shape (batch, n_tasks, 2 * units)."""
        positions = self._positions(windows)
        return self._weights(positions) @ positions

    def attend(self, windows: torch.Tensor) -> torch.Tensor:
        """Attention of each task, shape (batch, n_tasks, n_kmers); each row sums to 1."""
        return self._weights(self._positions(windows))

    def _positions(self, windows: torch.Tensor) -> torch.Tensor:
        """y of the module docstring, shape (batch, n_kmers, 2 * units)."""
        width = windows.shape[-1]
        if width != self.window:
            raise ValueError(f"windows are {width} nt wide and the network reads {self.window} nt")
        if self.crop:
            start = (width - self.crop) // 2
            windows = windows[..., start : start + self.crop]
        embedding = self.embedding
        if isinstance(embedding, KmerVectors) and embedding.dims > len(KMERS) and windows.device.type == "cpu":
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

    def _weights(self, positions: torch.Tensor, rows: slice = slice(None)) -> torch.Tensor:
        """Attention of some tasks, shape (batch, n, n_kmers)."""
        units = self.lstm.hidden_size
        # the backward direction ends at the first place
        final = torch.cat([positions[:, -1, :units], positions[:, 0, units:]], dim=1)
        hidden = torch.tanh(self.from_positions(positions) + self.from_final(final).unsqueeze(1))
        return F.linear(hidden, self.score.weight[rows], self.score.bias[rows]).softmax(dim=1).transpose(1, 2)
