"""What a configuration asks for after the evaluation: which models score which transcripts, and the files of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from .configuration import Plan
from .errors import InputError
from .runs import Parts, Run
from .sites.modifications import find_modification, load_modifications
from .sites.readers.rows import same_assembly
from .sites.species import read_species
from .sources.sheet import Source


@dataclass(frozen=True)
class Transcriptome:
    """A set of transcripts that is scored.

    Attributes
    ----------
    name : str
        A species of the run, or a name under ``transcriptome.more``.
    head : str
        The species whose head scores it.
    kind : {"species", "genome", "fasta"}
        ``species``: the run's own; ``genome``: built from a genome and its annotation; ``fasta``: given as sequences.
    files : mapping
        ``genome``, ``annotation``, ``transcripts``: references as in the configuration.
    taxid : int
        NCBI taxon; 0 if not known.
    assembly : str
        ``""`` if not known.
    """

    name: str
    head: str
    kind: str
    files: Mapping[str, str]
    taxid: int
    assembly: str

    @property
    def on_genome(self) -> bool:
        """Whether its sites can be written with genome coordinates."""
        return "annotation" in self.files and bool(self.taxid and self.assembly)


class Analyses:
    """The transcriptomes and predictors of a run.

    A *predictor* is a model with all its seeds. One that knows several species is one model directory; one of the
    setting ``single`` is a directory per species.

    Raises
    ------
    InputError
        If names do not fit together.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.names = plan.analyses
        self.section: dict[str, Any] = {name: plan.config[name] for name in self.names if name in plan.config}
        self.sheet = {row.species: row for row in read_species(plan.config["species_sheet"])}
        release = plan.config.get("release")
        self.predictors: dict[str, dict[str, str]] = dict(
            plan.config.get("predictors") or ({"released": release} if release else {})
        )
        self.transcriptomes = self._transcriptomes() if "transcriptome" in self.names else {}
        if self.names and "transcriptome" not in self.names:
            raise InputError(
                f"{self.names[0]} needs scored transcripts", remedy="add a section transcriptome to the configuration"
            )
        if self.names and not self.predictors:
            raise InputError("transcriptome needs a trained model", remedy="name one under predictors or release")
        for name in self.predictors:
            for one in self.transcriptomes.values():
                self.model_folder(name, one.head)
        regulated = self.section.get("regulation", {}).get("transcripts")
        if regulated is not None and regulated not in self.transcriptomes:
            raise InputError(
                "regulation names unknown transcripts",
                value=regulated,
                remedy=f"one of {', '.join(self.transcriptomes)}",
            )
        if "landscape" in self.names and not self.species:
            raise InputError("landscape needs a species with an annotation", remedy="leave the section out")
        for section in ("ontology", "regulation"):
            if section in self.names and "capacity" not in self.names:
                raise InputError(f"{section} needs the capacity of genes", remedy="add a section capacity")
        self.databases: dict[str, dict[str, Any]] = dict(self.section.get("motifs", {}).get("databases", {}))
        for section, values in self.section.items():
            wanted = values.get("predictor")
            if wanted is not None and wanted not in self.predictors:
                raise InputError(
                    f"{section} names an unknown predictor", value=wanted, remedy=f"known: {', '.join(self.predictors)}"
                )

            if "predictors" in values:
                self.model_pairs(section)

    def _transcriptomes(self) -> dict[str, Transcriptome]:
        plan, section = self.plan, self.section["transcriptome"]
        found = {
            name: Transcriptome(
                name,
                name,
                "species",
                {key: plan.species[name][key] for key in ("genome", "annotation")},
                int(self.sheet[name].taxid) if name in self.sheet else 0,
                plan.assembly_of(name),
            )
            for name in plan.order
            if name in plan.species_with_tables()
        }
        for name, entry in section.get("more", {}).items():
            if name in plan.species:
                raise InputError("a set of transcripts has the name of a species", value=name, remedy="rename it")
            if entry["head"] not in plan.species:
                raise InputError(
                    f"transcriptome.more.{name} names an unknown head",
                    value=entry["head"],
                    remedy=f"one of {', '.join(plan.species)}",
                )
            files = {key: entry[key] for key in ("genome", "annotation", "transcripts") if key in entry}
            kind = "fasta" if "transcripts" in files else "genome"
            if (kind == "genome" and len(files) < 2) or (kind == "fasta" and "genome" in files):
                raise InputError(
                    f"transcriptome.more.{name} needs transcripts, or genome and annotation",
                    value=", ".join(files),
                    remedy="see config/README.md",
                )
            found[name] = Transcriptome(
                name, entry["head"], kind, files, entry.get("taxid", 0), entry.get("assembly", "")
            )
        return found

    def of_kind(self, kind: str) -> list[str]:
        """Names of the transcriptomes of a kind."""
        return [one.name for one in self.transcriptomes.values() if one.kind == kind]

    @property
    def species(self) -> list[str]:
        """Species whose own transcripts are scored, from the root of the tree outwards."""
        return self.of_kind("species")

    def setting_of(self, predictor: str, head: str) -> str:
        """The setting, as :class:`Run` names it, whose model scores a head."""
        setting = self.predictors[predictor]["setting"]
        return f"single_{head}" if setting == "single" else setting

    def model_name(self, predictor: str, head: str) -> str:
        """Name of the model directory that scores a head."""
        setting = self.predictors[predictor]["setting"]
        return f"{predictor}_{head}" if setting == "single" else predictor

    def model_folder(self, predictor: str, head: str) -> str:
        """The model directory that scores a head; an error if it was not trained for it."""
        setting = self.setting_of(predictor, head)
        if head not in self.plan.species_of(setting):
            raise InputError(
                f"the predictor {predictor} was not trained on {head}",
                value=setting,
                remedy="train it on that species, too, or leave the predictor out",
            )
        if not self.runs(self.model_name(predictor, head)):
            raise InputError(
                f"the predictor {predictor} names a training that the configuration does not ask for",
                value=f"{self.predictors[predictor]['model']} {setting}",
                remedy="add it to trainings",
            )
        return f"{self.plan.folder}/predictors/{self.model_name(predictor, head)}"

    def runs(self, model_name: str) -> list[Run]:
        """The trainings, one per seed, of a model directory."""
        for name, entry in self.predictors.items():
            heads = self.plan.species if entry["setting"] == "single" else [""]
            for head in heads:
                if self.model_name(name, head) == model_name:
                    wanted = (entry["model"], self.setting_of(name, head), entry["split"])
                    return [
                        run for run in self.plan.runs if run.trained and (run.model, run.setting, run.split) == wanted
                    ]
        return []

    def parts(self, model_name: str) -> Parts:
        """What a model directory is packed from."""
        run = self.runs(model_name)[0]
        return self.plan.parts(run.model, run.setting, run.split)

    def release_record(self, model_name: str) -> dict[str, str]:
        """``model``, ``setting`` and ``split`` of a model directory, as tables name them."""
        record = self.runs(model_name)[0].record()
        return {key: record[key] for key in ("model", "setting", "split")}

    @property
    def model_names(self) -> list[str]:
        """All model directories."""
        heads = dict.fromkeys([*(one.head for one in self.transcriptomes.values()), *self.plan.order])
        return list(
            dict.fromkeys(
                self.model_name(name, head) for name in self.predictors for head in heads if self._knows(name, head)
            )
        )

    def scanned(self, transcriptome: str, predictor: str, ending: str) -> str:
        """A file of one transcriptome scored by one predictor."""
        return f"{self.plan.folder}/transcriptome/{transcriptome}/{predictor}.{ending}"

    def transcripts(self, transcriptome: str) -> str:
        """The **transcripts** border of a transcriptome."""
        return f"{self.plan.folder}/sites/{transcriptome}.transcripts.parquet"

    def pairs(self, species_only: bool = False) -> list[tuple[str, str]]:
        """(transcriptome, predictor) in the order of all tables."""
        names = self.species if species_only else list(self.transcriptomes)
        return [(name, predictor) for predictor in self.predictors for name in names]

    def files_of(self, name: str) -> Mapping[str, str]:
        """References to the files of a species or a transcriptome."""
        if name in self.transcriptomes:
            return self.transcriptomes[name].files
        return self.plan.genomes()[name] if name in self.plan.genomes() else self.plan.species[name]

    def predictor_of(self, section: str) -> str:
        """The predictor that a section is about: the one it names, else the first."""
        return self.section[section].get("predictor") or next(iter(self.predictors))

    @property
    def motif(self) -> str:
        """The motif that is scored: that of the section transcriptome, else the run's, else the base."""
        section = self.section.get("transcriptome", {})
        return section.get("motif") or self.plan.config["motif"] or self.plan.base

    @property
    def motif_offset(self) -> int | None:
        """0-based place of the site in :attr:`motif`; None leaves the choice to the scan."""
        section = self.section.get("transcriptome", {})
        if "motif" in section:
            return section.get("motif_offset")
        return self.plan.config["motif_offset"] if self.plan.config["motif"] else 0

    def origin(self, transcriptome: str) -> dict[str, Any]:
        """What a bedRMod header says of where sites lie."""
        one = self.transcriptomes[transcriptome]
        sheet = load_modifications(self.plan.config["modification_sheet"])
        mark = find_modification(sheet, self.plan.config["modification"])
        return {
            "organism": one.taxid,
            "assembly": one.assembly,
            "annotation_source": PurePosixPath(one.files["annotation"].replace("{species}", one.name)).name,
            "annotation_version": "see the file",
            "base": mark.base,
            "chebi": str(mark.chebi or ""),
        }

    def options(self, section: str, *keys: str) -> dict[str, Any]:
        """Some of a section's values, for a rule's params."""
        return {key: self.section[section][key] for key in keys}

    def entries(self, species_only: bool = False) -> list[dict[str, str]]:
        """:meth:`pairs` as the scripts take them."""
        return [{"species": name, "predictor": predictor} for name, predictor in self.pairs(species_only)]

    @property
    def measured(self) -> list[str]:
        """Species whose measured sites are set beside the predicted ones."""
        return self.species if self.section.get("landscape", {}).get("measured") else []

    @property
    def associations(self) -> list[dict[str, str]]:
        """``species``, ``file``, ``format``, ``identifier`` of the gene annotations, one per transcriptome."""
        section = self.section.get("ontology", {})
        chosen = section.get("annotations", [])
        found = []
        for entry in chosen:
            for name in entry.get("species", self.species):
                if name not in self.transcriptomes:
                    raise InputError("ontology names unknown transcripts", value=name, remedy="add them")
                found.append({"species": name, **{key: value for key, value in entry.items() if key != "species"}})
        return found

    def regulated(self, ending: str) -> str:
        """A file of the transcripts whose regulation is looked at."""
        return self.scanned(self.section["regulation"]["transcripts"], self.predictor_of("regulation"), ending)

    @property
    def tips(self) -> dict[str, str]:
        """Tip of the tree of each species."""
        return {name: self.sheet[name].tree_name if name in self.sheet else name for name in self.species}

    def drops_files(self) -> list[str]:
        """Drops tables beyond those of the plan."""
        more = [name for name, one in self.transcriptomes.items() if one.kind != "species"]
        files = [f"{self.plan.folder}/sites/{name}.transcripts.drops.tsv" for name in more]
        return [*files, *(self.motif_file(species, name, "drops.tsv") for species, name in self.motif_sets())]

    def model_pairs(self, section: str) -> list[tuple[str, str]]:
        """(predictor, species) that a section looks into: its own list of predictors, else all."""
        chosen = self.section[section].get("predictors") or list(self.predictors)
        for name in chosen:
            if name not in self.predictors:
                raise InputError(
                    f"{section} names an unknown predictor", value=name, remedy=f"known: {', '.join(self.predictors)}"
                )
        return [(name, species) for name in chosen for species in self.plan.order if self._knows(name, species)]

    def _knows(self, predictor: str, species: str) -> bool:
        return species in self.plan.species_of(self.setting_of(predictor, species)) and bool(
            self.runs(self.model_name(predictor, species))
        )

    def organism(self, species: str, database: str) -> str:
        """The organism that a database is searched for; ``{scientific}`` in it is the species' scientific name."""
        wanted = self.databases[database].get("organism", "")
        known = self.sheet[species].scientific if species in self.sheet else species
        return wanted.replace("{scientific}", known)

    def motif_sets(self) -> list[tuple[str, str]]:
        """(species, database) of the motif databases, for species that the analysed predictor knows."""
        if "motifs" not in self.names:
            return []
        return [
            (species, name)
            for species in self.plan.order
            for name, entry in self.databases.items()
            if species in entry.get("species", self.plan.order)
        ]

    def motif_file(self, species: str, database: str, ending: str) -> str:
        """A file of one database's motifs of one species."""
        return f"{self.plan.folder}/interpretation/databases/{species}.{database}.{ending}"

    def references(self) -> list[tuple[str, str]]:
        """(reference, species) of every file that the sections name."""
        found = [(file, name) for name, one in self.transcriptomes.items() for file in one.files.values()]
        found += [(file, species) for species, name in self.motif_sets() for file in self.databases[name]["files"]]
        section = self.section.get("capacity", {})
        found += [(section["support"], "")] if section.get("support") else []
        section = self.section.get("ontology", {})
        if section:
            found += [(section["ontology"], ""), *((one["file"], one["species"]) for one in self.associations)]
        section = self.section.get("regulation", {})
        found += [(file, section["transcripts"]) for entry in section.get("tables", []) for file in entry["files"]]
        return found

    def check_assemblies(self, sources: Mapping[str, Source]) -> None:
        """Raise :class:`InputError` for peaks on another assembly than the transcripts that they are held against.

        What counts is ``assembly`` of the table's entry, else that in the sheet of sources.
        """
        section = self.section.get("regulation", {})
        for entry in section.get("tables", []):
            wanted = self.transcriptomes[section["transcripts"]].assembly
            source = sources.get(entry["files"][0].partition("#")[0].removeprefix("source:"))
            stated = entry.get("assembly") or (source.assembly if source else "")
            if entry["kind"] == "peaks" and not same_assembly(stated, wanted):
                raise InputError(
                    f"the peaks of regulation table {entry['name']} are on another assembly than the transcripts of "
                    f"{section['transcripts']}, which are on {wanted}",
                    value=stated,
                    remedy="give peaks on that assembly, or lift them over",
                )

    def targets(self) -> list[str]:
        """What the run makes beyond figures and report."""
        files = [self.scanned(name, predictor, "genes.tsv") for name, predictor in self.pairs()]
        files += [
            self.scanned(name, predictor, "bedrmod")
            for name, predictor in self.pairs()
            if self.transcriptomes[name].on_genome
        ]
        return files
