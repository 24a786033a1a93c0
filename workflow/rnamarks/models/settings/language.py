"""Sizes of the language model."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import InputError
from . import DROPOUT, SIZE, TRUNK_SETTINGS, Choice, Flag, Names, Settings, Whole, setting


@TRUNK_SETTINGS.add("language")
@dataclass(frozen=True)
class LanguageSettings(Settings):
    """Sizes of :class:`rnamarks.models.language.LanguageModel`; see :data:`LANGUAGE_SIZES` for the published ones.

    Attributes
    ----------
    width, blocks, heads : int
        Channels, number of blocks, heads of each block's attention.
    feedforward : int
        Hidden units of the feed-forward layers; None for two thirds of four times the width.
    norm : {"released", "pre"}
        Where attention's layer norm stands, see :class:`rnamarks.models.language.Block`.
    positions : {"rotary", "absolute"}
        Rotary embeddings have no longest sequence; learned absolute ones have ``longest`` positions.
    activation : {"swiglu", "gelu"}
        Of the feed-forward layers.
    longest : int
        Tokens of the longest training sequence, ``<cls>`` and ``<eos>`` among them.
    token_dropout : bool
        Whether masked tokens are zero and sequences are scaled for it.
    dropout, attention_dropout : float
        Of what each layer adds, and of attention weights.
    """

    width: int = setting(320, Whole(2, SIZE))
    blocks: int = setting(6, Whole(1, 256))
    heads: int = setting(20, Whole(1, 256))
    feedforward: int | None = setting(None, Whole(1, 4 * SIZE))
    norm: str = setting("released", Choice(("released", "pre")))
    positions: str = setting("rotary", Choice(("rotary", "absolute")))
    activation: str = setting("swiglu", Choice(("swiglu", "gelu")))
    longest: int = setting(1024, Whole(3, 100_000))
    token_dropout: bool = setting(True, Flag())
    dropout: float = setting(0.1, DROPOUT)
    attention_dropout: float = setting(0.1, DROPOUT)

    @property
    def hidden(self) -> int:
        """Hidden units of the feed-forward layers."""
        return self.feedforward or int(2 / 3 * 4 * self.width)

    def check(self) -> None:
        if self.width % self.heads or self.width // self.heads % 2:
            raise InputError(
                f"{self.heads} heads cannot share the width evenly, an even number of channels each",
                value=self.width,
                remedy="change it",
            )


LANGUAGE_SIZES: dict[str, dict[str, int]] = {
    "nano": {"width": 320, "blocks": 6, "heads": 20},
    "micro": {"width": 480, "blocks": 12, "heads": 20},
    "mega": {"width": 640, "blocks": 30, "heads": 20},
    "giga": {"width": 1280, "blocks": 33, "heads": 20},
}
"""The published sizes: 7.5, 33.5, 148.1 and 650.9 million parameters."""


@dataclass(frozen=True)
class PairSettings(Settings):
    """Sizes of :class:`rnamarks.models.language_heads.PairHead`."""

    channels: int = setting(64, Whole(1, SIZE))
    blocks: int = setting(2, Whole(0, 256))


@dataclass(frozen=True)
class LabelSettings(Settings):
    """Sizes of :class:`rnamarks.models.language_heads.LabelHead`.

    Attributes
    ----------
    hidden : int
    labels : int
        Logits; one is for yes or no.
    names : tuple of str
        Of the labels in the order of the logits, of one logit those of no and yes; none where they are not known.
    """

    hidden: int = setting(128, Whole(1, SIZE))
    labels: int = setting(1, Whole(1, SIZE))
    names: tuple[str, ...] = setting((), Names(SIZE))

    def check(self) -> None:
        if self.names and len(self.names) != max(2, self.labels):
            raise InputError(
                f"{len(self.names)} names for {max(2, self.labels)} labels", value=self.names, remedy="give all or none"
            )


@dataclass(frozen=True)
class ValueSettings(Settings):
    """Sizes of :class:`rnamarks.models.language_heads.ValueHead`."""

    channels: int = setting(32, Whole(1, SIZE))
    blocks: int = setting(6, Whole(0, 256))
    dropout: float = setting(0.2, DROPOUT)
