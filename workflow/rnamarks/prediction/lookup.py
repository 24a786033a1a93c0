"""MultiRM networks with less work: the same logits and attention, for a window at every base.

A MultiRM network spends its time in the LSTM. What a k-mer adds to the LSTM's gates does not depend on the window it
lies in: with vectors of 3-mers it is one column of a matrix for each of the 64 k-mers (125 with N), so that the LSTM
reads one-hot k-mers in place of their 300-d vectors and nearly half of the multiplications go; and the states after the
first few k-mers are looked up. An embedding by convolutions is computed once per place of the sequence, one that looks
beyond its k-mer once per window. Of the tasks only those that are asked for are computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import nn

from ..models.kmer_vectors import kmer_numbers
from ..sequences import UNKNOWN

if TYPE_CHECKING:
    from ..models.multirm import MultiRM

BEGUN = 4
"""First steps of the LSTM that are looked up: 20 MB per network at the published sizes, for 4 steps of 49."""
SPAN = 1 << 13
"""Places of a sequence whose vectors are kept at once for an embedding without a table."""


class Part(NamedTuple):
    """Some of the bases asked for: which, their logits, shape (n, tasks), and attention, shape (n, tasks, k-mers)."""

    rows: slice | np.ndarray
    logits: np.ndarray
    weights: np.ndarray | None


class LookedUp:
    """A MultiRM network whose k-mers are looked up. Tensors lie as (k-mer, window, unit), as the LSTM writes them."""

    def __init__(self, network: MultiRM, batch: int) -> None:
        self._network, self._batch = network, batch
        self._embedding, lstm = network.trunk.embedding, network.trunk.lstm
        self.width = network.reads
        self.n_kmers, self.k = network.trunk.n_kmers, self._embedding.k
        self._device = network.pool.score.weight.device
        self._tables: list[_Table | _Begun] = []
        if self._embedding.tabled:
            vectors = self._embedding.table()
            known = torch.tensor(
                [UNKNOWN not in (kmer // 25, kmer // 5 % 5, kmer % 5) for kmer in range(len(vectors))],
                device=self._device,
            )
            # half as many columns where no nucleotide is N, which is nearly everywhere
            tables = [_tabulate(lstm, vectors, chosen) for chosen in (known, ~known | known)]
            self._tables = [_Begun(tables[0]) if self.n_kmers > 2 * BEGUN else tables[0], tables[1]]
        else:
            self._lstm = _kmer_first(lstm)

    def run(self, codes: np.ndarray, at: np.ndarray, tasks: Sequence[str], *, attend: bool) -> Iterator[Part]:
        """Parts of the bases ``at``."""
        network = self._network
        score = network.pool.score.weight[[network.columns[task] for task in tasks]]
        for rows, states in self._states(codes, at, self._batch):
            weights, contexts = self._attend(states, score)
            logits = [network.heads[task](contexts[:, column]) for column, task in enumerate(tasks)]
            given = weights.cpu().numpy() if attend else None
            yield Part(rows, torch.stack(logits, dim=1).cpu().numpy(), given)

    def _states(self, codes: np.ndarray, at: np.ndarray, batch: int) -> Iterator[tuple[slice | np.ndarray, _States]]:
        """Batches of the bases, and what the LSTM makes of their windows."""
        if not self._embedding.local:
            # such a k-mer sees the ends of its window
            view = sliding_window_view(codes, self.width)
            for start in range(0, len(at), batch):
                rows = slice(start, start + batch)
                windows = torch.from_numpy(view[at[rows] - self.width // 2]).to(self._device)
                yield rows, _both_ways(self._lstm, self._embedding(windows).transpose(0, 1))
            return
        kmers = torch.arange(self.n_kmers, device=self._device)[:, None]
        for of_table, begin, numbers, table in self._lookups(codes, at):
            for start in range(0, len(of_table), batch):
                rows = of_table[start : start + batch]
                firsts = torch.from_numpy(at[rows] - self.width // 2 - begin).to(self._device)
                yield rows, table.states(numbers[firsts + kmers])

    def _lookups(self, codes: np.ndarray, at: np.ndarray) -> Iterator[tuple[np.ndarray, int, torch.Tensor, _Table]]:
        """Which of the bases, the place in ``codes`` that is 0, each place's row, and the table of rows."""
        if self._tables:
            numbers = kmer_numbers(codes).astype(np.int64)
            unknown = np.concatenate(([0], np.cumsum(codes == UNKNOWN)))
            first = at - self.width // 2
            some = unknown[first + self.width] > unknown[first]
            for table, rows in zip(self._tables, (np.flatnonzero(~some), np.flatnonzero(some)), strict=True):
                yield rows, 0, table.places[torch.from_numpy(numbers).to(self._device)], table
            return
        for start in range(0, int(at[-1]) + 1 if len(at) else 0, SPAN):
            rows = np.flatnonzero((at >= start) & (at < start + SPAN))
            if not len(rows):
                continue
            begin = int(at[rows[0]]) - self.width // 2
            part = torch.from_numpy(codes[begin : int(at[rows[-1]]) + self.width // 2 + 1].copy()).to(self._device)
            vectors = self._embedding(part[None])[0]
            places = torch.arange(len(vectors), device=self._device)
            yield rows, begin, places, _Table(self._lstm, vectors, places)

    def _attend(self, states: _States, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Attention, shape (batch, tasks, n_kmers), and contexts, shape (batch, tasks, 2 * units)."""
        pool, units = self._network.pool, self._network.trunk.lstm.hidden_size
        final = torch.cat([parts[-1][-1] for parts in states], dim=1)
        shift = pool.from_final(final).add_(pool.from_positions.bias)
        forward, backward = (
            torch.cat([self._project(part, own) for part in parts])
            for parts, own in zip(states, pool.from_positions.weight.split(units, dim=1), strict=True)
        )
        hidden = forward.add_(backward.flip(0)).add_(shift)
        # tanh(x) = 2 sigmoid(2x) - 1, which is several times faster; the softmax takes no notice of what is added
        # to all places
        weights = torch.softmax(hidden.mul_(2).sigmoid_() @ (2 * weight.T), dim=0).permute(1, 2, 0)
        contexts = []
        for parts, own in zip(states, (weights, weights.flip(2)), strict=True):
            shares = own.split([len(part) for part in parts], dim=2)
            sums = [torch.bmm(share, part.transpose(0, 1)) for share, part in zip(shares, parts, strict=True)]
            contexts.append(sum(sums[1:], sums[0]))
        return weights, torch.cat(contexts, dim=2)

    def _project(self, states: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """``states @ weight.T``, shape (k-mers, batch, units)."""
        if self._device.type != "cpu":
            return states @ weight.T
        # on many processors torch's convolution is twice as fast as its product of matrices
        image = states.unsqueeze(1).permute(0, 3, 1, 2)
        kernel = weight[:, :, None, None].contiguous(memory_format=torch.channels_last)
        return nn.functional.conv2d(image, kernel).permute(0, 2, 3, 1).squeeze(1)


_States = tuple[list[torch.Tensor], list[torch.Tensor]]
"""States of the forward and of the backward LSTM, each in the order in which it reads the k-mers, in consecutive
parts of shape (k-mers, batch, units)."""


class _Table(NamedTuple):
    """``lstm`` reads ``vectors``, shape (n, dims); ``places``, shape (n_kmers,): row of each k-mer."""

    lstm: nn.LSTM
    vectors: torch.Tensor
    places: torch.Tensor

    def states(self, rows: torch.Tensor) -> _States:
        """States of the LSTM over rows, shape (k-mers, batch)."""
        return _both_ways(self.lstm, self.vectors[rows])


class _Begun:
    """An LSTM over the 64 k-mers without N whose first :data:`BEGUN` steps of either direction are looked up.

    The state after j k-mers is a function of j + 2 nucleotides; there are 4,096 states after four k-mers. A stretch of
    nucleotides is numbered in base 4, the 5' nucleotide first.
    """

    def __init__(self, table: _Table) -> None:
        self.vectors, self.places = table.vectors, table.places
        self._units = table.lstm.hidden_size
        weights = table.lstm.state_dict()
        self._lstms = []
        for way in ("", "_reverse"):
            lstm = nn.LSTM(table.lstm.input_size, self._units, device=self.vectors.device)
            lstm.load_state_dict({name: weights[name + way] for name in lstm.state_dict()})
            self._lstms.append(lstm.eval())
        self._hidden, self._cells = zip(*(self._begin(way) for way in (0, 1)), strict=True)

    @torch.no_grad()
    def _begin(self, way: int) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Hidden states after 1, 2, … k-mers, shapes (4^3, units), (4^4, units), …, and the last cells."""
        lstm = self._lstms[way]
        hidden = cells = self.vectors.new_zeros(1, 16, self._units)
        found = []
        for step in range(BEGUN):
            stretch = torch.arange(4 ** (step + 3), device=self.vectors.device)
            # 5' to 3' a k-mer is added at the 3' end, in the other direction at the 5' end
            kmer, before = (stretch // 4**step, stretch % 4 ** (step + 2)) if way else (stretch % 64, stretch // 4)
            _, (hidden, cells) = lstm(self.vectors[kmer][None], (hidden[:, before], cells[:, before]))
            found.append(hidden[0])
        return found, cells[0]

    def states(self, rows: torch.Tensor) -> _States:
        """See :meth:`_Table.states`."""
        rest = len(rows) - BEGUN
        vectors = self.vectors[rows]
        first, last = _stretch(rows[:BEGUN]), _stretch(rows[rest:])
        known = (
            [first // 4 ** (BEGUN - 1 - step) for step in range(BEGUN)],
            [last % 4 ** (step + 3) for step in range(BEGUN)],
        )
        found = []
        for way, kmers in enumerate((vectors[BEGUN:], vectors[:rest].flip(0))):
            begun = torch.stack([states[at] for states, at in zip(self._hidden[way], known[way], strict=True)])
            found.append([begun, self._lstms[way](kmers, (begun[-1:], self._cells[way][known[way][-1]][None]))[0]])
        return found[0], found[1]


def _both_ways(lstm: nn.LSTM, vectors: torch.Tensor) -> _States:
    """States over vectors, shape (k-mers, batch, dims)."""
    forward, backward = lstm(vectors)[0].chunk(2, dim=2)
    return [forward.contiguous()], [backward.flip(0)]


def _stretch(rows: torch.Tensor) -> torch.Tensor:
    """Number of the nucleotides of consecutive k-mers, shape (k-mers, batch) to (batch,)."""
    found = rows[0]
    for row in rows[1:]:
        found = 4 * found + row % 4
    return found


def _kmer_first(lstm: nn.LSTM) -> nn.LSTM:
    """The same weights, for tensors of shape (k-mers, batch, dims)."""
    found = nn.LSTM(lstm.input_size, lstm.hidden_size, bidirectional=True, device=lstm.weight_ih_l0.device)
    found.load_state_dict(lstm.state_dict())
    return found.eval()


@torch.no_grad()
def _tabulate(lstm: nn.LSTM, vectors: torch.Tensor, known: torch.Tensor) -> _Table:
    """An LSTM that reads k-mers as one-hot columns: its input weights are what each of the k-mers adds to the gates."""
    width = -(-int(known.sum()) // 16) * 16
    found = nn.LSTM(width, lstm.hidden_size, bidirectional=True, device=vectors.device)
    state = lstm.state_dict()
    for way in ("", "_reverse"):
        columns = state[f"weight_ih_l0{way}"].double() @ vectors[known].double().T
        state[f"weight_ih_l0{way}"] = nn.functional.pad(columns, (0, width - columns.shape[1])).float()
    found.load_state_dict(state)
    return _Table(found.eval(), torch.eye(width, device=vectors.device), torch.cumsum(known, 0) - 1)
