"""The files of a run: those that its configuration names, and those that it asks for."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from .errors import InputError, at_keys, explain
from .references import SOURCES, expand_reference, locate_reference
from .sites.assemblies import same_assembly
from .sources.mirrors import folder_of, holds
from .sources.sheet import Source, url_fault
from .sources.verification import Unfit, Verification
from .trunk_choice import check_folder
from .window_entries import references_of

if TYPE_CHECKING:
    from .analyses import Analyses


@dataclass(frozen=True)
class Input:
    """One file that a configuration names.

    Attributes
    ----------
    reference : str
        As written, placeholders filled in.
    role : str
        What it is: ``genome``, ``annotation``, ``sites``, ``veto``, ``windows``, ``orthologues`` and so on.
    subject : str
        The task, species, transcript set or section that it serves.
    """

    reference: str
    role: str
    subject: str

    def record(self) -> dict[str, str]:
        """Plain values, for a rule's params."""
        return asdict(self)


def inputs_of(analyses: Analyses) -> list[Input]:
    """Every file that the configuration names, each with what it is and whom it serves."""
    plan = analyses.plan
    found: list[Input] = []

    def add(role: str, subject: str, *references: str | None) -> None:
        found.extend(Input(expand_reference(plan, one, subject), role, subject) for one in references if one)

    for name, entry in plan.species.items():
        add("genome", name, entry.get("genome"))
        add("annotation", name, entry.get("annotation"))
        for part in entry.get("transcripts", []):
            add("transcripts", name, part["fasta"])
            add("annotation", name, part["annotation"])
    for name in plan.tasks:
        for role in ("sites", "veto"):
            add(role, name, *(table["table"] for table in plan.site_tables(name, role)))
        add("windows", name, *references_of(plan.window_files(name)))
    if plan.config.get("orthologues"):
        add("orthologues", "all", plan.config["orthologues"]["table"])
    for entry in plan.external:
        add("external", entry["task"], *references_of(entry["files"]))
    for entry in plan.laboratories:
        add("laboratory", entry["task"], *references_of(entry["files"]))
    add("null", "all", *references_of(plan.null_files()))
    for name, entry in plan.networks.items():
        folder = entry.get("start", {}).get("folder")
        add("start", name, f"{folder}/weights.safetensors" if folder else None)
        trunk = plan.trunk_of(name)
        if trunk and not trunk.startswith(f"{plan.folder}/"):
            add("trunk", name, f"{trunk}/weights.safetensors")
    for name, one in analyses.transcripts.items():
        if one.kind != "species":
            for role, files in one.files.items():
                add(role, name, *files)
    for species, name in analyses.motif_sets():
        add("motifs", species, *analyses.databases[name]["files"])
    add("support", "all", analyses.section.get("capacity", {}).get("support"))
    add("ontology", "all", analyses.section.get("ontology", {}).get("ontology"))
    for entry in analyses.associations:
        add("gene_annotation", entry["transcripts"], entry["file"])
    for entry in analyses.section.get("regulation", {}).get("tables", []):
        add(entry["kind"], analyses.section["regulation"]["transcripts"], *entry["files"])
    for role, subject, reference in plan.language.inputs():
        add(role, subject, reference)
    return list(dict.fromkeys(found))


def check_files(analyses: Analyses, sources: Mapping[str, Source]) -> None:
    """Raise :class:`InputError` for the first file or assembly that nothing in the configuration leads to.

    That includes peaks on another assembly than the transcripts that they are held against; what counts is
    ``assembly`` of the table's entry, else that in the sheet of sources.
    """
    for entry in inputs_of(analyses):
        path = locate_reference(analyses.plan, entry.reference, sources, entry.subject)
        if entry.role == "trunk":
            check_folder(path.removesuffix("/weights.safetensors"), entry.subject)
    for species in analyses.plan.genomes():
        analyses.plan.assembly_of(species)
    section = analyses.section.get("regulation", {})
    for at, entry in enumerate(section.get("tables", [])):
        wanted = analyses.transcripts[section["transcripts"]].assembly
        source = sources.get(entry["files"][0].partition("#")[0].removeprefix("source:"))
        stated = entry.get("assembly") or (source.assembly if source else "")
        if entry["kind"] == "peaks" and not same_assembly(stated, wanted):
            raise InputError(
                f"the peaks of regulation table {entry['name']} are on another assembly than the transcripts of "
                f"{section['transcripts']}, which are on {wanted}",
                value=stated,
                remedy="give peaks on that assembly, or lift them over",
                keys=("regulation", "tables", at),
            )


def sources_of(analyses: Analyses, sheet: Mapping[str, Source]) -> list[Source]:
    """The published files that the configuration names, each once, in the order in which they are named."""
    references = (entry.reference for entry in inputs_of(analyses) if entry.reference.startswith("source:"))
    return [sheet[name] for name in dict.fromkeys(one.removeprefix("source:").partition("#")[0] for one in references)]


