"""The species tree: distances along it and the order they give."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

import pandas as pd
from Bio import Phylo
from Bio.Phylo.BaseTree import Clade, Tree
from Bio.Phylo.NewickIO import NewickError

from ..errors import InputError
from ..files import open_text


def read_tree(path: str | Path) -> Tree:
    """Read one rooted tree in Newick format with a length, at least 0, on every branch below the root.

    Raises
    ------
    InputError
        If the file is missing, is no Newick tree, has unnamed or repeated tips, or lacks a branch length.
    """
    with open_text(path) as handle:
        text = handle.read()
    try:
        trees = list(Phylo.parse(StringIO(text), "newick"))
    except (NewickError, ValueError) as error:
        raise InputError("not a Newick tree", path=path, value=text.strip(), remedy="write (a:1,b:1);") from error
    if len(trees) != 1 or not text.strip():
        raise InputError(f"the file holds {len(trees)} trees", path=path, remedy="give one Newick tree")
    tree = trees[0]
    names = [tip.name for tip in tree.get_terminals()]
    for index, name in enumerate(names):
        if not name or name in names[:index]:
            raise InputError(
                "a tip has no name, or one that another has", path=path, value=name, remedy="name each tip"
            )
    for clade in tree.find_clades():
        if clade is tree.root:
            continue
        length = clade.branch_length
        if length is None or not math.isfinite(length) or length < 0:
            raise InputError(
                "a branch has no length, or a negative one",
                path=path,
                value=clade.name or "an inner branch",
                remedy="give every branch its length",
            )
    return tree


def distances(tree: Tree, species: Mapping[str, str] | Sequence[str]) -> pd.DataFrame:
    """Path lengths between species, in the unit of the tree's branch lengths.

    With branch lengths in millions of years and all tips at the present, a path is twice the age of the split: human
    and mouse, which parted 87 million years ago, are 174 apart.

    Parameters
    ----------
    tree : Bio.Phylo.BaseTree.Tree
    species : mapping of str to str, or sequence of str
        Short names and the tips they stand for, or the tips alone.

    Returns
    -------
    pandas.DataFrame, shape=(n_species, n_species)
        Symmetric, zeros on the diagonal, rows and columns by short name in the given order.

    Raises
    ------
    InputError
        If a species is not in the tree.
    """
    tips = _tips(tree, species)
    paths = {name: _path(tree, tip) for name, tip in tips.items()}
    frame = pd.DataFrame(0.0, index=list(tips), columns=list(tips))
    for first in tips:
        for second in tips:
            shared = {id(clade) for clade in paths[first]} & {id(clade) for clade in paths[second]}
            apart = [clade for clade in paths[first] + paths[second] if id(clade) not in shared]
            frame.loc[first, second] = math.fsum(clade.branch_length for clade in apart)
    return frame


def order_from(table: pd.DataFrame, first: str) -> list[str]:
    """Species by their distance from one of them, that one first; ties keep the order of the table.

    Parameters
    ----------
    table : pandas.DataFrame, shape=(n_species, n_species)
        From :func:`distances`.
    first : str

    Raises
    ------
    InputError
        If ``first`` is not in the table.
    """
    if first not in table.index:
        raise InputError(
            "the species to start from is not among the chosen ones",
            value=first,
            remedy=f"start from one of {', '.join(table.index)}",
        )
    others = table.loc[first].drop(first)
    return [first, *others.sort_values(kind="stable").index]


def subtree(tree: Tree, species: Mapping[str, str] | Sequence[str]) -> Clade:
    """The last common ancestor of some species with only what leads to them.

    Returns
    -------
    Bio.Phylo.BaseTree.Clade
        A copy: tips carry the short names, inner clades with a single child are merged into it (their lengths added),
        and the root has length 0.

    Raises
    ------
    InputError
        If a species is not in the tree.
    """
    tips = _tips(tree, species)
    names = {tip.name: name for name, tip in tips.items()}
    root = _prune(tree.root, names)
    assert root is not None
    root.branch_length = 0.0
    return root


def _prune(clade: Clade, names: Mapping[str, str]) -> Clade | None:
    length = clade.branch_length or 0.0
    if clade.is_terminal():
        return Clade(length, names[clade.name]) if clade.name in names else None
    children = [kept for kept in (_prune(child, names) for child in clade.clades) if kept is not None]
    if len(children) == 1:
        children[0].branch_length += length
        return children[0]
    return Clade(length, clades=children) if children else None


def _tips(tree: Tree, species: Mapping[str, str] | Sequence[str]) -> dict[str, Clade]:
    wanted = dict(species) if isinstance(species, Mapping) else {name: name for name in species}
    known = {tip.name: tip for tip in tree.get_terminals()}
    for name, tip in wanted.items():
        if tip not in known:
            shown = tip if tip == name else f"{name} ({tip})"
            raise InputError(
                "the species is not in the tree", value=shown, remedy=f"the tree has {', '.join(sorted(known))}"
            )
    return {name: known[tip] for name, tip in wanted.items()}


def _path(tree: Tree, tip: Clade) -> list[Clade]:
    # get_path leaves out the root and is empty for it
    return list(tree.get_path(tip) or [])
