"""A corpus on disk: one LMDB file with the tokens of every sequence and the clusters that they belong to.

Keys are 8-byte big-endian indices from 0, values the tokens of :mod:`rnamarks.models.tokens` without ``<cls>`` and
``<eos>``, one byte each. Further keys hold arrays: ``lengths`` (int32), ``members`` (int32, indices sorted by
cluster), ``offsets`` (int64, where each cluster begins in ``members``), ``held`` (uint8 per sequence, see
:data:`HELD`). ``about`` is written last; a file without it is of a writer that was killed.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import lmdb
import numpy as np

from ..errors import InputError
from ..files import atomic_path

FORMAT = "rnamarks-corpus-1"
HELD = {"cluster": 1, "random": 2}
"""Bits of ``held``: the sequence is left out of training with its whole cluster, or by itself as in the paper."""

_ARRAYS = {"lengths": np.int32, "members": np.int32, "offsets": np.int64, "held": np.uint8}
_ROWS_PER_COMMIT = 100_000
# an address range, not memory or disk: the file grows as it is filled
_RANGE = 1 << 42
_REMEDY = "build the corpus again"
_ENVIRONMENTS: WeakValueDictionary[tuple[int, int], lmdb.Environment] = WeakValueDictionary()


def write_corpus(
    path: str | Path,
    sequences: Iterable[np.ndarray],
    *,
    members: np.ndarray,
    offsets: np.ndarray,
    held: np.ndarray,
    about: dict[str, Any],
) -> None:
    """Write a corpus in one atomic step.

    Parameters
    ----------
    path : path-like
    sequences : iterable of numpy.ndarray, dtype=uint8
        Tokens of each sequence, in the order of the indices.
    members : numpy.ndarray, shape=(n,)
    offsets : numpy.ndarray, shape=(n_clusters + 1,)
    held : numpy.ndarray, shape=(n,)
        See the head of the module.
    about : dict
        Plain values, for the record.
    """
    with atomic_path(path) as part:
        environment = lmdb.open(str(part), subdir=False, map_size=_RANGE, lock=False, sync=False, max_dbs=0)
        try:
            lengths = _put_sequences(environment, sequences, len(members))
            arrays = {"lengths": lengths, "members": members, "offsets": offsets, "held": held}
            with environment.begin(write=True) as transaction:
                for name, array in arrays.items():
                    transaction.put(name.encode(), np.ascontiguousarray(array, _ARRAYS[name]).tobytes())
            record = about | {"format": FORMAT, "sequences": len(lengths), "nt": int(lengths.sum(dtype=np.int64))}
            with environment.begin(write=True) as transaction:
                transaction.put(b"about", json.dumps(record, sort_keys=True).encode())
            environment.sync(True)
        finally:
            environment.close()


def _put_sequences(environment: lmdb.Environment, sequences: Iterable[np.ndarray], expected: int) -> np.ndarray:
    lengths = np.zeros(expected, dtype=np.int32)
    index = -1
    transaction = environment.begin(write=True)
    for index, tokens in enumerate(sequences):
        if index and index % _ROWS_PER_COMMIT == 0:
            transaction.commit()
            transaction = environment.begin(write=True)
        transaction.put(_key(index), tokens.tobytes(), append=True)
        lengths[index] = len(tokens)
    transaction.commit()
    if index + 1 != expected:
        raise ValueError(f"{index + 1} sequences for {expected} members")
    return lengths


def _key(index: int) -> bytes:
    return struct.pack(">Q", index)


def _opened(path: Path) -> lmdb.Environment:
    """The file's environment, of which LMDB allows one in a process."""
    state = os.stat(path)
    key = (state.st_dev, state.st_ino)
    environment = _ENVIRONMENTS.get(key)
    if environment is None:
        try:
            environment = lmdb.open(str(path), subdir=False, readonly=True, lock=False, readahead=False, max_dbs=0)
        except lmdb.Error as error:
            raise InputError(f"not a corpus: {error}", path=path, remedy=_REMEDY) from error
        _ENVIRONMENTS[key] = environment
    return environment


class Corpus:
    """A corpus to read; open it anew in each process.

    Attributes
    ----------
    lengths : numpy.ndarray, shape=(n,), dtype=int32
        In nt.
    members, offsets, held : numpy.ndarray
        See the head of the module.
    about : dict

    Raises
    ------
    InputError
        If the file is missing, cut off, or was never finished.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise InputError("no such corpus", path=path, remedy="check the path")
        self._environment = _opened(self.path)
        # reading beyond the end of a mapped file would end the process
        needed = (self._environment.info()["last_pgno"] + 1) * self._environment.stat()["psize"]
        if os.path.getsize(path) < needed:
            raise InputError(
                "the corpus is cut off", path=path, value=f"{os.path.getsize(path)} of {needed} bytes", remedy=_REMEDY
            )
        self._transaction = self._environment.begin(buffers=True)
        self.about = json.loads(bytes(self._value(b"about")))
        if self.about.get("format") != FORMAT:
            raise InputError("another format", path=path, value=self.about.get("format"), remedy=_REMEDY)
        for name, kind in _ARRAYS.items():
            setattr(self, name, np.frombuffer(self._value(name.encode()), kind))

    lengths: np.ndarray
    members: np.ndarray
    offsets: np.ndarray
    held: np.ndarray

    def __len__(self) -> int:
        return len(self.lengths)

    def _value(self, key: bytes) -> memoryview:
        value = self._transaction.get(key)
        if value is None:
            raise InputError("the corpus was never finished", path=self.path, remedy=_REMEDY)
        return value

    def __getitem__(self, index: int) -> np.ndarray:
        """Tokens of one sequence, shape (nt,), uint8; a view of the file."""
        return np.frombuffer(self._value(_key(index)), np.uint8)
