"""Transcripts that a configuration scores: those of its species, and further sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import InputError
from .plan_checks import check_known

if TYPE_CHECKING:
    from .configuration import Plan


@dataclass(frozen=True)
class TranscriptSet:
    """Transcripts that are scored.

    Attributes
    ----------
    name : str
        A species of the run, or a name under ``transcriptome.more``.
    tasks : tuple of str
        Tasks that they are scored for.
    kind : {"species", "genome", "fasta"}
        ``species``: the run's own; ``genome``: built from a genome and its annotation; ``fasta``: given as sequences.
    files : mapping of str to list of str
        ``genome``, ``annotation``, ``transcripts``: references as in the configuration.
    taxid : int
        NCBI taxon; 0 if not known.
    assembly : str
        ``""`` if not known.
    """

    name: str
    tasks: tuple[str, ...]
    kind: str
    files: Mapping[str, list[str]]
    taxid: int
    assembly: str

    @property
    def on_genome(self) -> bool:
        """Whether its sites can be written with genome coordinates."""
        return "annotation" in self.files and bool(self.taxid and self.assembly)


def transcript_sets(plan: Plan) -> dict[str, TranscriptSet]:
    """Sets of transcripts by name.

    Raises
    ------
    InputError
        If a set has the name of a species, names no task of the run, or lacks files.
    """
    scored = plan.config["transcriptome"].get("tasks", list(plan.tasks))
    check_known(scored, plan.tasks, "tasks", "transcriptome", "tasks")
    found = {
        species: TranscriptSet(
            species,
            tuple(task for task in plan.tasks_of_species(species) if task in scored),
            "species",
            plan.transcript_files(species),
            int(plan.species_sheet[species].taxid) if species in plan.species_sheet else 0,
            plan.assembly_of(species),
        )
        for species in plan.genomes()
    }
    for name, entry in plan.config["transcriptome"]["more"].items():
        if name in plan.species:
            raise InputError(
                "a set of transcripts has the name of a species",
                value=name,
                remedy="rename it",
                keys=("transcriptome", "more", name),
            )
        if entry["task"] not in plan.tasks:
            raise InputError(
                f"transcriptome.more.{name} names an unknown task",
                value=entry["task"],
                remedy=f"one of {', '.join(plan.tasks)}",
                keys=("transcriptome", "more", name, "task"),
            )
        files = {key: [entry[key]] for key in ("genome", "annotation", "transcripts") if key in entry}
        kind = "fasta" if "transcripts" in files else "genome"
        if (kind == "genome" and len(files) < 2) or (kind == "fasta" and "genome" in files):
            raise InputError(
                f"transcriptome.more.{name} needs transcripts, or genome and annotation",
                value=", ".join(files),
                remedy="see config/README.md",
                keys=("transcriptome", "more", name),
            )
        found[name] = TranscriptSet(
            name, (entry["task"],), kind, files, entry.get("taxid", 0), entry.get("assembly", "")
        )
    return found
