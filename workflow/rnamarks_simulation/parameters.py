"""What a simulated world is like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

from rnamarks.errors import InputError, at_keys

from .files import EXPERIMENTS, extra_modifications


class Parameters:
    """Base of dataclasses of parameters, checked where they come from a configuration.

    Attributes
    ----------
    idle : tuple of str
        Of a kind of world: parameters that have no meaning in it.
    """

    idle: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, tuple) and not 0 < value[0] <= value[1]:
                raise InputError(
                    f"{field.name} is no span",
                    value=value,
                    remedy="give the smallest and the largest",
                    keys=(field.name,),
                )

    @classmethod
    def from_mapping(cls, given: Mapping[str, object]) -> Self:
        """Parameters from a configuration; what is not given keeps its default.

        Raises
        ------
        InputError
            If a key is unknown, a value is of the wrong kind, or values do not fit together.
        """
        known = {field.name: field.default for field in fields(cls) if field.name not in cls.idle}  # type: ignore[arg-type]
        cleaned = {}
        for key, value in given.items():
            if key not in known:
                what = "this world has one genome that does not evolve" if key in cls.idle else ""
                raise InputError(
                    what or "the simulation has no such parameter",
                    value=key,
                    remedy=f"choose from {', '.join(sorted(known))}",
                    keys=(key,),
                )
            cleaned[key] = _like(known[key], value, key)
        return cls(**cleaned)


@dataclass(frozen=True)
class WorldParameters(Parameters):
    """What the world is like. Spans are closed; rates are per million years; lengths are nucleotides.

    Attributes
    ----------
    genes, chromosomes : int
    exons, utr5, codons, utr3, intron, spacer : (int, int)
        Smallest and largest number or length per gene.
    isoform_fraction, noncoding_fraction : float
        Genes with a second isoform; genes without coding sequence.
    substitution_rate : float
        Per free site.
    kappa, omega : float
        Transitions over transversions; chance that a changed amino acid stays.
    indel_rate : float
        Per place where an insertion or deletion can be.
    inversion_rate : float
        Per genome.
    loss_rate, duplication_rate : float
        Per gene.
    prevalence : float
        Fraction of DRACH that is methylated, in every species.
    letters_weight, upstream_weight, downstream_weight, stop_weight : float
        Weights of the standardised terms of the rule.
    clade_weight, clade_memory : float
        Stationary deviation of the weights that differ between species, and the time in which they change.
    hidden_memory : float
        Time in which the unseen part of methylation, which close species share, changes.
    reported_fraction, second_lab_fraction : float
        Of the methylated sites of the species with two tables, the shares in the first and the second one.
    traps : int
        Rows of each kind that a reader has to drop, per table.
    chr_prefix : bool
        Whether annotation names chromosomes as the genome does (chr1) or as Ensembl does (1).
    """

    genes: int = 120
    chromosomes: int = 3
    exons: tuple[int, int] = (2, 5)
    utr5: tuple[int, int] = (80, 250)
    codons: tuple[int, int] = (300, 600)
    utr3: tuple[int, int] = (600, 1600)
    intron: tuple[int, int] = (120, 600)
    spacer: tuple[int, int] = (300, 1200)
    isoform_fraction: float = 0.3
    noncoding_fraction: float = 0.04
    substitution_rate: float = 0.0022
    kappa: float = 4.0
    omega: float = 0.1
    indel_rate: float = 0.003
    inversion_rate: float = 0.03
    loss_rate: float = 1e-4
    duplication_rate: float = 1e-4
    prevalence: float = 0.075
    letters_weight: float = 0.9
    upstream_weight: float = 1.05
    downstream_weight: float = 1.05
    stop_weight: float = 0.45
    clade_weight: float = 0.7
    clade_memory: float = 500.0
    hidden_memory: float = 60.0
    reported_fraction: float = 0.85
    second_lab_fraction: float = 0.6
    traps: int = 3
    chr_prefix: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        checks = {
            "genes": self.genes >= 2 * self.chromosomes,
            "chromosomes": self.chromosomes >= 1,
            "codons": self.codons[0] >= 60 * self.exons[1],
            "utr5": self.utr5[0] >= 30,
            "utr3": self.utr3[0] >= 60,
            "intron": self.intron[0] >= 40,
            "prevalence": 0 < self.prevalence < 0.5,
            "omega": 0 <= self.omega <= 1,
        }
        for name, good in checks.items():
            if not good:
                raise InputError(
                    f"the simulated world cannot have this {name}",
                    value=getattr(self, name),
                    remedy="see the demo world's page for what fits together",
                    keys=(name,),
                )


@dataclass(frozen=True)
class OrganismParameters(WorldParameters):
    """What the world is like. Genes as in :class:`WorldParameters`.

    Attributes
    ----------
    site_factor : float
        Multiplies the number of sites of every modification.
    sensitivity : float
        Fraction of the modified bases that an experiment sees.
    false_fraction : float
        Unmodified bases that an experiment reports, as a fraction of the modified ones that it sees.
    """

    idle: ClassVar[tuple[str, ...]] = (
        *("substitution_rate", "kappa", "omega", "indel_rate", "inversion_rate", "loss_rate", "duplication_rate"),
        *("prevalence", "letters_weight", "upstream_weight", "downstream_weight", "stop_weight"),
        *("clade_weight", "clade_memory", "hidden_memory", "reported_fraction", "second_lab_fraction"),
    )

    genes: int = 560
    chromosomes: int = 4
    site_factor: float = 1.0
    sensitivity: float = 0.7
    false_fraction: float = 0.04

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, good in {
            "site_factor": 0 < self.site_factor <= 3,
            "sensitivity": 0 < self.sensitivity <= 1,
            "false_fraction": 0 <= self.false_fraction <= 1,
        }.items():
            if not good:
                raise InputError(
                    f"the simulated world cannot have this {name}",
                    value=getattr(self, name),
                    remedy="give a fraction from 0 to 1, or a factor up to 3",
                    keys=(name,),
                )


@dataclass(frozen=True)
class MixedParameters(OrganismParameters):
    """Parameters of a clade with further modifications beside m6A; all of both."""

    idle: ClassVar[tuple[str, ...]] = ()

    genes: int = 120
    chromosomes: int = 3


@dataclass(frozen=True)
class FamilyParameters(Parameters):
    """What a world of RNA families is like. Spans are closed; lengths are nucleotides.

    Attributes
    ----------
    families, judged, unseen : int
        Families that a language model learns from, that it is only judged on, and that occur among structures alone.
    members, seeds : int
        RNA per family to learn from, and how many of them are in its alignment.
    structures : int
        RNA per family whose structure is published.
    subfamilies : int
        Branches of each family; splits of structures keep them together.
    hairpins : int
        Most hairpins of a family.
    stem, loop : (int, int)
        Pairs of a stem, nucleotides of a hairpin's loop.
    conserved : float
        Fraction of the columns that hardly change.
    indels : int
        Columns of a family that a member may lack.
    unrelated : int
        RNA of no family in the corpus, of four lengths within ``unrelated_length``.
    unrelated_length : (int, int)
    transcripts : int
        Unspliced transcripts in the corpus.
    utrs, donors : int
        Examples of ribosome loads, and of donor sites and decoys.
    noise : float
        Standard deviation of the measured load of a UTR with few reads.
    """

    families: int = 6
    judged: int = 2
    unseen: int = 3
    members: int = 300
    seeds: int = 40
    structures: int = 30
    subfamilies: int = 10
    hairpins: int = 3
    stem: tuple[int, int] = (4, 7)
    loop: tuple[int, int] = (4, 8)
    conserved: float = 0.5
    unrelated: int = 100
    indels: int = 2
    unrelated_length: tuple[int, int] = (40, 120)
    transcripts: int = 100
    utrs: int = 1500
    donors: int = 1200
    noise: float = 0.6

    def __post_init__(self) -> None:
        super().__post_init__()
        checks = {
            "families": self.families >= 1,
            "subfamilies": self.subfamilies >= 3,
            "structures": self.structures >= self.subfamilies,
            # a quarter of them is what a family has that is only judged on
            "members": self.members >= 4 or not self.judged,
            "seeds": 1 <= self.seeds <= self.members,
            "hairpins": self.hairpins >= 1,
            "stem": self.stem[0] >= 3,
            "loop": self.loop[0] >= 3,
            "conserved": 0 <= self.conserved < 1,
            "donors": self.donors >= 40,
            "utrs": self.utrs >= 40,
        }
        for name, good in checks.items():
            if not good:
                raise InputError(
                    f"the simulated families cannot have this {name}",
                    value=getattr(self, name),
                    remedy="see the demo world's page for what fits together",
                    keys=(name,),
                )


def parameters_for(
    kind: str, modifications: Sequence[str], sizes: Mapping[str, object]
) -> WorldParameters | FamilyParameters:
    """Parameters of a world of a ``kind``, ``clade``, ``organism`` or ``families``, from a configuration.

    Raises
    ------
    InputError
        As :meth:`Parameters.from_mapping`.
    """
    if kind == "families":
        return FamilyParameters.from_mapping(sizes)
    chosen = OrganismParameters if kind == "organism" else MixedParameters if modifications else WorldParameters
    return chosen.from_mapping(sizes)


def check_world(section: Mapping[str, Any], species: Sequence[str]) -> None:
    """Raise :class:`InputError`, with the keys, unless the section ``simulation`` of a configuration can be simulated.

    Parameters
    ----------
    section : mapping
    species : sequence of str
        All species of the configuration.
    """
    kind, modifications = section["kind"], section["modifications"]
    if kind == "organism" and len(species) != 1:
        raise InputError(
            "a world of the kind organism has one species",
            value=", ".join(species),
            remedy="name one under species, or simulate a clade",
            keys=("simulation", "kind"),
        )
    if kind == "families" and (species or modifications or section.get("second_lab")):
        raise InputError(
            "a world of the kind families has no species",
            value=", ".join([*species, *modifications]) or section["second_lab"],
            remedy="leave species and modifications out, or simulate a clade",
            keys=("simulation", "kind"),
        )
    if kind == "clade" and not species:
        raise InputError(
            "a world of the kind clade needs species", remedy="name some under species", keys=("simulation", "kind")
        )
    known = {"m6A": 1} | EXPERIMENTS
    for at, name in enumerate(modifications):
        if name not in known:
            raise InputError(
                "the simulation knows no such modification",
                value=name,
                remedy=f"choose from {', '.join(known)}",
                keys=("simulation", "modifications", at),
            )
    if section.get("second_lab") and section["second_lab"] not in species:
        raise InputError(
            "simulation names an unknown species",
            value=section["second_lab"],
            remedy=f"choose one of {', '.join(species)}",
            keys=("simulation", "second_lab"),
        )
    with at_keys("simulation", "sizes"):
        parameters_for(kind, extra_modifications(modifications), section["sizes"])


def _like(default: object, value: object, key: str) -> object:
    """A configured value in the type of the default, or an error that names what is wanted."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(default, bool):
        good, wanted = isinstance(value, bool), "true or false"
    elif isinstance(default, int):
        good, wanted = number and value == int(value) and value >= 0, "a whole number, at least 0"
    elif isinstance(default, float):
        good, wanted = number and value >= 0, "a number, at least 0"
    else:
        good = isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(end, int) for end in value)
        wanted = "two whole numbers, as in [2, 5]"
    if not good:
        raise InputError(f"the simulation cannot use this {key}", value=value, remedy=f"give {wanted}", keys=(key,))
    return type(default)(value)
