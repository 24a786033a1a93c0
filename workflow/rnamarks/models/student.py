"""A small network that is read along a whole sequence at once: fast mode.

A teacher looks at one window per base, so each base is computed as often as there are windows over it. The student has
nothing but convolutions without padding, so neighbouring windows share all of their work, and the logits of a
transcript are one pass over it (Long, Shelhamer & Darrell 2015, doi:10.1109/CVPR.2015.7298965). Gaps that widen from
block to block (Yu & Koltun 2016, arXiv:1511.07122) make the last position see exactly the teacher's window.
Activations lie as (positions, batch, channels): a convolution then is a few products of matrices that are contiguous
in memory, the same for one long sequence and for many windows.

``student.safetensors``, a sidecar of the model directory, holds the tensors and describes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..errors import InputError
from ..sequences import UNKNOWN
from .directory import STUDENT, read_config, read_shapes, read_sidecar, sidecar_settings, write_sidecar
from .layers import OneHot, draw_normal
from .settings.student import StudentSettings

CHUNK = 4096
"""Positions computed at once in a scan; activations of more no longer fit the caches of a core."""


def spread_dilations(receptive: int, width: int) -> list[int]:
    """Gaps of blocks of three places that widen ``width`` to ``receptive`` nt: 1, 2, 4, … and what is left, sorted.

    >>> spread_dilations(51, 9)
    [1, 2, 4, 6, 8]
    """
    left = (receptive - width) // 2
    gaps = []
    gap = 1
    while gap <= left:
        gaps.append(gap)
        left -= gap
        gap *= 2
    return sorted([*gaps, left] if left else gaps)


class GappedBlock(nn.Module):
    """Three places ``dilation`` apart, ReLU, a mix of channels, added to the middle place.

    Shape (positions, batch, channels) to (positions - 2 * dilation, batch, channels). The mix starts at zero, so that a
    fresh block passes its input on.
    """

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.places = nn.Parameter(draw_normal(3, channels, channels, deviation=(2 / (3 * channels)) ** 0.5))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.mix = nn.Parameter(torch.zeros(channels, channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        positions = len(x) - 2 * self.dilation
        left, middle, right = (
            x[place * self.dilation : place * self.dilation + positions].flatten(0, 1) for place in range(3)
        )
        found = torch.addmm(self.bias, left, self.places[0])
        found = found.addmm_(middle, self.places[1]).addmm_(right, self.places[2]).relu_()
        return torch.addmm(middle, found, self.mix).view(positions, *x.shape[1:])


class Student(nn.Module):
    """Convolutions over one-hot nucleotides, no padding, one logit per task and position.

    Parameters
    ----------
    tasks : sequence of str
        In the order of the columns of the logits.
    hyperparameters
        Of :class:`~rnamarks.models.settings.student.StudentSettings`; ``receptive`` is needed.

    Raises
    ------
    InputError
        If ``receptive`` cannot be made of ``width`` and ``dilations``.
    """

    def __init__(self, tasks: Sequence[str], **hyperparameters: Any) -> None:
        super().__init__()
        sizes = StudentSettings.from_mapping(hyperparameters)
        receptive = sizes.receptive or 0
        width = min(sizes.width, receptive)
        if receptive % 2 == 0 or width % 2 == 0:
            raise InputError(
                "the student's window and its first filters need an odd width",
                value=(receptive, width),
                remedy="the site lies in the middle",
            )
        gaps = spread_dilations(receptive, width) if sizes.dilations is None else list(sizes.dilations)
        if width + 2 * sum(gaps) != receptive:
            raise InputError(
                f"filters of {width} nt and these dilations do not make a window of {receptive} nt",
                value=gaps,
                remedy=f"give dilations that sum to {(receptive - width) // 2}",
            )
        self.tasks, self.receptive, self.width = list(tasks), receptive, width
        self.hyperparameters = asdict(replace(sizes, width=width, dilations=gaps))
        self.one_hot = OneHot()
        self.motifs = nn.Linear(4 * width, sizes.filters)
        self.reduce = nn.Linear(sizes.filters, sizes.channels)
        self.blocks = nn.Sequential(*(GappedBlock(sizes.channels, gap) for gap in gaps))
        self.hidden = nn.Linear(sizes.channels, sizes.hidden)
        self.output = nn.Linear(sizes.hidden, len(self.tasks))

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Logits, shape (batch, n_tasks), of windows as codes, shape (batch, window); of wide ones the middle."""
        surplus = windows.shape[1] - self.receptive
        if surplus < 0 or surplus % 2:
            raise ValueError(f"windows of {windows.shape[1]} nt have no middle {self.receptive} nt")
        return self._along(windows[:, surplus // 2 : surplus // 2 + self.receptive].T)[0]

    @torch.inference_mode()
    def scan(self, codes: torch.Tensor | np.ndarray, chunk: int = CHUNK) -> torch.Tensor:
        """Logits at every position of one sequence, N taken to lie beyond both ends.

        Parameters
        ----------
        codes : torch.Tensor or numpy.ndarray, shape=(length,), dtype=uint8
        chunk : int
            Positions computed at once; bounds the memory, changes nothing else beyond float rounding.

        Returns
        -------
        torch.Tensor, shape=(length, n_tasks), dtype=float32
            On the CPU. 4 bytes a position and task; :meth:`scan_chunks` gives them a chunk at a time.
        """
        found = torch.empty(len(codes), len(self.tasks))
        for start, logits in self.scan_chunks(codes, chunk):
            found[start : start + len(logits)] = logits
        return found

    def scan_chunks(self, codes: torch.Tensor | np.ndarray, chunk: int = CHUNK) -> Iterator[tuple[int, torch.Tensor]]:
        """As :meth:`scan`, in pieces: 0-based first position, and logits, shape (up to ``chunk``, n_tasks)."""
        codes, device = torch.as_tensor(codes), self.output.weight.device
        length, flank = len(codes), self.receptive // 2
        for start in range(0, length, chunk):
            first, last = start - flank, min(start + chunk, length) + flank
            part = codes[max(first, 0) : min(last, length)]
            padded = F.pad(part, (max(-first, 0), max(last - length, 0)), value=UNKNOWN)
            with torch.inference_mode():
                logits = self._along(padded.to(device)[:, None])[:, 0]
            yield start, logits.cpu()

    def _along(self, codes: torch.Tensor) -> torch.Tensor:
        """Codes, shape (positions, batch), to logits, shape (positions - receptive + 1, batch, n_tasks)."""
        columns = self.one_hot.table[codes.long()]
        # shape (positions, batch, 4, width), a view: each place with the nucleotides that follow it
        x = columns.unfold(0, self.width, 1).flatten(2)
        x = self.reduce(self.motifs(x).relu_())
        return self.output(self.hidden(self.blocks(x)).relu_())


def add_student(
    folder: str | Path,
    student: Student,
    *,
    calibration: Mapping[str, Mapping[str, Any]],
    agreement: Mapping[str, float],
    training: Mapping[str, Any] | None = None,
) -> str:
    """Write a student into the model directory of its teacher, as :data:`~rnamarks.models.directory.STUDENT`.

    Parameters
    ----------
    folder : path-like
    student : Student
    calibration : mapping of task to dict
        Constants of :class:`~rnamarks.evaluation.calibration.Calibration` for the logits of fast mode.
    agreement : mapping of task to float
        Spearman's correlation with the teacher on windows that neither was fitted on.
    training : mapping, optional
        Settings and seed, for the record.

    Returns
    -------
    str
        The SHA-256 of the student: a null distribution measured with it keeps it.

    Raises
    ------
    InputError
        If the model has other tasks, or its weights are not the ones that its configuration names.
    """
    config, _ = read_config(folder)
    if student.tasks != config.heads:
        raise InputError(
            f"the student knows {', '.join(student.tasks)}",
            path=folder,
            value=config.heads,
            remedy="distil it from this model",
        )
    settings = {
        "hyperparameters": student.hyperparameters,
        "calibration": {task: dict(constants) for task, constants in calibration.items()},
        "agreement": {task: float(value) for task, value in agreement.items()},
        "training": dict(training or {}),
    }
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in student.state_dict().items()}
    return write_sidecar(folder, STUDENT, arrays, settings)


def load_student(folder: str | Path) -> tuple[Student, dict[str, Any]]:
    """The student of a model directory.

    Returns
    -------
    student : Student
        In evaluation mode on the CPU.
    settings : dict
        ``hyperparameters``, ``calibration``, ``agreement`` and ``training`` of :func:`add_student`, and ``sha256``.

    Raises
    ------
    InputError
        If the model has none, or the file was changed, was made for other weights or does not fit its description.
    """
    settings = sidecar_settings(folder, STUDENT)
    if settings is None:
        raise InputError(
            "the model has no student for fast mode", path=folder, remedy="use exact mode, or distil a student"
        )
    path = Path(folder) / STUDENT
    tasks = read_config(folder)[0].heads
    lacking = sorted({"hyperparameters", "calibration", "agreement", "training"} - set(settings))
    if lacking:
        raise InputError(
            "the description of the student lacks keys", path=path, value=lacking, remedy="distil it again"
        )
    with torch.device("meta"):
        described = Student(tasks, **settings["hyperparameters"]).state_dict()
    if read_shapes(path) != {name: tuple(tensor.shape) for name, tensor in described.items()}:
        raise InputError(
            "the weights do not fit the student that the file describes",
            path=path,
            remedy="use the version of rnamarks that wrote the model",
        )
    arrays, settings = read_sidecar(folder, STUDENT)
    student = Student(tasks, **settings["hyperparameters"])
    student.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()}, strict=True)
    return student.eval(), settings
