"""Settings of MASS."""

from __future__ import annotations

from dataclasses import dataclass

from . import DROPOUT, NETWORKS, SIZE, Choice, NetworkSettings, Whole, setting


@NETWORKS.add("mass")
@dataclass(frozen=True)
class MassSettings(NetworkSettings):
    """Sizes of :class:`rnamarks.models.mass.Mass`; the defaults are the published ones.

    Attributes
    ----------
    form : {"paper", "released"}
        See :mod:`rnamarks.models.mass`.
    filters, filter_width : int
        Of each gapped convolution.
    channels : int
        After the reduction.
    lstm_units : int
        Units per direction.
    attention_heads, attention_width : int
        Number of heads, and channels of each; None for those of the form.
    dense : int
        Hidden units of each head.
    dropout : float
    trunk : dict, optional
        See :class:`NetworkSettings`.
    """

    form: str = setting("paper", Choice(("paper", "released")))
    filters: int = setting(300, Whole(1, SIZE))
    filter_width: int = setting(18, Whole(1, SIZE))
    channels: int = setting(32, Whole(1, SIZE))
    lstm_units: int = setting(64, Whole(1, SIZE))
    attention_heads: int = setting(8, Whole(1, 256))
    attention_width: int | None = setting(None, Whole(1, SIZE))
    dense: int = setting(128, Whole(1, SIZE))
    dropout: float = setting(0.5, DROPOUT)

    of_trunk = ("form", "filters", "filter_width", "channels", "lstm_units", "attention_heads", "attention_width")
