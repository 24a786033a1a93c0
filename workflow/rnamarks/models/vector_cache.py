"""Vectors of a language model that does not change, computed once and kept in a file.

A file holds the vectors of a set of sequences, whatever their order, and is named by a hash of the weights and the
settings of the model, which decide what weights of the same shapes make of a sequence, the sequences and the kind of
vectors. It appears when it is whole; a second process that wants the same one waits for it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Callable, Iterable
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from ..errors import InputError
from ..files import write_bytes
from .language import Language
from .packing import TOKENS_AT_ONCE, Pack, portions
from .tokens import tokenise

POOLS = ("tokens", "cls")
_VERSION = 1


class Vectors:
    """Vectors of sequences, read from a file where they are asked for.

    Parameters
    ----------
    path : path-like
        Written by :func:`cached_vectors`.
    sequences : sequence of str
        In the order of the file.
    pool : {"tokens", "cls"}
    """

    def __init__(self, path: str | Path, sequences: list[str], pool: str) -> None:
        self._rows = np.lib.format.open_memmap(path, mode="r")
        lengths = [1 if pool == "cls" else len(sequence) + 2 for sequence in sequences]
        ends = np.cumsum(lengths)
        if len(self._rows) != ends[-1]:
            raise InputError(
                "the file of vectors is of other sequences", path=path, value=len(self._rows), remedy="remove it"
            )
        self._places = {
            sequence: (end - length, end)
            for sequence, end, length in zip(sequences, ends.tolist(), lengths, strict=True)
        }

    def __getitem__(self, sequence: str) -> np.ndarray:
        """Of one sequence, shape (nt + 2, width), ``<cls>`` first and ``<eos>`` last; of ``cls`` shape (1, width)."""
        begin, end = self._places[sequence]
        return self._rows[begin:end]


def cached_vectors(
    network: Language,
    weights: str,
    sequences: Iterable[str],
    folder: str | Path,
    *,
    pool: str = "tokens",
    precision: str = "float16",
    device: torch.device | str = "cpu",
    tokens: int | None = None,
    report: Callable[[str], None] = print,
) -> Vectors:
    """The vectors of the last layer, from a file if there is one; otherwise they are computed and written.

    Parameters
    ----------
    network : Language
        Put into evaluation mode and onto the device where it has to compute.
    weights : str
        Hash of its weights, as in :func:`rnamarks.models.directory.read_config`.
    sequences : iterable of str
        RNA; repeated ones count once.
    folder : path-like
        Where files are kept.
    pool : {"tokens", "cls"}
        All tokens, or ``<cls>`` alone.
    precision : {"float16", "float32"}
        Of the file.
    device : torch.device or str
    tokens : int, optional
        Most tokens computed at once; default :data:`~rnamarks.models.packing.TOKENS_AT_ONCE`.
    report : callable
        Given a line where vectors are computed or waited for.

    Raises
    ------
    InputError
        If a sequence is empty or mostly no nucleotides.
    OSError
        That names the file if its disk is full; nothing of it stays.
    """
    if pool not in POOLS:
        raise ValueError(f"no such pool: {pool}")
    kind = np.dtype(precision)
    ordered = sorted(set(sequences), key=lambda sequence: (len(sequence), sequence))
    if not ordered:
        raise ValueError("no sequences")
    form = json.dumps(asdict(network.trunk.settings), sort_keys=True)
    digest = hashlib.sha256(f"{_VERSION}\n{weights}\n{form}\n{pool}\n{kind.name}\n".encode())
    for sequence in ordered:
        digest.update(f"{sequence}\n".encode())
    path = Path(folder) / f"{digest.hexdigest()[:32]}.npy"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path.with_suffix(".lock"), report):
            if not path.is_file():
                place = torch.device(device)
                _write(path, network, ordered, pool, kind, place, tokens or TOKENS_AT_ONCE[place.type], report)
    return Vectors(path, ordered, pool)


@torch.inference_mode()
def _write(
    path: Path,
    network: Language,
    sequences: list[str],
    pool: str,
    kind: np.dtype,
    device: torch.device,
    most: int,
    report: Callable[[str], None],
) -> None:
    lengths = [len(sequence) + 2 for sequence in sequences]
    rows = len(lengths) if pool == "cls" else sum(lengths)
    size = rows * network.trunk.width * kind.itemsize / 1e6
    report(f"vectors of {len(lengths):,} sequences, {sum(lengths):,} tokens: {size:,.0f} MB in {path}")
    network.eval().to(device)
    with write_bytes(path) as handle:
        header = {"descr": kind.str, "fortran_order": False, "shape": (rows, network.trunk.width)}
        np.lib.format.write_array_header_2_0(handle, header)
        for portion in portions(lengths, most):
            pack = Pack.of([tokenise(sequences[index]) for index in portion], device)
            vectors = network.trunk(pack)
            if pool == "cls":
                vectors = vectors[pack.offsets[:-1].long()]
            handle.write(vectors.float().cpu().numpy().astype(kind).tobytes())


@contextmanager
def _alone(path: Path, report: Callable[[str], None]):
    """Hold a lock that other processes wait for; without one where the file system has no locks."""
    with open(path, "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"another process computes the same vectors, waiting for {path.with_suffix('.npy')}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            report(f"no lock at {path} ({error.strerror}): others may compute the same vectors")
        try:
            yield
        finally:
            with suppress(FileNotFoundError):
                path.unlink()
