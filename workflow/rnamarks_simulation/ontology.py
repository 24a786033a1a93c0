"""A small gene ontology and who is annotated with what, in the published formats.

The three root terms bear their real numbers; all others are invented.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from rnamarks.files import write_text
from rnamarks.sites.species import Species

from .truth import standardise

NAMESPACES = {
    "molecular_function": ("GO:0003674", "F", "enables"),
    "biological_process": ("GO:0008150", "P", "involved_in"),
    "cellular_component": ("GO:0005575", "C", "located_in"),
}
"""Namespace to its root, its letter in a GAF and the qualifier of its annotations."""

_TREE: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {
    "molecular_function": {
        "binding": {
            "RNA binding": ("marked RNA binding", "hairpin RNA binding", "poly(U) RNA binding"),
            "DNA binding": ("looped DNA binding",),
            "metal binding": (),
            "lipid binding": (),
        },
        "catalysis": {"transfer activity": (), "cleavage activity": (), "isomer activity": (), "ligation activity": ()},
        "transport activity": {"channel activity": (), "carrier activity": ()},
        "structural activity": {"scaffold activity": (), "lens activity": ()},
    },
    "biological_process": {
        "metabolism": {"sugar metabolism": (), "lipid metabolism": (), "RNA metabolism": ("RNA decay", "RNA splicing")},
        "signalling": {"light response": (), "stress response": ("heat response", "salt response")},
        "development": {"limb development": (), "eye development": (), "root development": ()},
        "cell cycle": {"chromosome segregation": (), "cytoplasm division": ()},
    },
    "cellular_component": {
        "nucleus": {"nuclear speckle": (), "nuclear envelope": (), "nucleolus": ()},
        "cytoplasm": {"ribosome": (), "stress body": (), "vesicle": ("coated vesicle", "empty vesicle")},
        "membrane": {"outer membrane": (), "inner membrane": ()},
        "cell wall": {},
    },
}
_SECOND_PARENTS = {"RNA splicing": "cell cycle", "poly(U) RNA binding": "metal binding", "coated vesicle": "membrane"}
_PART_OF = {"nuclear speckle": "RNA splicing"}
PLANTED_NAME = "marked RNA binding"

TOP_FRACTION, TOP_CARRIERS, OTHER_CARRIERS = 0.2, 0.9, 0.03
"""The genes of highest capacity, as a fraction of a species' coding genes; how many of them and of the others carry the
planted term."""
UNANNOTATED = 0.06
"""Fraction of each species' coding genes without any annotation."""


@dataclass(frozen=True)
class Term:
    """One term: identifier, name, namespace, and the identifiers of its parents."""

    identifier: str
    name: str
    namespace: str
    parents: tuple[str, ...]


def terms() -> list[Term]:
    """The ontology's terms in the order of their numbers, roots first within a namespace, obsolete one left out."""
    parents: dict[str, tuple[str, str]] = {}
    identifiers: dict[str, str] = {}
    for number, (namespace, groups) in enumerate(_TREE.items(), 1):
        for group, children in groups.items():
            parents[group] = (namespace, namespace)
            for child, grandchildren in children.items():
                parents[child] = (namespace, group)
                parents.update(dict.fromkeys(grandchildren, (namespace, child)))
        own = [name for name, (space, _) in parents.items() if space == namespace]
        identifiers[namespace] = NAMESPACES[namespace][0]
        identifiers.update({name: f"GO:99{number}{index:04d}" for index, name in enumerate(own, 1)})
    made = []
    for namespace in _TREE:
        made.append(Term(identifiers[namespace], namespace, namespace, ()))
        for name, (space, parent) in parents.items():
            if space == namespace:
                both = [parent, *([_SECOND_PARENTS[name]] if name in _SECOND_PARENTS else [])]
                made.append(Term(identifiers[name], name, namespace, tuple(identifiers[one] for one in both)))
    return made


OBSOLETE = "GO:9999999"
ALTERNATIVE = "GO:9988888"


def planted_term() -> str:
    """Identifier of the molecular function planted on genes of high capacity."""
    return next(term.identifier for term in terms() if term.name == PLANTED_NAME)


def write_obo(path: str | Path) -> None:
    """OBO 1.2: every term, one obsolete, one alternative identifier (of the planted term), one ``part_of``."""
    every = terms()
    names = {term.identifier: term.name for term in every}
    numbers = {term.name: term.identifier for term in every}
    with write_text(path) as handle:
        handle.write("format-version: 1.2\ndata-version: simulated\nontology: go\n")
        for term in every:
            handle.write(f"\n[Term]\nid: {term.identifier}\nname: {term.name}\nnamespace: {term.namespace}\n")
            if term.name == PLANTED_NAME:
                handle.write(f"alt_id: {ALTERNATIVE}\n")
            handle.write(f'def: "Simulated: {term.name}." [SIM:0]\n')
            handle.writelines(f"is_a: {parent} ! {names[parent]}\n" for parent in term.parents)
            if term.name in _PART_OF:
                whole = _PART_OF[term.name]
                handle.write(f"relationship: part_of {numbers[whole]} ! {whole}\n")
        handle.write(f"\n[Term]\nid: {OBSOLETE}\nname: obsolete ether binding\nnamespace: molecular_function\n")
        handle.write('def: "OBSOLETE. Simulated." [SIM:0]\nis_obsolete: true\n')
        handle.write("\n[Typedef]\nid: part_of\nname: part of\nnamespace: external\nis_transitive: true\n")


