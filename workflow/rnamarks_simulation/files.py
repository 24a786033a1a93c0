"""Which files a simulated world consists of, known before anything is made; needs the standard library alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SPECIES_FILES = ("genome.fa.gz", "annotation.gtf.gz", "rmbase.tsv.gz", "cisbp_rna.meme.gz", "gaf.gz")
"""Written for every species of a clade, as ``{species}.NAME``."""
ROOT_FILES = ("expression.tsv.gz", "half_life.tsv.gz", "translation.txt.gz", "pars.tsv.gz", "h3k36me3.narrowPeak.gz")
"""Written for the root species of a clade alone, as ``{species}.NAME``."""
WORLD_FILES = ("orthologues.tsv", "truth.parquet", "go.obo", "literature.tsv", "truth_genes.parquet")
SECOND_LAB = "miclip.bed.gz"
TRUTH_FILES = ("sites.parquet", "modifications.tsv", "motifs.tsv", "pairs.tsv", "motifs.meme")
"""What was planted for modifications other than the m6A of a clade, in the folder ``truth``."""


@dataclass(frozen=True)
class Table:
    """A published table of sites.

    Attributes
    ----------
    file : str
        Name after the species'.
    format : str
        Reader of site tables that knows it.
    name : str
        Name of the source.
    modifications : tuple of str
        The modifications that it holds.
    experiments : tuple of int
        Which of a modification's experiments it reports; several in a database that counts them.
    """

    file: str
    format: str
    name: str
    modifications: tuple[str, ...]
    experiments: tuple[int, ...]


def _beds(modification: str, form: str, names: Sequence[str], first: int = 0) -> list[Table]:
    return [
        Table(f"{name}.{modification}.bed.gz", form, name, (modification,), (number,))
        for number, name in enumerate(names, first)
    ]


_METHYLATED_RIBOSES = ("Am", "Cm", "Gm", "Um")

TABLES = (
    *_beds("m6A", "geo_bed", ("m6a_clip", "miclip_cims", "miclip_cits")),
    Table("radar.I.tsv.gz", "radar", "radar", ("I",), (0,)),
    Table("rediportal.I.tsv.gz", "redi", "rediportal", ("I",), (1,)),
    *_beds("m1A", "bed", ("m1a_map", "miclip", "rbs_seq")),
    *_beds("m5C", "bed", ("bs_seq",)),
    *_beds("Y", "bed", ("pseudo_seq", "ceu_seq", "rbs_seq")),
    *_beds("m6Am", "geo_bed", ("miclip_a", "miclip_b")),
    *_beds("m5U", "bed", ("miclip", "ficc_seq")),
    *_beds("m7G", "bed", ("m7g_seq",)),
    Table("rmbase_nm.tsv.gz", "rmbase_v2", "rmbase", _METHYLATED_RIBOSES, (0, 1)),
    *(table for name in _METHYLATED_RIBOSES for table in _beds(name, "bed", ("nm_seq",), first=2)),
)
"""Every table of the twelve modifications, in the manner of those that MultiRM was made from."""

FAMILY_FILES = (
    *("seeds.sto.gz", "family_assignments.tsv.gz", "rna.fa.gz", "transcripts.fa.gz"),
    *("structures.csv.gz", "folds.csv.gz", "classes_train.fa.gz", "classes_test.fa.gz"),
    *("utrs.csv.gz", "donors_train.jsonl.gz", "donors_test.jsonl.gz"),
    *("truth/families.parquet", "truth/utrs.parquet"),
)
"""Of a world of RNA families."""

EXPERIMENTS = {
    name: 1 + max(number for table in TABLES if name in table.modifications for number in table.experiments)
    for name in dict.fromkeys(name for table in TABLES for name in table.modifications)
}
"""How many experiments look for each modification."""


def tables_of(*modifications: str) -> list[Table]:
    """The tables that hold any of some modifications; all tables without one."""
    wanted = set(modifications or EXPERIMENTS)
    return [table for table in TABLES if wanted & set(table.modifications)]


def extra_modifications(modifications: Sequence[str]) -> list[str]:
    """Those that a clade has beside its m6A."""
    return [name for name in modifications if name != "m6A"]


def files_of(
    kind: str, species: Sequence[str], *, root: str = "", second_lab: str = "", modifications: Sequence[str] = ()
) -> list[str]:
    """Files of a world, by their names below its folder.

    Parameters
    ----------
    kind : {"clade", "organism", "families"}
        ``clade``: genomes that evolve along the species tree, with m6A in DRACH. ``organism``: one genome with twelve
        modifications. ``families``: families of RNA, for language models; it has no species.
    species : sequence of str
    root : str
        Species of a clade whose genes are measured; the first by default.
    second_lab : str
        Species of a clade with a second table of m6A.
    modifications : sequence of str
        Modifications of a clade; those beside m6A are planted in every species.

    Returns
    -------
    list of str
        The first lies in the world's folder itself.
    """
    if kind == "organism":
        (organism,) = species
        names = ["genome.fa.gz", "annotation.gtf.gz", *(table.file for table in TABLES), "cisbp_rna.meme.gz"]
        return [*(f"{organism}.{name}" for name in names), *(f"truth/{name}" for name in TRUTH_FILES)]
    if kind == "families":
        return list(FAMILY_FILES)
    if kind != "clade":
        raise ValueError(f"no kind of world: {kind}")
    more = extra_modifications(modifications)
    tables = [table.file for table in tables_of(*more)] if more else []
    return [
        *(f"{one}.{name}" for one in species for name in (*SPECIES_FILES, *tables)),
        *([f"{second_lab}.{SECOND_LAB}"] if second_lab else []),
        *(f"{root or species[0]}.{name}" for name in ROOT_FILES),
        *WORLD_FILES,
        *(f"truth/{name}" for name in TRUTH_FILES if more),
    ]
