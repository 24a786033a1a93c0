"""A small network that is read along a whole sequence at once: fast mode.

A teacher looks at one window per base, so each base is computed as often as there are windows over it. The student has
nothing but convolutions without padding, so neighbouring windows share all of their work, and the logits of a
transcript are one pass over it (Long, Shelhamer & Darrell 2015, doi:10.1109/CVPR.2015.7298965). Gaps that widen from
block to block (Yu & Koltun 2016, arXiv:1511.07122) make the last position see exactly the teacher's window.
Activations lie as (positions, batch, channels): a convolution then is a few products of matrices that are contiguous
in memory, the same for one long sequence and for many windows.

``student.safetensors`` in a model directory holds the tensors; ``student`` in its ``config.json`` describes them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from ..errors import InputError
from ..files import atomic_path, sha256_of
from ..sequences import UNKNOWN
from .directory import WEIGHTS, check_weights, read_config, write_config
from .layers import OneHot

STUDENT = "student.safetensors"
KEYS = frozenset({"sha256", "teacher", "hyperparameters", "calibration", "agreement", "training"})
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
        self.places = nn.Parameter(torch.randn(3, channels, channels) * (2 / (3 * channels)) ** 0.5)
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
    """Convolutions over one-hot nucleotides, no padding, one logit per head and position.

    Parameters
    ----------
    heads : sequence of str
        Modifications or species, in the order of the columns of the logits.
    receptive : int
        Nucleotides that a logit depends on; odd, the site in the middle.
    width, filters : int
        Odd width and number of the first convolution's filters.
    channels : int
        Channels of the blocks.
    hidden : int
        Units of the layer before the logits.
    dilations : sequence of int, optional
        Gap of each block; ``width`` and twice their sum must make ``receptive``. Default: :func:`spread_dilations`.

    Raises
    ------
    InputError
        If ``receptive`` cannot be made of ``width`` and ``dilations``.
    """

    def __init__(
        self,
        heads: Sequence[str],
        receptive: int = 51,
        *,
        width: int = 9,
        filters: int = 96,
        channels: int = 48,
        hidden: int = 96,
        dilations: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        width = min(width, receptive)
        if receptive < 1 or receptive % 2 == 0 or width % 2 == 0:
            raise InputError(
                "the student's window and its first filters need an odd width",
                value=(receptive, width),
                remedy="the site lies in the middle",
            )
        gaps = spread_dilations(receptive, width) if dilations is None else [int(gap) for gap in dilations]
        if min(gaps, default=1) < 1 or width + 2 * sum(gaps) != receptive:
            raise InputError(
                f"filters of {width} nt and these dilations do not make a window of {receptive} nt",
                value=gaps,
                remedy=f"give dilations of at least 1 that sum to {(receptive - width) // 2}",
            )
        self.heads, self.receptive, self.width = list(heads), receptive, width
        self.hyperparameters: dict[str, Any] = {
            "receptive": receptive,
            "width": width,
            "filters": filters,
            "channels": channels,
            "hidden": hidden,
            "dilations": gaps,
        }
        self.one_hot = OneHot()
        self.motifs = nn.Linear(4 * width, filters)
        self.reduce = nn.Linear(filters, channels)
        self.blocks = nn.Sequential(*(GappedBlock(channels, gap) for gap in gaps))
        self.hidden = nn.Linear(channels, hidden)
        self.output = nn.Linear(hidden, len(self.heads))

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Logits, shape (batch, n_heads), of windows as codes, shape (batch, window); of wide ones the middle."""
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
        torch.Tensor, shape=(length, n_heads), dtype=float32
            On the CPU. 4 bytes a position and head; :meth:`scan_chunks` gives them a chunk at a time.
        """
        found = torch.empty(len(codes), len(self.heads))
        for start, logits in self.scan_chunks(codes, chunk):
            found[start : start + len(logits)] = logits
        return found

    def scan_chunks(self, codes: torch.Tensor | np.ndarray, chunk: int = CHUNK) -> Iterator[tuple[int, torch.Tensor]]:
        """As :meth:`scan`, in pieces: 0-based first position, and logits, shape (up to ``chunk``, n_heads)."""
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
        """Codes, shape (positions, batch), to logits, shape (positions - receptive + 1, batch, n_heads)."""
        columns = self.one_hot.table[codes.long()]
        # shape (positions, batch, 4, width), a view: each place with the letters that follow it
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
    source: str | Path | None = None,
) -> None:
    """Write a student into the model directory of its teacher.

    A null distribution that the directory may have was measured with an earlier student or with none, so
    ``config.json`` names none afterwards.

    Parameters
    ----------
    folder : path-like
        Gets ``student.safetensors`` and a new ``config.json``.
    student : Student
    calibration : mapping of head to dict
        Constants of :class:`~rnamarks.evaluation.calibration.Calibration` for the student's logits.
    agreement : mapping of head to float
        Spearman's correlation with the teacher on windows that neither was fitted on.
    training : mapping, optional
        Settings and seed, for the record.
    source : path-like, optional
        Model directory of the teacher, where it is another than ``folder``: its weights are copied, too.

    Raises
    ------
    InputError
        If the model has other heads, or its weights are not the ones that its configuration names.
    """
    folder, source = Path(folder), Path(source or folder)
    config, digest = read_config(source)
    weights = check_weights(source, digest)
    if student.heads != config.heads:
        raise InputError(
            f"the student knows {', '.join(student.heads)}",
            path=source,
            value=config.heads,
            remedy="distil it from this model",
        )
    if source.resolve() != folder.resolve():
        with atomic_path(folder / WEIGHTS) as part:
            shutil.copyfile(weights, part)
    with atomic_path(folder / STUDENT) as part:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in student.state_dict().items()}, part)
    config.null = {}
    config.student = {
        "sha256": sha256_of(folder / STUDENT),
        "teacher": digest,
        "hyperparameters": student.hyperparameters,
        "calibration": {head: dict(constants) for head, constants in calibration.items()},
        "agreement": {head: float(value) for head, value in agreement.items()},
        "training": dict(training or {}),
    }
    write_config(folder, config)


def load_student(folder: str | Path) -> Student:
    """The student of a model directory, in evaluation mode on the CPU.

    Raises
    ------
    InputError
        If the model has none, the file is missing or is not the one that ``config.json`` names, or it was distilled
        from other weights than the directory's.
    """
    config, digest = read_config(folder)
    if not config.student:
        raise InputError(
            "the model has no student for fast mode", path=folder, remedy="use exact mode, or distil a student"
        )
    if set(config.student) != KEYS:
        raise InputError(
            "the description of the student has unknown or missing keys",
            path=folder,
            value=sorted(set(config.student) ^ KEYS),
            remedy="use the version of rnamarks that wrote it",
        )
    if config.student["teacher"] != digest:
        raise InputError(
            "the student was distilled from other weights", path=folder, remedy="distil it again from this model"
        )
    path = check_weights(folder, config.student["sha256"], STUDENT)
    try:
        student = Student(config.heads, **config.student["hyperparameters"])
        student.load_state_dict(load_file(path), strict=True)
    except SafetensorError as error:
        raise InputError(f"not a safetensors file: {error}", path=path, remedy="copy it again") from error
    except (RuntimeError, TypeError) as error:
        raise InputError(
            "the weights do not fit the student that the configuration describes",
            path=path,
            remedy="use the version of rnamarks that wrote the model",
        ) from error
    return student.eval()
