"""Splice sites from fragments of exon, intron and exon."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..errors import InputError
from ..files import open_text
from .formats import EXAMPLE_FORMATS, Count, Files, Published
from .rows import AGAIN, site_role

FLANK = 40
"""Default of nt on either side of the border of exon and intron."""
_NUCLEOTIDES = re.compile(r"[A-Z]+")


class Fragment(NamedTuple):
    """Exon, intron and exon as RNA; ``line`` from 1."""

    exon: str
    intron: str
    next_exon: str
    gene: str
    line: int


def read_fragments(path: str | Path) -> Iterator[Fragment]:
    """Lines of exon, intron, exon, number of reads and gene, parted by blanks.

    Raises
    ------
    InputError
        If a line has other than five fields, or letters that are none.
    """
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            words = line.split()
            if not words:
                continue
            parts = [word.upper().replace("T", "U") for word in words[:3]]
            if len(words) != 5 or not all(map(_NUCLEOTIDES.fullmatch, parts)):
                raise InputError(
                    "not a line of exon, intron, exon, count and gene",
                    path=path,
                    line=number,
                    value=line.strip(),
                    remedy=AGAIN,
                )
            yield Fragment(*parts, words[4], number)


@EXAMPLE_FORMATS.add("eie")
def read_splice_fragments(files: Files, entry: Mapping[str, Any], count: Count, seed: int) -> Published:
    """Windows around splice sites (label 1) and around GU or AG elsewhere in the same fragments (label 0).

    The role is ``donor`` or ``acceptor`` and says which site; ``flank`` of the entry is the nt on either side of the
    border of exon and intron, which lies in the middle of the window. A window of a donor has GU right of its middle
    and one of an acceptor AG left of it, in both classes. Each fragment gives its site and one other place drawn at
    random, if it has one; a place that is a site in another fragment is none. The family is the gene, which a guarded
    fold keeps together.
    """
    site, paths = site_role(files)
    flank = int(entry.get("flank") or FLANK)
    random = np.random.default_rng([seed, 83])
    sites: list[tuple[str, str, str]] = []
    others: list[tuple[str, str, str]] = []
    cut = 0
    for index, path in enumerate(paths, 1):
        for one in read_fragments(path):
            text = one.exon + one.intron + one.next_exon
            border = len(one.exon) + (0 if site == "donor" else len(one.intron))
            if not flank <= border <= len(text) - flank:
                cut += 1
                continue
            name = f"{site}_{index}_{one.line}"
            sites.append((name, text[border - flank : border + flank], one.gene))
            places = [at for at in _places(text, site) if flank <= at <= len(text) - flank and at != border]
            if places:
                at = places[random.integers(len(places))]
                others.append((f"other_{index}_{one.line}", text[at - flank : at + flank], one.gene))
    count("exons or intron are shorter than the flank", cut)
    known = {window for _, window, _ in sites}
    kept = [other for other in others if other[1] not in known]
    count("the other place is a site in another fragment", len(others) - len(kept))
    rows = pd.DataFrame(
        [(*row, "", "1") for row in sites] + [(*row, "", "0") for row in kept],
        columns=["example", "sequence", "family", "part", "label"],
    )
    return Published(rows, whole=True)


def _places(text: str, site: str) -> list[int]:
    """Where a border could be by its two letters: right of it GU, or left of it AG."""
    if site == "donor":
        return [found.start() for found in re.finditer("GU", text)]
    return [found.end() for found in re.finditer("AG", text)]
