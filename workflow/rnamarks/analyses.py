"""Which models score which transcripts and windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from .configuration import Plan
from .errors import InputError, check_choice
from .keys_analyses import Motifs
from .offers import NEEDS
from .plan_checks import check_known
from .runs import Parts, Run, parts_of
from .transcript_sets import transcript_sets


class Analyses:
    """Transcript sets and predictors of a run.

    A *predictor* is a model with all its seeds. One that knows several tasks is one model directory; one of the setting
    ``single`` is a directory per task. The released model lies in ``results/<run>/model`` whatever it is called here.

    Raises
    ------
    InputError
        If names do not fit together.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.section: dict[str, Any] = {
            name: plan.config[name]
            for name in plan.offers
            # names of downstream tasks are free
            if name in NEEDS and name != "downstream" and plan.config.get(name) is not None
        }
        release = plan.release
        self.predictors: dict[str, Mapping[str, str]] = dict(
            plan.config.get("predictors") or ({"released": release} if release else {})
        )
        self.transcripts = transcript_sets(plan) if "transcriptome" in plan.offers else {}
        for name in self.predictors:
            if not any(self.runs(name, task) for task in plan.tasks):
                raise self._untrained(name)
            for one in self.transcripts.values():
                for task in one.tasks:
                    self.folder(name, task)
        regulated = self.section.get("regulation", {}).get("transcripts")
        if regulated is not None and regulated not in self.transcripts:
            raise InputError(
                "regulation names unknown transcripts",
                value=regulated,
                remedy=f"one of {', '.join(self.transcripts)}",
                keys=("regulation", "transcripts"),
            )
        motifs = plan.config.get("motifs") or {}
        self.databases: dict[str, Mapping[str, Any]] = dict(motifs.get("databases", {}))
        # a run with consensus motifs alone searches for motifs, too
        self.engine: str = motifs.get("engine", Motifs.engine)
        for section, values in self.section.items():
            if "predictor" in values:
                self._check_predictor(values["predictor"], section, "predictor")
            for at, name in enumerate(values.get("predictors", [])):
                self._check_predictor(name, section, "predictors", at)
        for name, entry in self.databases.items():
            check_known(entry.get("species", []), plan.species, "species", "motifs", "databases", name, "species")
        for at, entry in enumerate(self.section.get("ontology", {}).get("annotations", [])):
            check_known(
                entry.get("transcripts", []),
                self.transcripts,
                "transcripts",
                "ontology",
                "annotations",
                at,
                "transcripts",
            )

    def _check_predictor(self, name: str, section: str, *keys: str | int) -> None:
        check_choice(name, self.predictors, f"{section} names an unknown predictor", keys=(section, *keys))

    # transcripts

    def of_kind(self, kind: str) -> list[str]:
        """Names of the transcript sets of a kind."""
        return [one.name for one in self.transcripts.values() if one.kind == kind]

    def files_of(self, name: str) -> Mapping[str, list[str]]:
        """References to the files that the transcripts of a species or of a transcript set are made from."""
        if name in self.transcripts:
            return self.transcripts[name].files
        return self.plan.transcript_files(name)

    def from_fasta(self) -> list[str]:
        """Names of species and transcript sets whose transcripts are given as sequences."""
        return [name for name in self._made() if "transcripts" in self.files_of(name)]

    def from_genome(self) -> list[str]:
        """Names of species and transcript sets whose transcripts are cut out of a genome."""
        return [name for name in self._made() if "genome" in self.files_of(name)]

    def _made(self) -> list[str]:
        return list(dict.fromkeys([*self.plan.genomes(), *self.transcripts]))

    def transcript_file(self, name: str) -> str:
        """The **transcripts** border of a transcript set or species."""
        return f"{self.plan.folder}/sites/{name}.transcripts.parquet"

    # predictors and their model directories

    def setting_of(self, predictor: str, task: str) -> str:
        """The setting, as :class:`Run` names it, whose model scores a task."""
        setting = self.predictors[predictor]["setting"]
        return f"single_{task}" if setting == "single" else setting

    def runs(self, predictor: str, task: str) -> list[Run]:
        """The trainings, one per seed, of the model that scores a task; empty where there is none."""
        entry, setting = self.predictors[predictor], self.setting_of(predictor, task)
        known = task in self.plan.tasks_of(setting)
        return self.plan.find_runs(entry["model"], setting, entry["scheme"]) if known else []

    def folder(self, predictor: str, task: str) -> str:
        """The model directory that scores a task, below the run's folder; an error if it was not trained for it."""
        entry, setting = self.predictors[predictor], self.setting_of(predictor, task)
        if task not in self.plan.tasks_of(setting):
            raise InputError(
                f"the predictor {predictor} was not trained on {task}",
                value=setting,
                remedy="train it on that task, too, or leave the predictor out",
                keys=self._keys_of(predictor),
            )
        if not self.runs(predictor, task):
            raise self._untrained(predictor)
        release = self.plan.release
        if release and all(
            release[key] == value
            for key, value in (("model", entry["model"]), ("setting", setting), ("scheme", entry["scheme"]))
        ):
            return "model"
        return f"predictors/{predictor}_{task}" if entry["setting"] == "single" else f"predictors/{predictor}"

    def _keys_of(self, predictor: str) -> tuple[str, ...]:
        return ("predictors", predictor) if "predictors" in self.plan.config else ("release",)

    def _untrained(self, predictor: str) -> InputError:
        entry = self.predictors[predictor]
        return InputError(
            f"the predictor {predictor} names a training that the configuration does not ask for",
            value=" ".join(entry[key] for key in ("model", "setting", "scheme")),
            remedy="add it to trainings",
            keys=self._keys_of(predictor),
        )

    @cached_property
    def folders(self) -> Mapping[str, list[Run]]:
        """Every model directory, below the run's folder, with the trainings, one per seed, that it is packed from."""
        release = self.plan.release
        found = {}
        if release:
            found["model"] = self.plan.find_runs(release["model"], release["setting"], release["scheme"])
        for predictor in self.predictors:
            for task in self.plan.tasks:
                if runs := self.runs(predictor, task):
                    found[self.folder(predictor, task)] = runs
        return found

    def parts(self, folder: str) -> Parts:
        """What a model directory is packed from."""
        run = self.folders[folder][0]
        return parts_of(self.plan, run.model, run.setting, run.scheme)

    def record(self, folder: str) -> dict[str, str]:
        """``model``, ``setting`` and ``scheme`` of a model directory, as tables name them."""
        record = self.folders[folder][0].record()
        return {key: record[key] for key in ("model", "setting", "scheme")}

    def entry(self, folder: str) -> Mapping[str, Any]:
        """What the configuration says of a model directory, under release or predictors."""
        if folder == "model":
            return self.plan.release
        return next(
            entry
            for name, entry in self.predictors.items()
            for task in self.plan.tasks
            if self.runs(name, task) and self.folder(name, task) == folder
        )

    def tasks_of(self, folder: str) -> list[str]:
        """Tasks of a model directory."""
        return self.plan.tasks_of(self.folders[folder][0].setting)

    def students(self, folder: str) -> list[str]:
        """The student of a model directory, below the run's folder, if it has one."""
        return ["model/student.safetensors"] if folder == "model" and "student" in self.plan.offers else []

    def shipped(self) -> list[str]:
        """Model directories that get a card and a null distribution: the release, and those beside it."""
        release = self.plan.release
        if not release:
            return []
        also = [
            self.folder(name, task)
            for name in release["also"]
            for task in self.plan.tasks
            if name in self.predictors and self.runs(name, task)
        ]
        return list(dict.fromkeys(["model", *also]))

    def weights(self, predictor: str, task: str) -> str:
        """The weights of the model that scores a task."""
        return f"{self.plan.folder}/{self.folder(predictor, task)}/weights.safetensors"

    def pairs(self, section: str) -> list[tuple[str, str]]:
        """(predictor, task) that a section looks into: of its own list of predictors, else of all."""
        chosen = self.section[section].get("predictors") or list(self.predictors)
        return [(name, task) for name in chosen for task in self.plan.tasks if self.runs(name, task)]

    def filter_pairs(self) -> list[tuple[str, str]]:
        """:meth:`pairs` of the section motifs whose network begins with convolutions over the sequence."""
        return [
            (predictor, task)
            for predictor, task in self.pairs("motifs")
            if self.plan.has_filters(self.predictors[predictor]["model"])
        ]

    # scored transcripts

    def scans(self, kind: str = "") -> list[tuple[str, str, str]]:
        """(transcripts, task, predictor) in the order of all tables; of one kind of transcript sets if one is given."""
        sets = [one for one in self.transcripts.values() if kind in ("", one.kind)]
        return [(one.name, task, predictor) for predictor in self.predictors for one in sets for task in one.tasks]

    def scanned(self, scan: tuple[str, str, str], ending: str) -> str:
        """A file of one transcript set scored for one task by one predictor."""
        transcripts, task, predictor = scan
        return f"{self.plan.folder}/transcriptome/{transcripts}/{task}.{predictor}.{ending}"

    @staticmethod
    def entries(scans: Sequence[tuple[str, str, str]]) -> list[dict[str, str]]:
        """Some of :meth:`scans` as the scripts take them."""
        return [dict(zip(("transcripts", "task", "predictor"), scan, strict=True)) for scan in scans]

    def origin(self, transcripts: str, task: str) -> dict[str, Any]:
        """What a bedRMod header says of where sites lie."""
        one, modification = self.transcripts[transcripts], self.plan.modification(self.plan.tasks[task].modification)
        return {
            "organism": one.taxid,
            "assembly": one.assembly,
            "annotation_source": PurePosixPath(one.files["annotation"][0].replace("{species}", one.name)).name,
            "annotation_version": "see the file",
            "base": modification.base,
            "chebi": str(modification.chebi or ""),
        }

    # sections

    def options(self, section: str, *keys: str) -> dict[str, Any]:
        """Some of a section's values, for a rule's params."""
        return {key: self.section[section][key] for key in keys}

    @property
    def measured(self) -> list[dict[str, str]]:
        """``transcripts`` and ``task`` whose measured sites are set beside the predicted ones."""
        if "landscape" not in self.section:
            return []
        return [{"transcripts": self.plan.tasks[name].species, "task": name} for name in self.plan.tasks_with_sites()]

    @property
    def associations(self) -> list[dict[str, str]]:
        """``transcripts``, ``file``, ``identifier`` of the gene annotations, one per transcript set."""
        found = []
        for entry in self.section.get("ontology", {}).get("annotations", []):
            for name in entry.get("transcripts", self.of_kind("species")):
                found.append({**entry, "transcripts": name})
        return found

    @property
    def regulated(self) -> list[tuple[str, str, str]]:
        """(transcripts, task, predictor) of the transcripts whose regulation is looked at, one per task."""
        one = self.transcripts[self.section["regulation"]["transcripts"]]
        predictor = self.section["regulation"].get("predictor") or next(iter(self.predictors))
        return [(one.name, task, predictor) for task in one.tasks]

    @property
    def tips(self) -> dict[str, str]:
        """Tip of the tree of each species whose transcripts are scored."""
        sheet = self.plan.species_sheet
        return {name: sheet[name].tree_name if name in sheet else name for name in self.of_kind("species")}

    def organism(self, species: str, database: str) -> str:
        """The organism that a database is searched for; ``{scientific}`` in it is the species' scientific name."""
        sheet = self.plan.species_sheet
        known = sheet[species].scientific if species in sheet else species
        return self.databases[database].get("organism", "").replace("{scientific}", known)

    def motif_sets(self) -> list[tuple[str, str]]:
        """(species, database) of the motif databases, for species that have a task."""
        species = dict.fromkeys(task.species for task in self.plan.tasks.values())
        return [
            (one, name)
            for one in species
            for name, entry in self.databases.items()
            if one in entry.get("species", species)
        ]

    def motif_file(self, species: str, database: str, ending: str) -> str:
        """A file of one database's motifs of one species."""
        return f"{self.plan.folder}/interpretation/databases/{species}.{database}.{ending}"
