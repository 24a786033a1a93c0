"""Settings are typed and bounded, say what is allowed, and need nothing but the standard library."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rnamarks.errors import InputError
from rnamarks.models.embeddings import EMBEDDINGS
from rnamarks.models.mass import FORMS
from rnamarks.models.registry import MODELS
from rnamarks.models.settings import NETWORKS, Choice, Real, Whole, Wholes
from rnamarks.training import settings
from rnamarks.training.checks import check_grid, check_network, check_student
from rnamarks.training.objectives import OBJECTIVES
from rnamarks.training.settings import DistillationSettings, FinetuneSettings, SiteSettings, TrainingSettings


def test_parsing_needs_the_standard_library_alone():
    code = """
import sys
before = {name.partition(".")[0] for name in sys.modules}
import rnamarks.training.settings, rnamarks.training.tree
after = {name.partition(".")[0] for name in sys.modules}
print(sorted(after - before - set(sys.stdlib_module_names)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['rnamarks']\n"


def test_the_names_are_those_of_the_registries():
    assert sorted(NETWORKS) == MODELS.names()
    assert sorted(settings.OBJECTIVES) == OBJECTIVES.names()
    choices = {name: kind.names for name, kind in NETWORKS["multirm"].kinds().items() if isinstance(kind, Choice)}
    assert choices == {"embedding": tuple(EMBEDDINGS.names())}
    assert NETWORKS["mass"].kinds()["form"].names == tuple(FORMS)


@pytest.mark.parametrize(
    "kind",
    [TrainingSettings, SiteSettings, FinetuneSettings, DistillationSettings, *(NETWORKS[name] for name in NETWORKS)],
)
def test_defaults_are_in_range_and_documented(kind):
    values = asdict(kind())
    assert kind.from_mapping(values) == kind()
    documented = "\n".join(base.__doc__ or "" for base in kind.__mro__)
    assert [name for name in values if name not in documented] == []


ENTRY = {"network": "mass", "hyperparameters": {"filters": 16}, "training": {"epochs": 3}}


@pytest.mark.parametrize(
    ("section", "text", "said"),
    [
        ("training", "epochs: 2.5", "training.epochs is not a whole number from 1 to 1000000 (found 2.5)"),
        ("training", "steps_per_epoch: -3", "training.steps_per_epoch is not a whole number from 0"),
        ("training", "patience: x", "training.patience is not a whole number"),
        ("training", "learning_rate: 0", "training.learning_rate is not a number above 0 and up to 1000"),
        ("training", "learning_rate: .nan", "training.learning_rate is not a number"),
        ("training", "learning_rate: '0.1'", "training.learning_rate is not a number"),
        ("training", "learning_rat: 1", "there is no setting models.net.training.learning_rat; known are average"),
        ("training", "schedule: cosine", "training.schedule is not one of constant, one_cycle, linear"),
        ("training", "average_decay: 1", "training.average_decay is not a number from 0 to below 1"),
        ("training", "shift: yes", "training.shift is not a whole number"),
        ("training", "batch_size: 31", "models.net.training: the batch size is odd (found 31)"),
        ("training", "rounds: 3", "there is no setting models.net.training.rounds"),
        ("hyperparameters", "dropout: 7", "hyperparameters.dropout is not a number from 0 to below 1 (found 7)"),
        ("hyperparameters", "filters: '16'", "hyperparameters.filters is not a whole number from 1 to 8192"),
        ("hyperparameters", "dense: {}", "hyperparameters.dense is not a whole number"),
        ("hyperparameters", "dense: null", "hyperparameters.dense is not a whole number"),
        ("hyperparameters", "form: draft", "hyperparameters.form is not one of paper, released"),
        ("hyperparameters", "[1]", "models.net.hyperparameters is not a mapping"),
    ],
)
def test_wrong_settings_are_named_with_what_is_allowed(section, text, said):
    with pytest.raises(InputError) as caught:
        check_network("net", ENTRY | {section: yaml.safe_load(text)})
    assert said in str(caught.value)
    assert "models.net." in str(caught.value)


def test_numbers_as_yaml_has_them():
    text = "{learning_rate: 1e-3, weight_decay: 1, epochs: 2.0, steps_per_epoch: 1e2}"
    read = SiteSettings.from_mapping(yaml.safe_load(text))
    values = (read.learning_rate, read.weight_decay, read.epochs, read.steps_per_epoch)
    assert values == (0.001, 1.0, 2, 100)
    assert [type(value) for value in values] == [float, float, int, int]
    network = NETWORKS["deepm6aseq"].from_mapping({"filters": [8, 4.0]})
    assert network.filters == (8, 4)


def test_networks_and_students_are_checked():
    check_network("net", ENTRY)
    check_network("net", {"network": "multirm"})
    with pytest.raises(InputError, match=r"models\.net\.network is not one of deepm6aseq, .*found 'transformer'"):
        check_network("net", {"network": "transformer"})
    with pytest.raises(
        InputError, match=r"models\.net\.hyperparameters: filters and widths are not of the same number"
    ):
        check_network("net", {"network": "deepm6aseq", "hyperparameters": {"filters": [3]}})
    check_student({"hyperparameters": {"channels": 16}, "training": {"epochs": 3}})
    with pytest.raises(InputError, match=r"student\.training\.temper is not a number from 0 to 1"):
        check_student({"training": {"temper": 2}})
    with pytest.raises(InputError, match=r"student\.hyperparameters\.channels"):
        check_student({"hyperparameters": {"channels": 0}})


def test_every_value_of_a_grid_is_checked():
    check_grid("net", ENTRY, {"training.learning_rate": ["1e-3", 0.1], "hyperparameters.dropout": [0, 0.5]})
    with pytest.raises(InputError, match=r"models\.net\.hyperparameters\.dropout is not .*found 7"):
        check_grid("net", ENTRY, {"hyperparameters.dropout": [0.5, 7]})
    with pytest.raises(InputError, match=r"line_search\.grid has no place .*'dropout'"):
        check_grid("net", ENTRY, {"dropout": [0.5]})


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers(), max_size=3)))
def test_any_value_is_of_a_kind_or_not(value):
    for kind in (Real(-1, 1), Real(0, 1, above=True, below=True)):
        found = kind.read(value)
        assert found is None or (isinstance(found, float) and kind.minimum <= found <= kind.maximum)
    found = Whole(0, 9).read(value)
    assert found is None or (type(found) is int and 0 <= found <= 9)
    found = Wholes(0, 9).read(value)
    assert found is None or all(type(one) is int and 0 <= one <= 9 for one in found)
    assert Choice(("a",)).read(value) in (None, "a")
