"""A scan in several jobs: each scores some of the blocks, one joins their logits and does what needs all of them.

A chunk is a run of whole blocks of the scan, and a block is scored in the same batches whoever does it: so the joined
logits, and all that follows from them, are those of one job to the byte, whatever the number of chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..files import write_bytes
from ..progress import Progress
from .kept import Kept

if TYPE_CHECKING:
    from .scan import Scan

_AT_ONCE = 1 << 20


def write_chunk(
    scan: Scan, kept: Kept, path: str | Path, chunk: int, chunks: int, progress: Progress, warn: Callable[[str], None]
) -> int:
    """Score a chunk of a scan for one task.

    Parameters
    ----------
    scan : Scan
    kept : Kept
    path : path-like
        The logits, float32 of this computer, in the order of the tests.
    chunk, chunks : int
        Which one, counted from 0, of how many; where there are fewer blocks, some are empty.
    progress, warn : callable

    Returns
    -------
    int
        Tests.
    """
    (task,) = scan.tasks
    tests = scan.count(chunk, chunks).tests
    scan.score(kept, tests, progress, warn, chunk, chunks)
    with write_bytes(path) as handle:
        for first in range(0, tests, _AT_ONCE):
            last = min(first + _AT_ONCE, tests)
            handle.write(kept.read(f"{task.name}.logit", np.float32, first, last).tobytes())
    return tests


def take_chunks(scan: Scan, kept: Kept, paths: Sequence[str | Path]) -> None:
    """Keep what chunks have scored, some blocks in memory.

    Parameters
    ----------
    scan : Scan
    kept : Kept
        Without a block.
    paths : sequence of path-like
        What :func:`write_chunk` wrote, of all chunks in order.

    Raises
    ------
    InputError
        If a file has more or fewer logits than its chunk has tests.
    """
    (task,) = scan.tasks
    for chunk, path in enumerate(paths):
        with open(path, "rb") as handle:
            for _, _, sites in scan.blocks(scan.options.ends, chunk, len(paths)):
                logits = np.fromfile(handle, np.float32, len(sites[task.name]))
                if len(logits) < len(sites[task.name]):
                    raise _foreign(path)
                kept.append(f"{task.name}.logit", logits)
                kept.end_block()
            if handle.read(1):
                raise _foreign(path)


def _foreign(path: str | Path) -> InputError:
    return InputError("the scores are of other transcripts", path=path, remedy="remove the file and run it again")
