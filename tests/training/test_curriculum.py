"""The order in which species are met."""

from __future__ import annotations

import pytest

from rnamarks.errors import InputError
from rnamarks.training.curriculum import CURRICULA


def test_tree_adds_the_nearest_species_first_and_returns_to_the_earlier_ones():
    stages = CURRICULA["tree"]({"human": 9, "chimp": 5, "mouse": 7})
    assert [stage.tasks for stage in stages] == [("human",), ("human", "chimp"), ("human", "chimp", "mouse")]
    second = [stages[1].key_at(step) for step in range(6)]
    assert second == ["human", "chimp", "chimp", "human", "chimp", "chimp"]
    assert [stages[2].key_at(step) for step in range(3)] == ["human", "chimp", "mouse"]


def test_round_robin_is_one_stage():
    (stage,) = CURRICULA["round_robin"]({"human": 9, "chimp": 5})
    assert [stage.key_at(step) for step in range(4)] == ["human", "chimp", "human", "chimp"]


def test_one_species_is_the_same_under_both_names():
    assert CURRICULA["tree"]({"human": 9}) == CURRICULA["round_robin"]({"human": 9})


def test_proportional_steps_follow_the_sizes_and_are_spread():
    (stage,) = CURRICULA["proportional"]({"human": 4000, "mouse": 3000, "zebrafish": 2000})
    steps = [stage.key_at(step) for step in range(18)]
    assert {name: steps.count(name) for name in stage.tasks} == {"human": 8, "mouse": 6, "zebrafish": 4}
    assert "human" in steps[:3]
    assert all(steps[start : start + 9].count("zebrafish") == 2 for start in (0, 9))


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match="proportional, round_robin, tree"):
        CURRICULA["random"]
