"""The order in which a multi-species model meets its species.

Xiong et al. 2021 start from human and add species by evolutionary distance; similarity of two species is one over the
path between them on the tree. The box of their Algorithm 1 leaves open how often earlier species return, and their
released code trains round-robin, so both are here under names, and how ``tree`` works is stated with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..registry import Register


@dataclass(frozen=True)
class Stage:
    """Part of a curriculum.

    Attributes
    ----------
    heads : tuple of str
        Species seen so far, in the order they came in; validation averages over them.
    cycle : tuple of str
        Species of successive steps, repeated until the stage ends.
    """

    heads: tuple[str, ...]
    cycle: tuple[str, ...]

    def head_at(self, step: int) -> str:
        """The species of a step, counted from 0 within the stage."""
        return self.cycle[step % len(self.cycle)]


CURRICULA: Register[Callable[[Sequence[str]], list[Stage]]] = Register("curriculum")


@CURRICULA.add("tree")
def tree_curriculum(order: Sequence[str]) -> list[Stage]:
    """One stage per species, nearest to the first one first.

    In stage t the steps pass over the t species seen so far in their order and end with a second step of the newest,
    so that nothing is forgotten and the newest gets most. The last stage visits all species equally.

    Parameters
    ----------
    order : sequence of str
        The first species, then the others by their distance from it on the tree.
    """
    order = tuple(order)
    stages = [Stage(order[:count], (*order[:count], order[count - 1])) for count in range(1, len(order))]
    return [*stages, Stage(order, order)]


@CURRICULA.add("round_robin")
def round_robin_curriculum(order: Sequence[str]) -> list[Stage]:
    """One stage in which all species take turns from the first step on, as in the released code."""
    return [Stage(tuple(order), tuple(order))]
