"""The species tree: distances along it and the order they give; the standard library alone."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InputError
from ..files import open_text

# quoted labels double a quote inside; anything in brackets is a comment
_TOKEN = re.compile(
    r"""(?P<skip>\s+|\[[^\]]*\])|'(?P<quoted>(?:[^']|'')*)'|(?P<mark>[(),:;])|(?P<label>[^\s()\[\]':;,]+)"""
)
_REMEDY = "write (a:1,b:1);"


@dataclass(eq=False)
class Clade:
    """A tip, or an inner node with all below it.

    Attributes
    ----------
    name : str
        ``""`` where there is none.
    length : float or None
        Of the branch that leads to it; None where the file gives none.
    children : list of Clade
        Empty for a tip.
    """

    name: str = ""
    length: float | None = None
    children: list[Clade] = field(default_factory=list)

    def walk(self) -> Iterator[Clade]:
        """Itself and all clades below it, each before its children."""
        waiting = [self]
        while waiting:
            clade = waiting.pop()
            yield clade
            waiting += reversed(clade.children)

    def tips(self) -> list[Clade]:
        """The tips below it, from left to right."""
        return [clade for clade in self.walk() if not clade.children]


def read_tree(path: str | Path) -> Clade:
    """Read one rooted tree in Newick format with a length, at least 0, on every branch below the root.

    Labels may be quoted with ``'``; text in brackets is a comment.

    Raises
    ------
    InputError
        If the file is missing, is no Newick tree, has unnamed or repeated tips, or lacks a branch length.
    """
    with open_text(path) as handle:
        text = handle.read()
    root = _parse(text, path)
    names: set[str] = set()
    for tip in root.tips():
        if not tip.name or tip.name in names:
            raise InputError(
                "a tip has no name, or one that another has", path=path, value=tip.name, remedy="name each tip"
            )
        names.add(tip.name)
    for clade in root.walk():
        if clade is not root and (clade.length is None or not math.isfinite(clade.length) or clade.length < 0):
            raise InputError(
                "a branch has no length, or a negative one",
                path=path,
                value=clade.name or "an inner branch",
                remedy="give every branch its length",
            )
    return root


def _parse(text: str, path: str | Path) -> Clade:
    root = clade = Clade()
    above: list[Clade] = []
    # what may come next: a new clade (open), its label, its length, or neither
    state, ended, at = "open", False, 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _error("a quote or bracket is not closed", path, text, at)
        start, at = at, found.end()
        mark, label = found["mark"], found["label"]
        if found["skip"] is not None:
            continue
        if found["quoted"] is not None:
            label = found["quoted"].replace("''", "'")
        if ended:
            raise _error("the file holds more than one tree", path, text, start)
        if mark == "(" and state == "open":
            above.append(clade)
            clade = _child(clade)
        elif mark == "," and above:
            clade, state = _child(above[-1]), "open"
        elif mark == ")" and above:
            clade, state = above.pop(), "label"
        elif mark == ":" and state in ("open", "label", "labelled"):
            state = "length"
        elif mark == ";" and not above:
            ended = True
        elif label is not None and state in ("open", "label"):
            clade.name, state = label, "labelled"
        elif label is not None and state == "length":
            try:
                clade.length = float(label)
            except ValueError:
                raise _error("not a Newick tree: a length is no number", path, text, start) from None
            state = "done"
        else:
            raise _error("not a Newick tree", path, text, start)
    if above or not (ended or root.children):
        raise _error("not a Newick tree: it ends too early", path, text, len(text))
    return root


def _child(parent: Clade) -> Clade:
    parent.children.append(Clade())
    return parent.children[-1]


def _error(what: str, path: str | Path, text: str, at: int) -> InputError:
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    return InputError(f"{what} (column {column})", path=path, line=line, value=text[at : at + 20], remedy=_REMEDY)


def distances(tree: Clade, species: Mapping[str, str] | Sequence[str]) -> dict[str, dict[str, float]]:
    """Path lengths between species, in the unit of the tree's branch lengths.

    With branch lengths in millions of years and all tips at the present, a path is twice the age of the split: human
    and mouse, which parted 87 million years ago, are 174 apart.

    Parameters
    ----------
    tree : Clade
    species : mapping of str to str, or sequence of str
        Short names and the tips they mean, or the tips alone.

    Returns
    -------
    dict of str to dict of str to float
        By short name twice, in the given order; symmetric, 0 from a species to itself.

    Raises
    ------
    InputError
        If a species is not in the tree.
    """
    parents = {id(child): clade for clade in tree.walk() for child in clade.children}
    paths = {}
    for name, tip in _tips(tree, species).items():
        paths[name] = {}
        while id(tip) in parents:
            paths[name][id(tip)] = tip.length
            tip = parents[id(tip)]
    return {
        first: {
            second: math.fsum(
                length
                for mine, theirs in ((paths[first], paths[second]), (paths[second], paths[first]))
                for clade, length in mine.items()
                if clade not in theirs
            )
            for second in paths
        }
        for first in paths
    }


def order_from(table: Mapping[str, Mapping[str, float]], first: str) -> list[str]:
    """Species by their distance from one of them, that one first; ties keep the order of the table.

    Parameters
    ----------
    table : mapping of str to mapping of str to float
        From :func:`distances`.
    first : str

    Raises
    ------
    InputError
        If ``first`` is not in the table.
    """
    if first not in table:
        raise InputError(
            "the species to start from is not among the chosen ones",
            value=first,
            remedy=f"start from one of {', '.join(table)}",
        )
    return [first, *sorted((name for name in table if name != first), key=table[first].__getitem__)]


def subtree(tree: Clade, species: Mapping[str, str] | Sequence[str]) -> Clade:
    """The last common ancestor of some species with only what leads to them.

    Returns
    -------
    Clade
        A copy: tips carry the short names, inner clades with a single child are merged into it (their lengths added),
        and the root has length 0.

    Raises
    ------
    InputError
        If a species is not in the tree.
    """
    names = {tip.name: name for name, tip in _tips(tree, species).items()}
    kept: dict[int, Clade] = {}
    # children come before their parents
    for clade in reversed(list(tree.walk())):
        children = [kept[id(child)] for child in clade.children if id(child) in kept]
        if len(children) == 1:
            children[0].length += clade.length or 0.0
            kept[id(clade)] = children[0]
        elif children or (not clade.children and clade.name in names):
            kept[id(clade)] = Clade(names.get(clade.name, "") if not children else "", clade.length or 0.0, children)
    root = kept[id(tree)]
    root.length = 0.0
    return root


def _tips(tree: Clade, species: Mapping[str, str] | Sequence[str]) -> dict[str, Clade]:
    wanted = dict(species) if isinstance(species, Mapping) else {name: name for name in species}
    known = {tip.name: tip for tip in tree.tips()}
    for name, tip in wanted.items():
        if tip not in known:
            shown = tip if tip == name else f"{name} ({tip})"
            raise InputError(
                "the species is not in the tree", value=shown, remedy=f"the tree has {', '.join(sorted(known))}"
            )
    return {name: known[tip] for name, tip in wanted.items()}
