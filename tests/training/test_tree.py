"""The species tree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnamarks.errors import InputError
from rnamarks.sites.species import read_species
from rnamarks.training.tree import distances, order_from, read_tree, subtree


@pytest.fixture(scope="module")
def register(repository):
    return {entry.species: entry.tree_name for entry in read_species(repository / "config" / "species.tsv")}


@pytest.fixture(scope="module")
def tree(repository):
    return read_tree(repository / "config" / "species.nwk")


def write(tmp_path, text):
    path = tmp_path / "tree.nwk"
    path.write_text(text)
    return path


def test_shipped_tree_gives_twice_the_age_of_each_split(tree, register):
    table = distances(tree, register)
    ages = {
        "chimp": 6.4,
        "macaque": 28.82,
        "mouse": 87.2,
        "rat": 87.2,
        "pig": 94.0,
        "zebrafish": 429,
        "arabidopsis": 1530,
    }
    for name, age in ages.items():
        assert table.loc["human", name] == pytest.approx(2 * age)
    assert table.loc["mouse", "rat"] == pytest.approx(2 * 11.65)
    assert list(table.columns) == list(table.index) == list(register)


def test_distances_are_a_metric_and_the_tree_is_ultrametric(tree, register):
    values = distances(tree, register).to_numpy()
    assert np.array_equal(values, values.T)
    assert np.all(np.diag(values) == 0)
    for i, j, k in np.ndindex(values.shape[0], values.shape[0], values.shape[0]):
        first, second, third = sorted([values[i, j], values[j, k], values[i, k]])
        assert second == pytest.approx(third)
        assert first <= second + 1e-9


def test_order_starts_from_the_asked_species_and_ties_keep_the_given_order(tree, register):
    table = distances(tree, register)
    assert order_from(table, "human") == list(register)
    assert order_from(table, "rat")[:3] == ["rat", "mouse", "human"]
    assert order_from(table.loc[["pig", "rat", "mouse"], ["pig", "rat", "mouse"]], "pig") == ["pig", "rat", "mouse"]
    with pytest.raises(InputError, match="start from one of human"):
        order_from(table, "dog")


def test_a_species_that_the_tree_lacks_is_named(tree):
    with pytest.raises(InputError, match=r"dog \(Canis_lupus\).*Homo_sapiens"):
        distances(tree, {"dog": "Canis_lupus"})
    with pytest.raises(InputError, match="Canis_lupus"):
        subtree(tree, ["Canis_lupus"])


@given(st.sets(st.integers(0, 7), min_size=1))
def test_a_subtree_keeps_all_distances(repository, chosen):
    tree = read_tree(repository / "config" / "species.nwk")
    tips = [tip.name for tip in tree.get_terminals()]
    names = {f"s{number}": tips[number] for number in sorted(chosen)}
    root = subtree(tree, names)
    assert root.branch_length == 0
    assert sorted(tip.name for tip in root.get_terminals()) == sorted(names)
    assert all(len(clade.clades) != 1 for clade in root.find_clades())
    expected = distances(tree, names)
    for first in names:
        for second in names:
            assert root.distance(first, second) == pytest.approx(expected.loc[first, second])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("((a:1,b:1", "not a Newick tree"),
        ("(a:1,b:1);\n(a:1,b:1);", "2 trees"),
        ("(a:1,a:1);", "no name, or one that another has"),
        ("(a:1,:1);", "no name, or one that another has"),
        ("(a:1,b);", "no length"),
        ("(a:1,b:-1);", "negative"),
        ("", "trees"),
    ],
)
def test_bad_tree_files_are_refused(tmp_path, text, says):
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=says) as caught:
        read_tree(path)
    assert str(path) in str(caught.value)
