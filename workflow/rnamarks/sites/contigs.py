"""Names of chromosomes and contigs in annotations, site tables and genomes."""

from __future__ import annotations

import re
from collections.abc import Iterable


def canonical_chromosome(name: str) -> str:
    """A key under which UCSC, Ensembl and GenBank names of one sequence agree.

    >>> canonical_chromosome("chr1"), canonical_chromosome("chrM"), canonical_chromosome("MT")
    ('1', 'm', 'm')
    >>> canonical_chromosome("chr4_gl000193_random") == canonical_chromosome("GL000193.1")
    True
    """
    key = name.lower().removeprefix("chr")
    contig = re.fullmatch(r"(?:[0-9a-z]+_)?([a-z]{2}[0-9]{6})(?:[v.]([0-9]+))?(?:_(?:random|alt|fix|hap[0-9]+))?", key)
    if contig:
        return f"{contig[1]}.{contig[2] or 1}"
    return "m" if key in {"m", "mt", "mito", "mitochondrion"} else key


def match_contigs(names: Iterable[str], genome_names: Iterable[str]) -> dict[str, str]:
    """Pair names of chromosomes with those of a genome: as they are, else by :func:`canonical_chromosome`.

    Returns
    -------
    dict of str to str
        From the given name to the genome's; names that the genome lacks, or has twice, are left out.
    """
    exact = set(genome_names)
    by_key: dict[str, set[str]] = {}
    for name in exact:
        by_key.setdefault(canonical_chromosome(name), set()).add(name)
    pairs = {}
    for name in dict.fromkeys(names):
        same = by_key.get(canonical_chromosome(name), set())
        if name in exact:
            pairs[name] = name
        elif len(same) == 1:
            pairs[name] = next(iter(same))
    return pairs
