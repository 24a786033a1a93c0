"""Three ways from nucleotides to the vectors that MultiRM's LSTM reads: one vector per k-mer and place.

An embedding takes codes, shape (batch, width), or real-valued windows, shape (batch, 4, width), rows A, C, G, U, to
vectors, shape (batch, n_kmers, dims), 5' to 3', where n_kmers = width - ``k`` + 1. It has

``k``
    nucleotides that a k-mer consists of;
``local``
    whether a k-mer's vector depends on the nucleotides of that k-mer alone, so that the vectors of a long sequence hold
    for every window cut from it;
``tabled``
    whether it reads rows of a table that takes no gradient: ``table()`` gives it, ``shares(windows)`` what is read;
``prepare(codes, seed)``
    what is learned from the training windows, shape (n, width), before the training of the network.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..registry import Register
from ..sequences import UNKNOWN
from .kmer_vectors import KMERS, K, fit_kmer_vectors, kmer_numbers
from .layers import OneHot, draw_normal

EMBEDDINGS: Register[type[nn.Module]] = Register("embedding")


def kmer_fractions(windows: torch.Tensor) -> torch.Tensor:
    """Fractions of the 125 k-mers at each position of real-valued windows.

    A k-mer's fraction is the product of its nucleotides' entries; the entry of N is what the other four leave of 1.
    One-hot columns give the k-mers of the codes, empty columns being N, and between them the shares are polynomials, as
    integrated gradients want them.

    Parameters
    ----------
    windows : torch.Tensor, shape=(batch, 4, width)

    Returns
    -------
    torch.Tensor, shape=(batch, width - 2, 125)
        In the order of the k-mers' numbers.
    """
    letters = torch.cat([windows, 1 - windows.sum(dim=1, keepdim=True)], dim=1).transpose(1, 2)
    first, second, third = letters[:, :-2], letters[:, 1:-1], letters[:, 2:]
    pairs = (first.unsqueeze(-1) * second.unsqueeze(-2)).flatten(2)
    return (pairs.unsqueeze(-1) * third.unsqueeze(-2)).flatten(2)


def look_up(table: torch.Tensor, windows: torch.Tensor) -> torch.Tensor:
    """The rows of a table of k-mers at each place of windows: codes, or the mean of rows that real-valued windows mean.

    Parameters
    ----------
    table : torch.Tensor, shape=(125, features)
    windows : torch.Tensor, shape=(batch, width) of integers, or (batch, 4, width) of real values

    Returns
    -------
    torch.Tensor, shape=(batch, width - 2, features)
    """
    if windows.is_floating_point():
        return kmer_fractions(windows) @ table
    return F.embedding(kmer_numbers(windows.long()), table)


class Embedding(nn.Module):
    """What the three have in common; see the module docstring."""

    k = K
    local = True
    tabled = False

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.dims = dims

    def prepare(self, codes: np.ndarray, seed: int) -> None:
        """Learn from training windows, shape (n, width); nothing by default."""


@EMBEDDINGS.add("word2vec")
class KmerVectors(Embedding):
    """Frozen vectors of 3-mers (:func:`rnamarks.models.kmer_vectors.fit_kmer_vectors`).

    They are drawn from N(0, 1) until :meth:`prepare` is called or weights are loaded. K-mers with N have vectors of
    their own as far as the training windows hold them, and zeros if not.
    """

    tabled = True

    def __init__(self, dims: int) -> None:
        super().__init__(dims)
        self.register_buffer("vectors", draw_normal(len(KMERS), dims))

    def table(self) -> torch.Tensor:
        """Vectors of all k-mers, shape (125, dims), in the order of the k-mers' numbers; they take no gradient."""
        return self.vectors

    def shares(self, windows: torch.Tensor) -> torch.Tensor:
        """Fractions of the k-mers at each position, shape (batch, n_kmers, 125); its product with the table is
        :meth:`forward`."""
        if windows.is_floating_point():
            return kmer_fractions(windows)
        return F.one_hot(kmer_numbers(windows.long()), len(KMERS)).to(self.vectors.dtype)

    def prepare(self, codes: np.ndarray, seed: int) -> None:
        """Learn the vectors from the k-mers of training windows."""
        self.vectors.copy_(torch.from_numpy(fit_kmer_vectors(codes, dims=self.dims, seed=seed)))

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        return look_up(self.vectors, windows)


@EMBEDDINGS.add("one_hot")
class Convolutions(Embedding):
    """One-hot nucleotides and three convolutions with ReLU, after the released NaiveNet_v1 (widths 7, 3, 3).

    Unlike there, nothing is padded, strided or pooled: the k-mers are the 11-mers, one per place, as the attention is
    to have one weight per place and a long sequence one vector per place.
    """

    k = 11

    def __init__(self, dims: int) -> None:
        super().__init__(dims)
        self.layers = nn.Sequential(
            OneHot(),
            nn.Conv1d(UNKNOWN, 64, 7),
            nn.ReLU(),
            nn.Conv1d(64, 128, 3),
            nn.ReLU(),
            nn.Conv1d(128, dims, 3),
            nn.ReLU(),
        )

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        return self.layers(windows).transpose(1, 2)


@EMBEDDINGS.add("hmm")
class HiddenMarkov(Embedding):
    """structure2vec on a hidden Markov chain with one hidden node per 3-mer (Dai et al. 2016, mean field).

    The vector of node i starts at zero and is updated three times from its k-mer and its neighbours' vectors:
    v_i = ReLU(W_1 x_i + W_2 (v_{i-1} + v_{i+1})). So it depends on two k-mers to each side, and on where the window
    ends.
    """

    local = False
    updates = 3

    def __init__(self, dims: int) -> None:
        super().__init__(dims)
        self.words = nn.Parameter(draw_normal(len(KMERS), dims))
        self.messages = nn.Linear(dims, dims, bias=False)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        own = look_up(self.words, windows)
        vectors = F.relu(own)
        for _ in range(self.updates - 1):
            apart = F.pad(vectors, (0, 0, 1, 1))
            vectors = F.relu(own + self.messages(apart[:, :-2] + apart[:, 2:]))
        return vectors
