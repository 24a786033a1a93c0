"""The order in which a multi-species model meets its species.

Xiong et al. 2021 start from human and add species by evolutionary distance; similarity of two species is one over the
path between them on the tree. The box of their Algorithm 1 leaves open how often earlier species return, and their
released code trains round-robin, so both are here under names, and how ``tree`` works is stated with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


CURRICULA: Register[Callable[[Mapping[str, int]], list[Stage]]] = Register("curriculum")


@CURRICULA.add("tree")
def tree_curriculum(sizes: Mapping[str, int]) -> list[Stage]:
    """One stage per species, nearest to the first one first.

    In stage t the steps pass over the t species seen so far in their order and end with a second step of the newest,
    so that nothing is forgotten and the newest gets most. The last stage visits all species equally.

    Parameters
    ----------
    sizes : mapping of species to number of training windows
        The first species, then the others by their distance from it on the tree; sizes play no part.
    """
    order = tuple(sizes)
    stages = [Stage(order[:count], (*order[:count], order[count - 1])) for count in range(1, len(order))]
    return [*stages, Stage(order, order)]


@CURRICULA.add("round_robin")
def round_robin_curriculum(sizes: Mapping[str, int]) -> list[Stage]:
    """One stage in which all species take turns from the first step on, as in the released code."""
    return [Stage(tuple(sizes), tuple(sizes))]


@CURRICULA.add("proportional")
def proportional_curriculum(sizes: Mapping[str, int]) -> list[Stage]:
    """One stage in which species take steps in proportion to their training windows, evenly spread.

    With the sampling ``cycle`` every window is then seen about equally often, whatever its species.
    """
    least = min(sizes.values())
    # 4 steps of the smallest species per cycle hold the proportions to within an eighth of its share
    counts = {name: round(4 * size / least) for name, size in sizes.items()}
    places = [((step + 0.5) / count, name) for name, count in counts.items() for step in range(count)]
    return [Stage(tuple(sizes), tuple(name for _, name in sorted(places, key=lambda place: place[0])))]
