"""What a language model says of sequences of any length, in packs of a bounded number of tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from ..errors import InputError, about
from ..models.language import Encoder, Language
from ..models.packing import TOKENS_AT_ONCE, Pack, portions
from ..models.tokens import TOKENS, count_unknown, tokenise
from ..sequence_tables import read_named
from ..training.allocation import bound_kernel_caches
from ..training.precision import is_mixed

TRAINED_LENGTH = 1022
"""Nucleotides of the longest sequence, or piece of one, in pre-training."""
_PACKS = 8
_OVERLAP = 4
_LETTERS = [{"T": "U"}.get(letter, letter) if len(letter) == 1 else "N" for letter in TOKENS]


class Sequence(NamedTuple):
    """A sequence to read: the first word of its header, and its tokens."""

    name: str
    tokens: np.ndarray


def read_sequences(
    path: str | Path, warn: Callable[[str], None], *, tile: int | None = None, limit: int | None = None
) -> Iterator[Sequence]:
    """The sequences of a file, T or U, in either case, IUPAC codes as they are.

    Parameters
    ----------
    path : path-like
        FASTA, or a table (:mod:`rnamarks.sequence_tables`).
    warn : callable
        Told at the end how many letters are unknown, and how many sequences are longer than in pre-training.
    tile : int, optional
        Length in nt above which :func:`describe` will read in tiles, for ``warn``.
    limit : int, optional
        Length in nt above which a sequence is an error.

    Raises
    ------
    InputError
        If two have one name, one has none, one is empty or too long, or more than a fifth of one is no nucleotides.
    """
    seen: set[str] = set()
    unknown = long = tiled = 0
    for record in read_named(path):
        words = record.header.split()
        if not words:
            raise InputError(
                "a sequence has no name", path=path, line=record.line, remedy="give FASTA with a name on each header"
            )
        name = words[0]
        if name in seen:
            raise InputError(
                "two sequences have one name", path=path, line=record.line, value=name, remedy="rename one"
            )
        seen.add(name)
        if limit and len(record.sequence) > limit:
            raise InputError(
                f"{name} is longer than the {limit} nt that are read at most",
                path=path,
                line=record.line,
                value=len(record.sequence),
                remedy="raise --longest if there is memory for it, or give the part that matters",
            )
        with about(name, path=path, line=record.line):
            tokens = tokenise(record.sequence)
        unknown += count_unknown(tokens)
        is_tiled = bool(tile) and len(record.sequence) > tile
        tiled += is_tiled
        long += len(record.sequence) > TRAINED_LENGTH and not is_tiled
        yield Sequence(name, tokens)
    if unknown:
        warn(f"letters that are no nucleotides and became <unk>: {unknown}")
    if long:
        count = f"{long} of {len(seen)} sequences"
        warn(f"longer than the {TRAINED_LENGTH} nt of pre-training: {count}; they were read as a whole")
    if tiled:
        warn(
            f"longer than {tile} nt: {tiled} of {len(seen)} sequences; they were read in tiles of {tile} nt that "
            f"overlap by {tile - tile_step(tile)} or more, each nucleotide in the tile in which it is farthest from a "
            "cut, <cls> in the first"
        )


def whole_length(network: Language, asked: int) -> int:
    """Nucleotides that are read as a whole: as many as asked for, but no more than a model has positions for."""
    settings = network.trunk.settings
    return min(asked, settings.longest - 2) if settings.positions == "absolute" else asked


def letters_of(sequence: Sequence) -> str:
    """The sequence as RNA text; what the vocabulary does not have is N."""
    return "".join(_LETTERS[token] for token in sequence.tokens[1:-1].tolist())


@torch.inference_mode()
def describe(
    network: Language,
    sequences: Iterable[Sequence],
    answer: Callable[[torch.Tensor, Pack], Iterable[torch.Tensor]],
    *,
    device: torch.device | str = "cpu",
    tokens: int | None = None,
    tile: int | None = None,
    precision: str = "32-true",
    warn: Callable[[str], None] = print,
) -> Iterator[tuple[Sequence, np.ndarray]]:
    """An answer for each sequence, in their order; what a sequence is packed with changes nothing.

    Parameters
    ----------
    network : Language
    sequences : iterable of Sequence
    answer : callable
        From the vectors of a pack, shape (total, width), to one tensor per sequence: :func:`embeddings`,
        :func:`means`, or a head.
    device : torch.device or str
    tokens : int, optional
        Most tokens of a pack, but for a sequence that has more by itself; default
        :data:`~rnamarks.models.packing.TOKENS_AT_ONCE`.
    tile : int, optional
        Read sequences of more nt than this in tiles, see :func:`tiled_vectors`; by default none.
    precision : {"32-true", "bf16-mixed"}
        Products of matrices in bfloat16 are faster, and have three digits.
    warn : callable
        Told if the device cannot compute in bfloat16.
    """
    network.eval().to(device)
    bound_kernel_caches()
    mixed = is_mixed(precision, torch.device(device), warn)
    kind = torch.device(device).type
    most = tokens or TOKENS_AT_ONCE[kind]
    for chunk in _chunks(sequences, _PACKS * most):
        found: dict[int, np.ndarray] = {}
        # neighbours of one length are computed in one call
        order = sorted(range(len(chunk)), key=lambda index: len(chunk[index].tokens))
        if tile:
            tile = whole_length(network, tile)
            whole = [index for index in order if len(chunk[index].tokens) - 2 <= tile]
            for index in order[len(whole) :]:
                with torch.autocast(kind, torch.bfloat16, enabled=mixed):
                    vectors = tiled_vectors(network.trunk, chunk[index].tokens, tile, most, device)
                    [one] = answer(vectors, Pack.of([chunk[index].tokens], device))
                found[index] = one.float().cpu().numpy()
            order = whole
        for rows in portions([len(chunk[index].tokens) for index in order], most):
            pack = Pack.of([chunk[order[row]].tokens for row in rows], device)
            with torch.autocast(kind, torch.bfloat16, enabled=mixed):
                answers = list(answer(network.trunk(pack), pack))
            for row, one in zip(rows, answers, strict=True):
                found[order[row]] = one.float().cpu().numpy()
        for index, sequence in enumerate(chunk):
            yield sequence, found[index]


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


def embeddings(vectors: torch.Tensor, pack: Pack) -> tuple[torch.Tensor, ...]:
    """Of each sequence the vectors of its tokens, shape (nt + 2, width)."""
    return pack.split(vectors)


def first_vectors(vectors: torch.Tensor, pack: Pack) -> torch.Tensor:
    """Of each sequence the vector of ``<cls>``, shape (width,)."""
    return vectors[pack.offsets[:-1].long()]


def mean_vectors(vectors: torch.Tensor, pack: Pack) -> list[torch.Tensor]:
    """Of each sequence the mean vector of its nucleotides, shape (width,)."""
    return [one[1:-1].mean(dim=0) for one in pack.split(vectors)]


def _chunks(sequences: Iterable[Sequence], most: int) -> Iterator[list[Sequence]]:
    chunk: list[Sequence] = []
    total = 0
    for sequence in sequences:
        if chunk and total + len(sequence.tokens) > most:
            yield chunk
            chunk, total = [], 0
        chunk.append(sequence)
        total += len(sequence.tokens)
    if chunk:
        yield chunk