def carriers(genes: pd.DataFrame, rng: np.random.Generator, *, null: bool) -> pd.Series:
    """Which genes carry the planted term.

    A gene's chance is :data:`TOP_CARRIERS` if the mean of its own capacity and that of its orthogroup (both in
    deviations of the species) is among the highest of its species, else :data:`OTHER_CARRIERS`. One random number
    per orthogroup decides, so orthologues share the term unless their capacities differ. In the null world the chance
    is the same for all, its mean.

    Parameters
    ----------
    genes : pandas.DataFrame
        Of :func:`~rnamarks_simulation.truth.gene_truth`.
    rng : numpy.random.Generator
    null : bool

    Returns
    -------
    pandas.Series of bool, index of ``genes``
        False for non-coding genes.
    """
    coding = genes[genes["biotype"] == "protein_coding"]
    own = coding.groupby("species")["capacity"].transform(standardise)
    both = own + own.groupby(coding["orthogroup"]).transform("mean")
    top = both.groupby(coding["species"]).rank(pct=True, ascending=False, method="first") <= TOP_FRACTION
    chance = np.where(top, TOP_CARRIERS, OTHER_CARRIERS)
    if null:
        chance = np.full(len(coding), chance.mean())
    groups = sorted(genes["orthogroup"].unique())
    number = coding["orthogroup"].map(dict(zip(groups, rng.random(len(groups)), strict=True)))
    return (number < chance).reindex(genes.index, fill_value=False)


def backgrounds(orthogroups: list[str], rng: np.random.Generator) -> dict[str, list[Term]]:
    """Terms that have nothing to do with methylation: two functions, two processes and a component per orthogroup."""
    every = [term for term in terms() if term.parents and term.name != PLANTED_NAME]
    pools = {namespace: [term for term in every if term.namespace == namespace] for namespace in NAMESPACES}
    counts = {"molecular_function": 2, "biological_process": 2, "cellular_component": 1}
    return {
        orthogroup: [
            pools[namespace][index]
            for namespace, count in counts.items()
            for index in np.sort(rng.choice(len(pools[namespace]), size=count, replace=False))
        ]
        for orthogroup in orthogroups
    }


def gaf_rows(
    genes: pd.DataFrame, species: Species, background: dict[str, list[Term]], rng: np.random.Generator
) -> tuple[list[str], dict[str, int]]:
    """Lines of a GAF, and how many traps of each kind they hold (``planted`` counts genes with the planted term).

    Traps: lines that the format forbids (cut short, without a gene, a malformed term, without a taxon), ``NOT``
    annotations with the planted term, annotations with the obsolete term, and of the planted term under its alternative
    number (these count as the planted term). ``unannotated`` counts coding genes that the file does not name.

    Parameters
    ----------
    genes : pandas.DataFrame
        Coding genes of one species, with ``planted_term``.
    species : Species
    background : dict of str to list of Term
    rng : numpy.random.Generator
    """
    planted = planted_term()
    silent = rng.random(len(genes)) < UNANNOTATED
    lines: list[str] = []
    traps = {"illegal": 0, "not": 0, "obsolete": 0, "alternative": 0, "unannotated": int(silent.sum()), "planted": 0}

    def line(gene: str, symbol: str, term: str, aspect: str, qualifier: str, *, taxon: bool = True) -> str:
        where = f"taxon:{species.taxid}" if taxon else ""
        fields = ["SIM", gene, symbol, qualifier, term, "SIM_REF:0000001", evidence(), "", aspect, "", "", "protein"]
        return "\t".join([*fields, where, "20240101", "SIM", "", ""]) + "\n"

    def evidence() -> str:
        return str(rng.choice(["IDA", "IEA", "ISS", "IMP"]))

    annotated = genes[~silent]
    for row in annotated.itertuples(index=False):
        chosen = list(background[row.orthogroup])
        lines += [line(row.gene, row.gene_name, term.identifier, *NAMESPACES[term.namespace][1:]) for term in chosen]
        if row.planted_term:
            traps["planted"] += 1
            other = rng.random() < 0.1
            traps["alternative"] += other
            lines.append(line(row.gene, row.gene_name, ALTERNATIVE if other else planted, "F", "enables"))
    free = annotated[~annotated["planted_term"]]
    for row in _some(free, 8, rng):
        traps["not"] += 1
        lines.append(line(row.gene, row.gene_name, planted, "F", "NOT|enables"))
    for row in _some(annotated, 3, rng):
        traps["obsolete"] += 1
        lines.append(line(row.gene, row.gene_name, OBSOLETE, "F", "enables"))
    broken = [
        lambda row: "\t".join(["SIM", row.gene, row.gene_name, "enables", planted, "SIM_REF:0000001", "IDA"]) + "\n",
        lambda row: line("", row.gene_name, planted, "F", "enables"),
        lambda row: line(row.gene, row.gene_name, "GO:12", "F", "enables"),
        lambda row: line(row.gene, row.gene_name, planted, "F", "enables", taxon=False),
    ]
    for make, row in zip(broken, _some(free, len(broken), rng), strict=False):
        traps["illegal"] += 1
        lines.insert(int(rng.integers(len(lines) + 1)), make(row))
    return lines, traps


def write_gaf(lines: list[str], path: str | Path) -> None:
    """GAF 2.2."""
    with write_text(path) as handle:
        handle.write("!gaf-version: 2.2\n!\n!Generated by a simulation: genes and annotations are invented\n!\n")
        handle.writelines(lines)


def _some(frame: pd.DataFrame, count: int, rng: np.random.Generator) -> Iterator:
    rows = np.sort(rng.choice(len(frame), size=min(count, len(frame)), replace=False))
    return frame.iloc[rows].itertuples(index=False)
