"""Settings of explanations."""

from __future__ import annotations

import inspect
from dataclasses import asdict

import pytest

from rnamarks.interpretation.settings import KMERS, ConsensusSettings, GradientSettings, OptimisationSettings


@pytest.mark.parametrize("kind", [ConsensusSettings, GradientSettings, OptimisationSettings])
def test_defaults_are_in_range_and_documented(kind):
    values = asdict(kind())
    assert kind.from_mapping(values) == kind()
    assert [name for name in values if name not in inspect.getdoc(kind)] == []


def test_k_mers_have_settings_of_their_own_unless_others_are_given():
    found = asdict(ConsensusSettings.from_mapping({"clustering": "kmers", "count": 9}))
    assert found == asdict(ConsensusSettings()) | KMERS | {"clustering": "kmers", "count": 9}
    assert ConsensusSettings.from_mapping({"eps": 0.5}) == ConsensusSettings(eps=0.5)
