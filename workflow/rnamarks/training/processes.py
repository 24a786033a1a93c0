"""Several processes that train one network: those of ``torchrun``, or of a step of SLURM.

Each computes a share of every batch, and gradients are summed over all of them, so that all take the same step. Started
in any other way a process is alone, and nothing of ``torch.distributed`` is imported.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch

from ..errors import InputError
from ..started import check_address, gpu_of, started_with

WAIT = timedelta(minutes=30)
"""Longest time that a process waits for the others, which read and validate meanwhile."""
_BUCKET = 1 << 24
_GONE = "another process of this training ended or does not answer"


class Processes:
    """A process alone.

    Attributes
    ----------
    rank : int
        Number of this process; the one with 0 validates, writes and reports.
    count : int
    """

    rank, count = 0, 1

    def add_up(self, tensors: Iterable[torch.Tensor]) -> None:
        """Replace each tensor by its sum over the processes, which is the same to the bit in all of them."""

    def tell(self, value: Any) -> Any:
        """What the process of rank 0 gave."""
        return value


class _Several(Processes):
    def __init__(self, rank: int, count: int, device: torch.device) -> None:
        self.rank, self.count, self.device = rank, count, device

    def add_up(self, tensors: Iterable[torch.Tensor]) -> None:
        bucket: list[torch.Tensor] = []
        for tensor in tensors:
            if bucket and (tensor.dtype != bucket[0].dtype or sum(map(torch.numel, bucket)) > _BUCKET):
                self._reduce(bucket)
                bucket = []
            bucket.append(tensor)
        if bucket:
            self._reduce(bucket)

    def _reduce(self, tensors: list[torch.Tensor]) -> None:
        from torch import distributed

        flat = torch.cat([one.flatten() for one in tensors])
        with _never_alone():
            distributed.all_reduce(flat)
        for one, part in zip(tensors, flat.split([one.numel() for one in tensors]), strict=True):
            one.copy_(part.view_as(one))

    def tell(self, value: Any) -> Any:
        from torch import distributed

        told = [value]
        with _never_alone():
            distributed.broadcast_object_list(told, device=self.device)
        return told[0]


@contextmanager
def _never_alone() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise InputError(
            _GONE, value=str(error).splitlines()[0], remedy="start all of them again; they go on from the last state"
        ) from error


@contextmanager
def join(device: torch.device) -> Iterator[Processes]:
    """The processes that this one was started with, until the block ends.

    Parameters
    ----------
    device : torch.device
        See :func:`~rnamarks.started.gpu_of`.

    Raises
    ------
    InputError
        If the others cannot be reached or do not come, or one of them ends.
    """
    place = started_with(os.environ)
    if place is None:
        yield Processes()
        return
    from torch import distributed

    check_address(place)
    if device.type == "cuda":
        torch.cuda.set_device(gpu_of(place, torch.cuda.device_count(), os.environ))
    with _never_alone():
        distributed.init_process_group(
            "nccl" if device.type == "cuda" else "gloo",
            init_method=f"tcp://{place['address']}:{place['port']}" if place["slurm"] else "env://",
            rank=place["rank"],
            world_size=place["count"],
            timeout=WAIT,
        )
    try:
        yield _Several(place["rank"], place["count"], device)
    finally:
        distributed.destroy_process_group()
