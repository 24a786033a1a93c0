"""Settings of MultiRM."""

from __future__ import annotations

from dataclasses import dataclass

from ...registry import registered
from . import DROPOUT, NETWORKS, SIZE, Choice, NetworkSettings, Whole, setting


@NETWORKS.add("multirm")
@dataclass(frozen=True)
class MultiRMSettings(NetworkSettings):
    """Sizes of :class:`rnamarks.models.multirm.MultiRM`; the defaults are the published ones.

    Attributes
    ----------
    crop : int
        Read only so many nt in the middle of a window; 0 for all. Even where the window is even, odd where it is odd.
    embedding : {"hmm", "one_hot", "word2vec"}
        See :mod:`rnamarks.models.embeddings`.
    dims : int
        Width of the embedding.
    units : int
        Of the LSTM, per direction.
    attention : int
        Hidden units of the attention.
    hidden : int
        Hidden units of each head.
    dropout : float
        In the heads.
    trunk : dict, optional
        See :class:`NetworkSettings`.
    """

    crop: int = setting(0, Whole(0, 100_000))
    embedding: str = setting("word2vec", Choice(tuple(registered("EMBEDDINGS"))))
    dims: int = setting(300, Whole(1, SIZE))
    units: int = setting(256, Whole(1, SIZE))
    attention: int = setting(100, Whole(1, SIZE))
    hidden: int = setting(128, Whole(1, SIZE))
    dropout: float = setting(0.5, DROPOUT)

    of_trunk = ("embedding", "dims", "units")

    @property
    def has_filters(self) -> bool:
        return self.embedding == "one_hot"

    def reads(self, window: int) -> int:
        return self.crop or window
