"""Settings of the network for sites anywhere in a window."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import InputError
from . import DROPOUT, NETWORKS, SIZE, NetworkSettings, Whole, Wholes, setting


@NETWORKS.add("unanchored")
@dataclass(frozen=True)
class UnanchoredSettings(NetworkSettings):
    """Sizes of :class:`rnamarks.models.unanchored.Unanchored`.

    Attributes
    ----------
    filters, filter_width : int
        Number and odd width of the first convolution's filters.
    channels : int
        Channels of the residual blocks.
    width : int
        Odd width of their filters.
    dilations : tuple of int
        One residual block each.
    lstm_units : int
        Units per direction.
    attention_heads : int
        Attention-weighted means beside the largest value and the mean.
    features : int
        Width of what the heads read.
    hidden : int
        Hidden units of each head.
    channel_dropout, dropout : float
        Fraction of whole channels dropped in the convolutions, and of features dropped in the dense layers.
    trunk : dict, optional
        See :class:`NetworkSettings`.
    """

    filters: int = setting(256, Whole(1, SIZE))
    filter_width: int = setting(9, Whole(1, SIZE))
    channels: int = setting(128, Whole(1, SIZE))
    width: int = setting(3, Whole(1, SIZE))
    dilations: tuple[int, ...] = setting((1, 2, 4), Wholes(1, SIZE))
    lstm_units: int = setting(64, Whole(1, SIZE))
    attention_heads: int = setting(4, Whole(1, 256))
    features: int = setting(128, Whole(1, SIZE))
    hidden: int = setting(32, Whole(1, SIZE))
    channel_dropout: float = setting(0.1, DROPOUT)
    dropout: float = setting(0.3, DROPOUT)

    of_trunk = ("filters", "filter_width", "channels", "width", "dilations", "lstm_units", "channel_dropout")
    groups = 8
    """Of the group normalisation, whose channels must be a multiple of it."""

    def check(self) -> None:
        for name in ("filter_width", "width"):
            if getattr(self, name) % 2 == 0:
                raise InputError(f"{name} is even", value=getattr(self, name), remedy="give an odd width")
        for name, size in (
            ("filters", self.filters),
            ("channels", self.channels),
            ("2 * lstm_units", 2 * self.lstm_units),
        ):
            if size % self.groups:
                raise InputError(f"{name} is no multiple of {self.groups}", value=size, remedy="change it")
