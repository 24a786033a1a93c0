"""The species tree."""

from __future__ import annotations

from io import StringIO

import pytest
from Bio import Phylo
from hypothesis import given
from hypothesis import strategies as st

from rnamarks.errors import InputError
from rnamarks.sites.species import read_species
from rnamarks.training.tree import Clade, distances, order_from, read_tree, subtree


@pytest.fixture(scope="module")
def tip_names(repository):
    return {entry.species: entry.tree_name for entry in read_species(repository / "config" / "species.tsv")}


@pytest.fixture(scope="module")
def tree(repository):
    return read_tree(repository / "config" / "species.nwk")


def write(tmp_path, text):
    path = tmp_path / "tree.nwk"
    path.write_text(text)
    return path


def test_shipped_tree_gives_twice_the_age_of_each_split(tree, tip_names):
    table = distances(tree, tip_names)
    ages = {
        "chimp": 6.4,
        "macaque": 28.82,
        "mouse": 87.2,
        "rat": 87.2,
        "pig": 94.0,
        "zebrafish": 429,
        "fly": 694,
        "worm": 694,
        "yeast": 1275,
        "arabidopsis": 1530,
    }
    for name, age in ages.items():
        assert table["human"][name] == pytest.approx(2 * age)
    assert table["mouse"]["rat"] == pytest.approx(2 * 11.65)
    assert list(table) == list(table["rat"]) == list(tip_names)


def test_distances_are_a_metric_and_the_tree_is_ultrametric(tree, tip_names):
    table = distances(tree, tip_names)
    for i in table:
        assert table[i][i] == 0
        for j in table:
            assert table[i][j] == table[j][i]
            for k in table:
                first, second, third = sorted([table[i][j], table[j][k], table[i][k]])
                assert second == pytest.approx(third)
                assert first <= second + 1e-9


def test_order_starts_from_the_asked_species_and_ties_keep_the_given_order(tree, tip_names):
    table = distances(tree, tip_names)
    assert order_from(table, "human") == list(tip_names)
    assert order_from(table, "rat")[:3] == ["rat", "mouse", "human"]
    some = {name: tip_names[name] for name in ("pig", "rat", "mouse")}
    assert order_from(distances(tree, some), "pig") == ["pig", "rat", "mouse"]
    with pytest.raises(InputError, match="start from one of human"):
        order_from(table, "dog")


def test_a_species_that_the_tree_lacks_is_named(tree):
    with pytest.raises(InputError, match=r"dog \(Canis_lupus\).*Homo_sapiens"):
        distances(tree, {"dog": "Canis_lupus"})
    with pytest.raises(InputError, match="Canis_lupus"):
        subtree(tree, ["Canis_lupus"])


@given(st.sets(st.integers(0, 7), min_size=1))
def test_a_subtree_keeps_all_distances(tree, chosen):
    tips = [tip.name for tip in tree.tips()]
    names = {f"s{number}": tips[number] for number in sorted(chosen)}
    root = subtree(tree, names)
    assert root.length == 0
    assert sorted(tip.name for tip in root.tips()) == sorted(names)
    assert all(len(clade.children) != 1 for clade in root.walk())
    expected = distances(tree, names)
    found = distances(root, list(names))
    for first in names:
        assert found[first] == pytest.approx({second: expected[first][second] for second in names})


def newick(clade: Clade) -> str:
    inside = f"({','.join(map(newick, clade.children))})" if clade.children else ""
    return f"{inside}{clade.name}:{clade.length!r}"


_LENGTHS = st.floats(0, 1e6, allow_nan=False)
_TREES = st.recursive(
    st.builds(Clade, st.just(""), _LENGTHS, st.builds(list)),
    lambda inner: st.builds(Clade, st.just(""), _LENGTHS, st.lists(inner, min_size=1, max_size=4)),
    max_leaves=15,
)


@given(_TREES)
def test_any_tree_is_read_as_biopython_reads_it(tmp_path_factory, made):
    for number, tip in enumerate(made.tips()):
        tip.name = f"tip_{number}.x"
    text = newick(made) + ";"
    path = tmp_path_factory.mktemp("trees") / "tree.nwk"
    path.write_text(text)
    ours, theirs = read_tree(path), Phylo.read(StringIO(text), "newick")
    assert [clade.name for clade in ours.tips()] == [clade.name for clade in theirs.get_terminals()]
    names = [tip.name for tip in ours.tips()]
    table = distances(ours, names)
    for first in names:
        for second in names:
            assert table[first][second] == pytest.approx(theirs.distance(first, second))


def test_quotes_comments_and_line_ends(tmp_path):
    text = "(\n 'Homo sapiens':1.5[human],\n[a, (note)] 'it''s':2e-1 , (plain_name : 3, c:1)inner:0.5\n) root;\n"
    tree = read_tree(write(tmp_path, text))
    assert [(tip.name, tip.length) for tip in tree.tips()] == [
        ("Homo sapiens", 1.5),
        ("it's", 0.2),
        ("plain_name", 3),
        ("c", 1),
    ]
    assert [clade.name for clade in tree.walk() if clade.children] == ["root", "inner"]


def test_deep_trees_are_read(tmp_path):
    depth = 5000
    tree = read_tree(write(tmp_path, "(" * depth + "a:1" + "".join(f",t{i}:1):1" for i in range(depth)) + ";"))
    assert len(tree.tips()) == depth + 1
    assert distances(tree, ["a", f"t{depth - 1}"])["a"][f"t{depth - 1}"] == depth + 1
    assert len(subtree(tree, ["a", "t4999"]).children) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("((a:1,b:1", "ends too early"),
        ("(a:1,b:1);\n(a:1,b:1);", r"tree.nwk:2: the file holds more than one tree"),
        ("(a:1,a:1);", "no name, or one that another has"),
        ("(a:1,:1);", "no name, or one that another has"),
        ("(a:1,b);", "no length"),
        ("(a:1,b:-1);", "negative"),
        ("(a:1,b:x);", r"a length is no number \(column 8\)"),
        ("(a:1,b:inf);", "no length"),
        ("(a:1\n,b b:1);", r"tree.nwk:2: not a Newick tree \(column 4\)"),
        ("(a:1,'b:1);", "a quote or bracket is not closed"),
        ("(a:1,b:1));", "not a Newick tree"),
        ("a:1,b:1;", "not a Newick tree"),
        ("", "ends too early"),
        (";", "no name"),
    ],
)
def test_bad_tree_files_are_refused(tmp_path, text, says):
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=says) as caught:
        read_tree(path)
    assert str(path) in str(caught.value)
