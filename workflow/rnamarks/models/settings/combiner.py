"""Settings of the trees that judge a base by more than one window."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import InputError
from . import Flag, Real, Settings, Whole, setting

CONTEXT = 300
"""nt on either side that the composition around a base is counted in, at most."""


@dataclass(frozen=True)
class CombinerSettings(Settings):
    """What :class:`rnamarks.models.combiner.Combiner` reads, and how it is fitted.

    Attributes
    ----------
    logits : bool
        The network's logits of the base.
    neighbours : int
        Nucleotides on either side within which the network's logits of other bases of the task count; 0 for none.
    letters : int
        Nucleotides on either side that are read one by one; 0 for none.
    context : bool
        Composition within up to :data:`CONTEXT` nt, and how many sites of m6A's motifs there are.
    ends : bool
        Ends and open reading frame of the sequence, taken for a whole transcript,
        :data:`rnamarks.sites.gene_structure.ENDS`; not beside ``structure``, which knows them.
    structure : bool
        Exons and coding sequence, :data:`rnamarks.sites.gene_structure.FEATURES`.
    rule : bool
        Whether the base lies more than 100 nt from an exon junction, and nothing else.
    trees, depth, eta : int, int, float
        Number, depth and learning rate of the trees.
    columns : float
        Fraction of the features that each tree is shown.
    child : float
        Smallest sum of weights of a leaf.
    """

    logits: bool = setting(True, Flag())
    neighbours: int = setting(0, Whole(0, 10_000))
    letters: int = setting(0, Whole(0, 1_000))
    context: bool = setting(False, Flag())
    ends: bool = setting(False, Flag())
    structure: bool = setting(False, Flag())
    rule: bool = setting(False, Flag())
    trees: int = setting(300, Whole(1, 10_000))
    depth: int = setting(5, Whole(1, 12))
    eta: float = setting(0.03, Real(0, 1, above=True))
    columns: float = setting(0.4, Real(0, 1, above=True))
    child: float = setting(5, Real(0, 1e6))

    def check(self) -> None:
        """See :meth:`Settings.check`."""
        if self.ends and (self.structure or self.rule):
            raise InputError("a combiner reads ends or structure", remedy="leave ends out")
        if not (self.asks_network or self.letters or self.context or self.reads):
            raise InputError(
                "a combiner reads nothing", remedy="give logits, neighbours, letters, context, ends or structure"
            )

    @property
    def asks_network(self) -> bool:
        """Whether the network's logits are among the features."""
        return self.logits or bool(self.neighbours)

    @property
    def reads(self) -> str:
        """What it reads of places, as in :data:`rnamarks.sites.gene_structure.WIDTHS`."""
        return "exons" if self.structure or self.rule else "ends" if self.ends else ""

    @property
    def reach(self) -> int:
        """Nucleotides on either side of a base that the features depend on, beyond what the network itself reads."""
        return max(self.neighbours, self.letters, CONTEXT * self.context)
