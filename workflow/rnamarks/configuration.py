"""What a checked configuration asks for: species and tasks, trainings and models, and where its files are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from .errors import InputError, check_choice
from .keys import SCHEMES
from .language_plan import LanguagePlan
from .models.settings import NETWORKS, NetworkSettings
from .offers import offered
from .plan_checks import check_null_world, check_release, check_sections
from .registry import registered
from .runs import Run, expand_runs
from .sites.modifications import Modification, find_modification, load_modifications
from .sites.species import Species, read_species
from .task_expansion import expand_tasks
from .tasks import Task
from .training.checks import check_network, check_student
from .trunk_choice import check_trunks, trunk_folder, trunk_label, with_trunk_rate
from .window_entries import drawing, labelled_files, window_files


class Plan:
    """A checked configuration, expanded.

    Parameters
    ----------
    config : mapping
        As :func:`rnamarks.keys.with_defaults` gives it.

    Attributes
    ----------
    run, folder, world : str
        Name of the run, its folder below the working directory, and the name of its simulated world or ``""``.
    species : dict of str to mapping
        ``genome``, ``annotation`` and ``assembly`` of each species, as far as given.
    tasks : dict of str to Task
        In the order of the curriculum: by distance of their species from the root species on the tree.
    runs : list of Run
        Every set of predictions.
    language : LanguagePlan
        Language models and what they are tuned for.
    offers : list of str
        Analyses that the run has; see :func:`rnamarks.offers.offered`.
    left_out : dict of str to str
        Sections that the data of the run do not allow, with the reason.

    Raises
    ------
    InputError
        If names do not fit together: a training of an unknown model, a task without files, and the like.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        # a null world has a run of its own, so that it never takes the place of the other's files
        self.null_world: bool = config.get("null_world", False)
        ending = "_null" if self.null_world else ""
        self.run: str = config["run"] + ending
        simulation = config.get("simulation")
        self.world: str = simulation["world"] + ending if simulation else ""
        check_null_world(config)
        self.folder = f"results/{self.run}"
        self.modification_sheet = load_modifications(config["modification_sheet"])
        self.species_sheet: dict[str, Species] = {row.species: row for row in read_species(config["species_sheet"])}
        self.species: dict[str, Mapping[str, Any]] = dict(config["species"])
        self.language = LanguagePlan(config, self.folder)
        has_tasks = any(config[section] for section in ("species", "modifications", "tasks"))
        if not has_tasks and not self.language.models:
            raise InputError(
                "the configuration has neither species nor language models",
                remedy="give species with sites or windows, or language_models",
            )
        self.root_species: str = config.get("root_species") or next(iter(self.species), "")
        if self.root_species and self.root_species not in self.species:
            raise InputError(
                "root_species is not among the species",
                value=self.root_species,
                remedy=f"one of {', '.join(self.species)}",
                keys=("root_species",),
            )
        self.tasks: dict[str, Task]
        self._data: dict[str, Mapping[str, Any]]
        self.tasks, self._data = {}, {}
        if has_tasks:
            self.tasks, self._data = expand_tasks(
                config, self.modification_sheet, self.species_sheet, root_species=self.root_species
            )
        self.networks: dict[str, Any] = {name: with_trunk_rate(entry) for name, entry in config["models"].items()}
        for name, entry in self.networks.items():
            check_network(name, entry)
        check_trunks(self.networks, self.language)
        check_student(config.get("student") or {})
        self.baselines: list[str] = list(config["baselines"]) if has_tasks else []
        self.stacks: dict[str, Any] = dict(config["stacks"])
        self.combiners: dict[str, Any] = dict(config["combiners"])
        self.external = [
            {"name": entry["name"], "task": entry["task"], "files": labelled_files(entry)}
            for entry in config["external"]
        ]
        laboratories = config.get("laboratories") or {"sets": []}
        self.laboratories = [
            {"name": entry["name"], "task": entry["task"], "files": window_files(entry["windows"])}
            | drawing(entry["windows"])
            for entry in laboratories["sets"]
        ]
        self._settings = dict(config["settings"])
        self.schemes: list[str] = [*SCHEMES, *config["splits"]["chromosomes"]]
        self.apart: dict[str, Any] = config["splits"].get("apart") or {"transcripts": [], "shared": 0}
        check_sections(self)
        search = config.get("line_search")
        self.line_search = Run(self.folder, search["model"], search["setting"], search["scheme"], 0) if search else None
        self.runs = expand_runs(self)
        self.release: dict[str, Any] | None = config.get("release")
        check_release(self)
        self.offers, self.left_out = offered(self)

    # tasks and their data

    def modification(self, name: str) -> Modification:
        """A row of the sheet of modifications, by short name or synonym."""
        return find_modification(self.modification_sheet, name)

    def require_task(self, name: str, where: str, *keys: str | int) -> None:
        """Raise :class:`InputError` if ``where``, which ``keys`` lead to, names a task that is not there."""
        check_choice(name, self.tasks, f"{where} names an unknown task", keys=keys)

    def require_network(self, name: str, section: str, *keys: str | int) -> None:
        """Raise :class:`InputError` if a section names a network that is not there."""
        check_choice(name, self.networks, f"{section} names an unknown model", keys=(section, *keys))

    def records(self, tasks: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Tasks as plain values for a rule's params; default all."""
        return [self.tasks[name].record() for name in (self.tasks if tasks is None else tasks)]

    def site_tables(self, task: str, role: str) -> list[dict[str, Any]]:
        """Tables of modified sites of a task, as ``sites`` or as ``veto``."""
        return list(self._data[task].get(role) or [])

    def tasks_with_sites(self) -> list[str]:
        """Tasks given as site tables."""
        return [name for name in self.tasks if "sites" in self._data[name]]

    def tasks_with_windows(self) -> list[str]:
        """Tasks given as ready-made windows."""
        return [name for name in self.tasks if "windows" in self._data[name]]

    def tasks_of_species(self, species: str) -> list[str]:
        """Tasks about a species."""
        return [name for name, task in self.tasks.items() if task.species == species]

    def listing(self, task: str) -> list[tuple[str, str]]:
        """(task, role) of every site table that calls a nucleotide of this task's base and species modified."""
        mine = self.tasks[task]
        alike = [
            name
            for name in self.tasks_with_sites()
            if (self.tasks[name].species, self.tasks[name].base) == (mine.species, mine.base)
        ]
        return [(name, role) for name in alike for role in ("sites", "veto") if self.site_tables(name, role)]

    def vetoing(self, task: str) -> list[tuple[str, str]]:
        """:meth:`listing` without the task's own sites: what must not become one of its negatives."""
        return [entry for entry in self.listing(task) if entry != (task, "sites")]

    def window_files(self, task: str) -> list[dict[str, Any]]:
        """The ready-made window files of a task: dicts with ``file``, ``given``, ``label`` and ``format``.

        ``label`` is 1, 0, or None where the file itself tells.
        """
        return window_files(self._data[task].get("windows") or {})

    def drawing(self, task: str) -> dict[str, Any]:
        """How negatives of a task's ready-made windows are drawn: ``negatives_per_positive`` and ``match_gc``."""
        return drawing(self._data[task]["windows"])

    def neighbouring_tasks(self) -> list[str]:
        """Tasks with site tables whose species has another one: their sites can lie close to each other."""
        known = self.tasks_with_sites()
        species = [self.tasks[name].species for name in known]
        return [name for name in known if species.count(self.tasks[name].species) > 1]

    # species

    def has_transcripts(self, species: str) -> bool:
        """Whether transcripts with positions on the genome can be made for a species."""
        given = self.species[species].keys()
        return "transcripts" in given or {"genome", "annotation"} <= given

    def genomes(self) -> list[str]:
        """Species with :meth:`has_transcripts` and a task, in the order of the tasks."""
        return list(dict.fromkeys(task.species for task in self.tasks.values() if self.has_transcripts(task.species)))

    def transcript_files(self, species: str) -> dict[str, list[str]]:
        """References to the files that the transcripts of a species are made from, by role."""
        entry = self.species[species]
        if "transcripts" in entry:
            return {
                "transcripts": [part["fasta"] for part in entry["transcripts"]],
                "annotation": [part["annotation"] for part in entry["transcripts"]],
            }
        return {role: [entry[role]] for role in ("genome", "annotation")}

    def assembly_of(self, species: str) -> str:
        """Name of the genome assembly: the entry's own, else the one in the sheet of species."""
        if "assembly" in self.species[species]:
            return self.species[species]["assembly"]
        if species not in self.species_sheet:
            raise InputError(
                "the assembly of the species is unknown",
                value=species,
                remedy=f"add assembly to its entry, or a row to {self.config['species_sheet']}",
                keys=("species", species),
            )
        return self.species_sheet[species].assembly

    # trainings, stacks and the released model

    def tasks_of(self, setting: str, *keys: str | int) -> list[str]:
        """Tasks of a setting, in the order of the curriculum; ``keys`` lead to what names it."""
        if setting.startswith("single_") and setting.removeprefix("single_") in self.tasks:
            return [setting.removeprefix("single_")]
        if setting not in self._settings:
            raise InputError(
                "no such setting",
                value=setting,
                remedy=f"add it to settings; known: {', '.join(self._settings)}, single",
                keys=keys,
            )
        entry = self._settings[setting]
        if ("nearest" in entry) == ("tasks" in entry):
            raise InputError(
                f"setting {setting} needs either tasks or nearest",
                remedy="see config/README.md",
                keys=("settings", setting),
            )
        if "nearest" in entry:
            if entry["nearest"] > len(self.tasks):
                raise InputError(
                    f"setting {setting} asks for {entry['nearest']} tasks, the configuration has {len(self.tasks)}",
                    remedy="lower it or add tasks",
                    keys=("settings", setting, "nearest"),
                )
            return list(self.tasks)[: entry["nearest"]]
        for at, name in enumerate(entry["tasks"]):
            self.require_task(name, f"setting {setting}", "settings", setting, "tasks", at)
        return [name for name in self.tasks if name in entry["tasks"]]

    def curriculum_of(self, setting: str) -> str:
        """Name of the setting's curriculum."""
        return self._settings.get(setting, {}).get("curriculum", "tree")

    def start_of(self, model: str, scheme: str, seed: int | str) -> str | None:
        """Reference to the weights that a training begins with; None for random ones."""
        start = self.networks[model].get("start")
        if not start:
            return None
        if "folder" in start:
            return f"{start['folder']}/weights.safetensors"
        return Run(
            self.folder, start["model"], start["setting"], start.get("scheme", scheme), start.get("seed", int(seed))
        ).weights

    def trunk_of(self, model: str) -> str | None:
        """Reference to the folder of the language model under a network; None for its own trunk."""
        trunk = self.networks[model].get("trunk")
        return trunk_folder(trunk, self.language) if trunk else None

    def runs_of_all_tasks(self) -> list[Run]:
        """Runs that know every task, so that each window can be scored for each of them; none unless asked for."""
        if "all" not in self.config["evaluation"]["against"]:
            return []
        return [
            run for run in self.runs if run.kind == "baseline" or len(self.tasks_of(run.setting)) == len(self.tasks)
        ]

    @property
    def resampled(self) -> list[str]:
        """Tasks whose genes the bootstrap draws."""
        return self.tasks_with_sites() if self.config["evaluation"]["resample"] == "genes" else []

    def find_runs(self, model: str, setting: str, scheme: str) -> list[Run]:
        """The seeds of a trained model or stack, setting and scheme; empty where the configuration asks for none."""
        return list(self._trained.get((model, setting, scheme), ()))

    @cached_property
    def _trained(self) -> dict[tuple[str, str, str], list[Run]]:
        found: dict[tuple[str, str, str], list[Run]] = {}
        for run in self.runs:
            if run.trained:
                found.setdefault((run.model, run.setting, run.scheme), []).append(run)
        return found

    def has_filters(self, model: str) -> bool:
        """Whether the network of a model or stack begins with convolutions over the sequence, which read as motifs."""
        network = next(one for one in self.members_of(model) if one in self.networks)
        return "trunk" not in self.networks[network] and self._sizes(network).has_filters

    def _sizes(self, model: str) -> NetworkSettings:
        entry = self.networks[model]
        return NETWORKS[entry["network"]].from_mapping(entry["hyperparameters"])

    def members_of(self, model: str) -> list[str]:
        """The network and the baselines of a stack, the network of a combiner; of a network or a baseline, itself."""
        if model in self.combiners:
            return [self.combiners[model]["model"]] if "model" in self.combiners[model] else []
        return list(self.stacks[model]["members"]) if model in self.stacks else [model]

    def modules_of(self, *models: str) -> list[Path]:
        """Files of the modules that networks, language trunks, baselines and the members of stacks are, each once."""
        found = []
        for name in (name for model in models for name in self.members_of(model)):
            entry = self.networks.get(name)
            found.append(registered("MODELS")[entry["network"]] if entry else registered("BASELINES")[name])
            if entry and "trunk" in entry:
                found.append(registered("TRUNKS")["language"])
        return list(dict.fromkeys(found))

    @property
    def released(self) -> list[Run]:
        """The seeds of the released model; empty without a release, or where the configuration asks for none."""
        return self.find_runs(*(self.release[key] for key in ("model", "setting", "scheme"))) if self.release else []

    @property
    def released_setting(self) -> str:
        """Setting of the released model."""
        return self.release["setting"]

    def release_record(self) -> dict[str, str] | None:
        """``model``, ``setting`` and ``scheme`` of the released model as tables name them; None without a release."""
        if not self.release:
            return None
        record = self.released[0].record()
        return {key: record[key] for key in ("model", "setting", "scheme")}

    def network_settings(self) -> dict[str, dict[str, Any]]:
        """``network``, ``width`` (nt read), ``embedding`` and ``objective`` of each network that is trained, and in
        ``otherwise`` all else that the configuration says of it, as JSON."""
        trained = {run.model for run in self.runs if run.kind == "network"}
        settings = {}
        for name, entry in self.networks.items():
            if name in trained:
                hyperparameters, training, sizes = entry["hyperparameters"], entry["training"], self._sizes(name)
                settings[name] = {
                    "network": entry["network"],
                    "width": sizes.reads(self.config["window"]),
                    "embedding": trunk_label(entry["trunk"]) if "trunk" in entry else sizes.embedding,
                    "objective": training.get("objective", "balanced"),
                    "otherwise": json.dumps(
                        {
                            "hyperparameters": _without(hyperparameters, "crop", "embedding"),
                            "training": _without(training, "objective"),
                        },
                        sort_keys=True,
                    ),
                }
        return settings

    # files

    def null_files(self) -> list[dict[str, Any]]:
        """Window files whose unmodified windows hold the nucleotides of the null; empty where transcripts do."""
        section = self.config.get("significance") or {}
        return [file for part in section.get("windows", []) for file in labelled_files(part) if file["label"] != 1]


def _without(entry: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in names}
