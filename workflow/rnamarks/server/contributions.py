"""Which nucleotides a call rests on: computed when somebody asks, one call at a time, and kept with the scan."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

import numpy as np

from ..api import Model
from ..errors import FULL, InputError
from ..files import write_text
from ..prediction.spool import spool_fasta, spool_transcripts
from .jobs import Busy
from .results import TRANSCRIPTS, Job, bytes_in
from .svg_view import draw_contributions

SHOWN = 25
"""Nucleotides to either side that are drawn."""
_WAITING = 4


class Explainer:
    """Integrated gradients of single calls.

    Parameters
    ----------
    model : path-like
    device, batch_size
        See :func:`rnamarks.load`.
    """

    def __init__(self, model: str | Path, *, device: str = "auto", batch_size: int | None = None) -> None:
        self._model = Model(model, device=device, batch_size=batch_size)
        self._lock = threading.Lock()
        self._room = threading.Semaphore(_WAITING)
        self._closed = False

    def close(self) -> None:
        """End after the call that is being explained."""
        self._closed = True
        with self._lock:
            return

    def draw(self, job: Job, row: dict[str, Any]) -> str:
        """What each nucleotide around a call adds to its log odds.

        Parameters
        ----------
        job : Job
            A scan that is done.
        row : dict
            Of its table.

        Returns
        -------
        str
            SVG.

        Raises
        ------
        InputError
            If the model of the server is another than that of the scan, or the call cannot be explained.
        Busy
            If too many people ask at once.
        """
        key = hashlib.sha256(repr((row["task"], row["sequence"], row["start"])).encode()).hexdigest()[:16]
        kept = job.folder / f"call-{key}.svg"
        if kept.is_file():
            return kept.read_text(encoding="utf-8")
        if not self._room.acquire(blocking=False):
            raise Busy("others are waiting for explanations already")
        try:
            with self._lock:
                if self._closed:
                    raise Busy("the server ends")
                text = self._compute(job, row)
        finally:
            self._room.release()
        try:
            with write_text(kept) as handle:
                handle.write(text)
            job.size = bytes_in(job.folder)
        except OSError as error:
            # it can be computed again
            if error.errno not in FULL and job.folder.is_dir():
                raise
        return text

    def _compute(self, job: Job, row: dict[str, Any]) -> str:
        width = self._model.window
        source = job.scanned()
        if not source.is_file():
            raise InputError("the sequences of this scan are gone", remedy="scan them again")
        reads = spool_transcripts if source.name == TRANSCRIPTS else spool_fasta
        spool = reads(source, job.folder, width // 2)
        number = spool.names.index(row["sequence"])
        middle = int(spool.starts[number]) + row["start"]
        window = np.array(spool.codes[middle - width // 2 : middle + width // 2 + 1])
        found = self._model.explain([window], row["task"])
        near = min(SHOWN, width // 2)
        # what lies beyond the sequence is not drawn
        left = min(near, row["start"])
        right = min(near, int(spool.lengths[number]) - 1 - row["start"])
        shown = slice(width // 2 - left, width // 2 + right + 1)
        colour = job.paints[row["task"]].ink
        return draw_contributions(
            window[shown], found.nucleotides[0, shown], row["start"] - left + 1, row["start"] + 1, colour
        )
