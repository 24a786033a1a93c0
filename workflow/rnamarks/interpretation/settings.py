"""Settings of explanations with defaults and ranges; the standard library alone, so that parsing can use them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from ..errors import InputError
from ..models.settings import Choice, Motif, Real, Settings, Whole, setting

BASELINES = ("uniform", "composition")
OBJECTIVES = ("logit", "probability")
INPUTS = ("softmax", "raw")
CLUSTERINGS = ("umap", "kmers")
KMERS = {"width": 5, "count": 4, "reach": 0, "flank": 1, "trim": 0.0}
"""Settings that go with the clustering ``kmers`` unless others are given.

Short k-mers, since few copies of a long one are left with one nucleotide changed. A column on either side is kept,
whatever it holds: to Tomtom five nucleotides that agree are within chance among 60 motifs (q 0.01), five that agree
between two columns as free as the target's are not.
"""
_MANY = 1_000_000


@dataclass(frozen=True)
class GradientSettings(Settings):
    """Options of :func:`rnamarks.interpretation.attribution.integrated_gradients` that a configuration may give.

    Attributes
    ----------
    baseline : str
        ``uniform``: equal fractions of the nucleotides; ``composition``: those of the unmodified windows.
    steps, maximum_steps : int
    tolerance : float
    """

    baseline: str = setting("composition", Choice(BASELINES))
    steps: int = setting(16, Whole(1, _MANY))
    maximum_steps: int = setting(128, Whole(1, _MANY))
    tolerance: float = setting(0.05, Real(0, 1000, above=True))


@dataclass(frozen=True)
class ConsensusSettings(Settings):
    """How motifs are made of the positions that weigh most.

    Attributes
    ----------
    width : int
        Of a subsequence, nt: 6 in the text of the original, 8 in its notebook.
    count : int
        Subsequences per window.
    margin : int
        Nucleotides on either side of a subsequence that no later one may hold.
    reach : int
        Farthest move of a subsequence in the alignment, nt.
    flank : int
        Nucleotides counted on either side of the aligned subsequences; 0 in the original.
    trim : float
        Columns at the ends with fewer bits against the task's background are left out; 0 leaves all in.
    clustering : {"umap", "kmers"}
        See :func:`cluster_kmers`.
    eps : float
        Radius of DBSCAN in the plane of the embedding.
    members : int
        Smallest cluster.
    maximum : int
        Motifs per task and method; 0 for all.
    """

    width: int = setting(6, Whole(3, 1000))
    count: int = setting(2, Whole(1, 1000))
    margin: int = setting(1, Whole(0, 1000))
    reach: int = setting(2, Whole(0, 1000))
    flank: int = setting(2, Whole(0, 1000))
    trim: float = setting(0.2, Real(0, 2))
    clustering: str = setting("umap", Choice(CLUSTERINGS))
    eps: float = setting(0.3, Real(0, 1e9, above=True))
    members: int = setting(10, Whole(2, _MANY))
    maximum: int = setting(0, Whole(0, _MANY))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], where: str = "") -> Self:
        """As :meth:`Settings.from_mapping`; with the clustering ``kmers`` on top of :data:`KMERS`."""
        given = super().from_mapping(values, where)
        more = {name: value for name, value in KMERS.items() if name not in values}
        return replace(given, **more) if given.clustering == "kmers" else given


@dataclass(frozen=True)
class OptimisationSettings(Settings):
    """How a class is optimised.

    Attributes
    ----------
    objective : {"logit", "probability"}
    input : {"softmax", "raw"}
        What the network reads: see the description of the module.
    gamma : float
        Weight of the squared norm of S.
    steps : int
    rate : float
        Step size.
    starts : int
    motif : str
        IUPAC codes that the site must sit in, held while the rest is optimised; ``""`` (the paper) holds nothing.
    motif_offset : int
        Place of the site in that motif, from 0.
    """

    objective: str = setting("logit", Choice(OBJECTIVES))
    input: str = setting("softmax", Choice(INPUTS))
    gamma: float = setting(0.02, Real(0, 1e9))
    steps: int = setting(300, Whole(1, _MANY))
    rate: float = setting(0.1, Real(0, 1e9, above=True))
    starts: int = setting(10, Whole(1, _MANY))
    motif: str = setting("", Motif())
    motif_offset: int = setting(0, Whole(0, 1000))

    def check(self) -> None:
        if self.motif_offset >= max(1, len(self.motif)):
            raise InputError("motif_offset lies outside the motif", value=self.motif_offset, remedy="count from 0")
