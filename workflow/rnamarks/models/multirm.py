"""MultiRM: one bidirectional LSTM, one attention distribution and one classifier per modification (Song et al. 2021).

    window ─► words ─► embedding ─► LSTM ─► attention, one distribution per head ─► contexts ─► classifiers

At place t the LSTM gives y_t, its two directions side by side; z is the final state of the forward direction beside
that of the backward one. Head k weighs the places by softmax_t(V_k · tanh(W_1 y_t + W_2 z)) (Bahdanau et al. 2015),
and its classifier reads the weighted mean of the y_t. The released code reshapes the final states of a batch so that a
row of z mixes those of several windows; here every window has its own, as there for one window at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..errors import InputError
from .embeddings import EMBEDDINGS, WordVectors
from .register import MODELS
from .word_vectors import WORDS


@MODELS.add("multirm")
class MultiRM(nn.Module):
    """The MultiRM network; the defaults are the published sizes.

    Windows are codes, shape (batch, window), or shares of letters, shape (batch, 4, window).

    Parameters
    ----------
    heads : sequence of str
        Modifications.
    window : int
        Width of the windows in nt.
    crop : int
        Read only so many nt in the middle of a window; 0 for all. Even where the window is even, odd where it is odd.
    embedding : {"word2vec", "one_hot", "hmm"}
        See :mod:`rnamarks.models.embeddings`.
    dims : int
        Width of the embedding.
    units : int
        Of the LSTM, per direction.
    attention : int
        Hidden units of the attention.
    hidden : int
        Hidden units of each classifier.
    dropout : float
        In the classifiers.

    Attributes
    ----------
    n_words : int
        Places that attention is spread over: the nt that are read, less ``embedding.letters`` - 1. Place i is the word
        that begins at nt i, 0-based, of what is read.

    Raises
    ------
    InputError
        If there is no such embedding, or the crop does not fit the window.
    """

    def __init__(
        self,
        heads: Sequence[str],
        window: int,
        *,
        crop: int = 0,
        embedding: str = "word2vec",
        dims: int = 300,
        units: int = 256,
        attention: int = 100,
        hidden: int = 128,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        kind = EMBEDDINGS[embedding]
        width = crop or window
        if width > window or (window - width) % 2:
            raise InputError(
                f"the middle of a window of {window} nt cannot have that many nt",
                value=crop,
                remedy="choose a narrower crop, odd for odd windows and even for even ones",
            )
        if width < kind.letters:
            raise InputError(
                f"the embedding {embedding} needs {kind.letters} nt or more", value=width, remedy="take wider windows"
            )
        self.window, self.crop = window, crop
        self.n_words = width - kind.letters + 1
        self.rows = {head: row for row, head in enumerate(heads)}
        self.embedding = kind(dims)
        self.lstm = nn.LSTM(dims, units, batch_first=True, bidirectional=True)
        self.from_positions = nn.Linear(2 * units, attention)
        self.from_final = nn.Linear(2 * units, attention)
        self.score = nn.Linear(attention, len(self.rows))
        self.classifiers = nn.ModuleDict(
            {
                head: nn.Sequential(
                    nn.Linear(2 * units, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 1), nn.Flatten(0)
                )
                for head in heads
            }
        )

    def prepare(self, codes: np.ndarray, seed: int) -> None:
        """Learn what the embedding learns before training, from uncropped training windows, shape (n, window)."""
        self.embedding.prepare(codes, seed)

    def forward(self, windows: torch.Tensor, head: str) -> torch.Tensor:
        """Logits of one head, shape (batch,)."""
        row = self.rows[head]
        positions = self._positions(windows)
        weights = self._weights(positions, slice(row, row + 1))
        return self.classifiers[head]((weights @ positions).squeeze(1))

    def forward_all(self, windows: torch.Tensor) -> torch.Tensor:
        """Logits of all heads, shape (batch, n_heads)."""
        contexts = self.extractor(windows).unbind(dim=1)
        return torch.stack([self.classifiers[head](contexts[row]) for head, row in self.rows.items()], dim=1)

    def extractor(self, windows: torch.Tensor) -> torch.Tensor:
        """What each head's classifier reads, shape (batch, n_heads, 2 * units)."""
        positions = self._positions(windows)
        return self._weights(positions) @ positions

    def attend(self, windows: torch.Tensor) -> torch.Tensor:
        """Attention of each head, shape (batch, n_heads, n_words); each row sums to 1."""
        return self._weights(self._positions(windows))

    def _positions(self, windows: torch.Tensor) -> torch.Tensor:
        """y of the module's head, shape (batch, n_words, 2 * units)."""
        width = windows.shape[-1]
        if width != self.window:
            raise ValueError(f"windows are {width} nt wide and the network reads {self.window} nt")
        if self.crop:
            start = (width - self.crop) // 2
            windows = windows[..., start : start + self.crop]
        embedding = self.embedding
        if isinstance(embedding, WordVectors) and embedding.dims > len(WORDS) and windows.device.type == "cpu":
            return self._over_words(embedding.shares(windows), embedding.table())
        return self.lstm(embedding(windows))[0]

    def _over_words(self, shares: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
        """The LSTM over frozen vectors, shape (batch, n_words, 2 * units), from shares of words and their table.

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
        """Attention of some heads, shape (batch, n, n_words)."""
        units = self.lstm.hidden_size
        # the backward direction ends at the first place
        final = torch.cat([positions[:, -1, :units], positions[:, 0, units:]], dim=1)
        hidden = torch.tanh(self.from_positions(positions) + self.from_final(final).unsqueeze(1))
        return F.linear(hidden, self.score.weight[rows], self.score.bias[rows]).softmax(dim=1).transpose(1, 2)
