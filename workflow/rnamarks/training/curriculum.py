"""The order in which a model of several tasks meets them.

Xiong et al. 2021 start from human and add species by evolutionary distance; similarity of two species is one over the
path between them on the tree. The box of their Algorithm 1 leaves open how often earlier species return, and their
released code trains round-robin, so both are available by name.
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
    tasks : tuple of str
        Tasks met so far, in the order they came in; validation averages over them.
    cycle : tuple of str
        Keys of successive batches, repeated until the stage ends: tasks, or what a target makes its batches by.
    """

    tasks: tuple[str, ...]
    cycle: tuple[str, ...]

    def key_at(self, step: int) -> str:
        """The key of a step, counted from 0 within the stage."""
        return self.cycle[step % len(self.cycle)]


CURRICULA: Register[Callable[[Mapping[str, int]], list[Stage]]] = Register("curriculum")


@CURRICULA.add("tree")
def tree_curriculum(sizes: Mapping[str, int]) -> list[Stage]:
    """One stage per task, nearest to the first one first.

    In stage t the steps pass over the t tasks met so far in their order and end with a second step of the newest,
    so that nothing is forgotten and the newest gets most. The last stage visits all tasks equally.

    Parameters
    ----------
    sizes : mapping of task to number of training windows
        The first task, then the others by the distance of their species on the tree; sizes play no part.
    """
    order = tuple(sizes)
    stages = [Stage(order[:count], (*order[:count], order[count - 1])) for count in range(1, len(order))]
    return [*stages, Stage(order, order)]


@CURRICULA.add("round_robin")
def round_robin_curriculum(sizes: Mapping[str, int]) -> list[Stage]:
    """One stage in which all tasks take turns from the first step on, as in the released code."""
    return [Stage(tuple(sizes), tuple(sizes))]


@CURRICULA.add("proportional")
def proportional_curriculum(sizes: Mapping[str, int]) -> list[Stage]:
    """One stage in which tasks take steps in proportion to their training windows, evenly spread.

    With the sampling ``cycle`` every window is then seen about equally often, whatever its task.
    """
    minimum = min(sizes.values())
    # 4 steps of the smallest task per cycle hold the proportions to within an eighth of its fraction
    counts = {name: round(4 * size / minimum) for name, size in sizes.items()}
    places = [((step + 0.5) / count, name) for name, count in counts.items() for step in range(count)]
    return [Stage(tuple(sizes), tuple(name for _, name in sorted(places, key=lambda place: place[0])))]
