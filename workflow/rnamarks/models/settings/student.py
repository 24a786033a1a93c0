"""Settings of the student, which fast mode reads sequences with."""

from __future__ import annotations

from dataclasses import dataclass

from . import SIZE, Settings, Whole, Wholes, setting


@dataclass(frozen=True)
class StudentSettings(Settings):
    """Sizes of :class:`rnamarks.models.student.Student`.

    Attributes
    ----------
    receptive : int
        Nucleotides that a logit depends on; odd, the site in the middle. None for those that the teacher reads.
    width, filters : int
        Odd width and number of the first convolution's filters.
    channels : int
        Channels of the blocks.
    hidden : int
        Units of the layer before the logits.
    dilations : tuple of int
        Gap of each block; ``width`` and twice their sum must make ``receptive``. None for
        :func:`rnamarks.models.student.spread_dilations`.
    """

    receptive: int | None = setting(None, Whole(1, 100_000))
    width: int = setting(9, Whole(1, SIZE))
    filters: int = setting(96, Whole(1, SIZE))
    channels: int = setting(48, Whole(1, SIZE))
    hidden: int = setting(96, Whole(1, SIZE))
    dilations: tuple[int, ...] | None = setting(None, Wholes(1, 100_000))