def check_mirror(analyses: Analyses, sheet: Mapping[str, Source]) -> None:
    """Raise :class:`InputError` if the mirror is none, or is a folder that lacks a published file.

    Files that are in place already do not matter. No file is opened, see :func:`check_mirrored`.
    """
    mirror = analyses.plan.config["sources"]["mirror"]
    folder = folder_of(mirror) if mirror else None
    with at_keys("sources", "mirror"):
        if folder is None:
            if mirror and (fault := url_fault(mirror)):
                raise InputError(f"the mirror {fault[0]}", value=mirror, remedy=f"{fault[1]}, or name a folder")
            return
        if not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
            raise InputError(
                "the mirror is no folder that can be read here",
                path=folder.absolute(),
                remedy="name the folder that `rnamarks fetch CONFIG --to FOLDER` filled",
            )
        remedy = f"run `rnamarks fetch CONFIG --to {folder}` where there is internet, or put"
        named = sources_of(analyses, sheet)
        try:
            absent = [one for one in named if not holds(SOURCES, one) and not holds(folder, one)]
        except OSError as error:
            raise explain(error) or error from error
        if absent:
            raise InputError(
                f"the mirror lacks {len(absent)} of the {len(named)} published files that the configuration names",
                path=folder,
                value=f"{absent[0].name}/{absent[0].file}",
                remedy=f"{remedy} what is missing into {SOURCES} by hand",
            )


def check_mirrored(analyses: Analyses, sheet: Mapping[str, Source], files: Collection[str]) -> None:
    """Raise :class:`InputError` if the mirror is a folder that has other bytes than were published.

    Each file is read whole, as by the job that copies it.

    Parameters
    ----------
    analyses, sheet
    files : collection of str
        What the run is going to make. Mirrored files that it does not copy do not matter.
    """
    stated = analyses.plan.config["sources"]
    folder = folder_of(stated["mirror"]) if stated["mirror"] else None
    if folder is None:
        return
    faults = {}
    for one in sources_of(analyses, sheet):
        if f"{SOURCES}/{one.name}/{one.file}" in files:
            path = folder / one.name / one.file
            try:
                Verification(one, stated["lock"], folder).check(path)
            except Unfit as error:
                faults[path] = str(error)
            except OSError as error:
                raise explain(error) or error from error
    if faults:
        path, fault = next(iter(faults.items()))
        more = f", and {len(faults) - 1} more," if len(faults) > 1 else ""
        raise InputError(
            f"this file of the mirror{more} is not what was published: {fault}",
            path=path,
            remedy=f"remove what was changed and run `rnamarks fetch CONFIG --to {folder}` where there is internet",
        )


def drops_of(analyses: Analyses) -> list[str]:
    """Every drops table of the run."""
    plan, folder = analyses.plan, analyses.plan.folder
    more = [name for name, one in analyses.transcripts.items() if one.kind != "species"]
    files = [f"{folder}/sites/{name}.transcripts.drops.tsv" for name in plan.genomes()]
    for name in plan.tasks:
        roles = [role for role in ("sites", "veto") if plan.site_tables(name, role)]
        files += [f"{folder}/sites/{name}.{role}.drops.tsv" for role in roles]
        files.append(f"{folder}/datasets/{name}.drops.tsv")
    if plan.tasks:
        files.append(f"{folder}/datasets/splits.drops.tsv")
    if plan.external:
        files.append(f"{folder}/evaluation/external.drops.tsv")
    if plan.laboratories:
        files.append(f"{folder}/evaluation/laboratories.drops.tsv")
    files += [f"{folder}/sites/{name}.transcripts.drops.tsv" for name in more]
    files += [analyses.motif_file(species, name, "drops.tsv") for species, name in analyses.motif_sets()]
    return files + plan.language.drops_files()


def targets_of(analyses: Analyses) -> list[str]:
    """What ``rule all`` asks for."""
    folder, offers = analyses.plan.folder, analyses.plan.offers
    files = [f"{folder}/{file}" for file in ("report.html", "run.json", "figures.tsv")]
    made = {
        "release": [f"{one}/{file}" for one in analyses.shipped() for file in ("config.json", "card.md")],
        "student": ("model/student.safetensors",),
        "significance": [f"{one}/null.safetensors" for one in analyses.shipped()],
        "external": ("evaluation/external.tsv",),
        "laboratories": ("evaluation/laboratories.tsv",),
        "corpus": ("corpus/relatives.tsv", "evaluation/perplexity.tsv"),
        "downstream": ("evaluation/downstream.tsv",),
        "families": ("interpretation/families.tsv",),
    }
    files += [f"{folder}/{file}" for name, names in made.items() if name in offers for file in names]
    files += [one.weights for one in analyses.plan.language.pretrainings]
    scans = analyses.scans()
    files += [analyses.scanned(scan, "genes.tsv") for scan in scans]
    return files + [analyses.scanned(scan, "bedrmod") for scan in scans if analyses.transcripts[scan[0]].on_genome]
