"""Settings of DeepM6ASeq."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import InputError
from . import DROPOUT, NETWORKS, SIZE, NetworkSettings, Whole, Wholes, setting


@NETWORKS.add("deepm6aseq")
@dataclass(frozen=True)
class DeepM6ASeqSettings(NetworkSettings):
    """Sizes of :class:`rnamarks.models.deepm6aseq.DeepM6ASeq`.

    Attributes
    ----------
    filters, widths : tuple of int
        Number of filters and width of each convolution.
    lstm_units : int
        Units per direction.
    dropout : float
        After each convolution.
    trunk : dict, optional
        See :class:`NetworkSettings`.
    """

    filters: tuple[int, ...] = setting((256, 128), Wholes(1, SIZE))
    widths: tuple[int, ...] = setting((10, 5), Wholes(1, SIZE))
    lstm_units: int = setting(32, Whole(1, SIZE))
    dropout: float = setting(0.5, DROPOUT)

    of_trunk = ("filters", "widths", "lstm_units", "dropout")

    def check(self) -> None:
        if len(self.filters) != len(self.widths) or not self.filters:
            raise InputError(
                "filters and widths are not of the same number of convolutions",
                value=(self.filters, self.widths),
                remedy="give one number of filters and one width for each",
            )
