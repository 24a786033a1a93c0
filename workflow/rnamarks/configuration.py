"""What a checked configuration asks for: species and tasks, trainings, models, and the files they start from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .errors import InputError
from .interpretation.settings import ConsensusSettings, GradientSettings, OptimisationSettings
from .keys import SCHEMES, SPLITS
from .models.settings import NETWORKS
from .offers import offered
from .runs import Parts, Run, check_starts
from .sites.layouts import check_layout
from .sites.modifications import Modification, find_modification, load_modifications
from .sites.species import Species, read_species
from .sources.members import member_path
from .tasks import Task
from .training.settings import check_grid, check_network, check_student
from .training.tree import distances, order_from, read_tree


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
        if self.null_world and not simulation:
            raise InputError(
                "null_world is about a simulated world", remedy="leave it out, or give simulation", keys=("null_world",)
            )
        self.folder = f"results/{self.run}"
        self.modification_sheet = load_modifications(config["modification_sheet"])
        self.species_sheet: dict[str, Species] = {row.species: row for row in read_species(config["species_sheet"])}
        self.species: dict[str, Mapping[str, Any]] = dict(config["species"])
        self.root_species: str = config.get("root_species") or next(iter(self.species))
        if self.root_species not in self.species:
            raise InputError(
                "root_species is not among the species",
                value=self.root_species,
                remedy=f"one of {', '.join(self.species)}",
                keys=("root_species",),
            )
        self._data: dict[str, Mapping[str, Any]] = {}
        self.tasks: dict[str, Task] = self._tasks()
        self.networks: dict[str, Any] = dict(config["models"])
        for name, entry in self.networks.items():
            check_network(name, entry)
        check_student(config.get("student") or {})
        self._check_numbers()
        for section, key, kind in (
            ("attention", "gradients", GradientSettings),
            ("consensus", "settings", ConsensusSettings),
            ("optimisation", "settings", OptimisationSettings),
        ):
            kind.from_mapping((config.get(section) or {}).get(key, {}), f"{section}.{key}.")
        self.baselines: list[str] = list(config["baselines"])
        if "motif_rule" in self.baselines and len({task.place for task in self.tasks.values()}) > 1:
            raise InputError(
                "motif_rule knows one motif, and the tasks have several",
                value="motif_rule",
                remedy="leave it out of baselines",
            )
        self.stacks: dict[str, Any] = dict(config["stacks"])
        self.external = [
            {"name": entry["name"], "task": entry["task"], "files": _labelled(entry, "", entry["format"])}
            for entry in config["external"]
        ]
        for at, entry in enumerate(self.external):
            self._require_task(entry["task"], f"external {entry['name']}", "external", at, "task")
        self._settings = dict(config["settings"])
        search = config.get("line_search")
        if search and "start" in self.networks.get(search["model"], {}):
            raise InputError(
                "line_search trains from random weights",
                value=search["model"],
                remedy="search with a model that has no start",
            )
        if search and search["model"] in self.networks:
            check_grid(search["model"], self.networks[search["model"]], search["grid"])
        self.line_search = Run(self.folder, search["model"], search["setting"], search["scheme"], 0) if search else None
        self.runs = self._runs()
        self.release: dict[str, Any] | None = config.get("release")
        if self.release and not self.find_runs(*self._released_key()):
            raise InputError(
                "release names a training that the configuration does not ask for",
                value={key: self.release[key] for key in ("model", "setting", "scheme")},
                remedy="add it to trainings or stacks",
                keys=("release",),
            )
        if self.external and not self.release:
            raise InputError("external needs a released model", remedy="name one under release")
        self.offers, self.left_out = offered(self)

    def _check_numbers(self) -> None:
        config = self.config
        if config["window"] % 2 == 0:
            raise InputError(
                "the window is even and has no middle",
                value=config["window"],
                remedy="give an odd number",
                keys=("window",),
            )
        fractions = [config["splits"][split] for split in SPLITS]
        if abs(sum(fractions) - 1) > 1e-6:
            raise InputError(
                f"splits.{', '.join(SPLITS)} do not add up to 1",
                value=fractions,
                remedy="change one of them",
                keys=("splits",),
            )

    # tasks and their data

    def _tasks(self) -> dict[str, Task]:
        self._check_layouts()
        found: dict[str, Task] = {}
        for task, data in self._entries():
            if task.name in found:
                raise InputError("two tasks have one name", value=task.name, remedy="rename one of them")
            if task.species not in self.species:
                raise InputError(
                    f"task {task.name} is about an unknown species",
                    value=task.species,
                    remedy=f"add it to species, or choose one of {', '.join(self.species)}",
                )
            if ("windows" in data) == ("sites" in data):
                raise InputError(
                    f"task {task.name} needs either windows or sites",
                    value=", ".join(key for key in data if data[key] is not None),
                    remedy="see config/README.md",
                )
            if "sites" in data and not self.has_genome(task.species):
                raise InputError(
                    f"task {task.name} has site tables, and {task.species} no genome and annotation",
                    remedy=f"give species.{task.species}.genome and annotation",
                )
            found[task.name], self._data[task.name] = task, data
        if not found:
            raise InputError(
                "the configuration has no task",
                remedy="give a species sites or windows, or name modifications or tasks",
            )
        rank = {name: place for place, name in enumerate(self._species_order(found.values()))}
        ordered = sorted(found.values(), key=lambda task: rank[task.species])
        return {task.name: task for task in self._with_looks(ordered)}

    def _check_layouts(self) -> None:
        for section in ("species", "modifications", "tasks"):
            for name, entry in self.config[section].items():
                for role in ("sites", "veto"):
                    for at, table in enumerate(entry.get(role) or []):
                        try:
                            check_layout(table["format"], table.get("layout"))
                        except InputError as error:
                            error.keys = (section, name, role, at, "layout")
                            raise

    def _entries(self) -> Iterator[tuple[Task, Mapping[str, Any]]]:
        """Each task that the configuration names in one of three ways, with its data."""
        config = self.config
        for name, entry in self.species.items():
            if "sites" in entry or "windows" in entry:
                modification = self.modification(config["modification"])
                place = config["motif"], config["motif_offset"]
                _check_place(*place, "motif_offset")
                yield self._task(name, name, modification, *place, entry), entry
        for name, entry in config["modifications"].items():
            modification = self.modification(name)
            for species in entry.get("species", self.species):
                task = name if len(self.species) == 1 else f"{species}_{name}"
                yield self._task(task, species, modification, *modification.place, entry), entry
        for name, entry in config["tasks"].items():
            modification = self.modification(entry["modification"])
            place = (entry["motif"], entry.get("motif_offset", 0)) if "motif" in entry else modification.place
            _check_place(*place, "tasks", name, "motif_offset")
            task = self._task(name, entry["species"], modification, *place, entry)
            yield replace(task, label=entry.get("label", name)), entry

    def _task(
        self, name: str, species: str, modification: Modification, motif: str, offset: int, data: Mapping[str, Any]
    ) -> Task:
        motif = motif.replace("T", "U")
        # windows that came in several files were cut around their sites; one set of windows may hold a site anywhere
        windows = data.get("windows") or {}
        return Task(
            name,
            species=species,
            modification=modification.name,
            base=modification.base,
            motif=motif or modification.base,
            motif_offset=offset if motif else 0,
            centred=windows.get("centred", not windows or "files" in windows),
        )

    def _species_order(self, tasks: Sequence[Task]) -> list[str]:
        names = [name for name in self.species if any(task.species == name for task in tasks)]
        if len(names) < 2 or not self.config["tree"]:
            return names
        tips = {name: self.species_sheet[name].tree_name if name in self.species_sheet else name for name in names}
        return order_from(distances(read_tree(self.config["tree"]), tips), self.root_species)

    def _with_looks(self, tasks: Sequence[Task]) -> list[Task]:
        """Labels and colours of the sheets: the species' where tasks differ in it alone, else the modification's."""
        one_species = len({task.species for task in tasks}) == 1
        one_modification = len({task.modification for task in tasks}) == 1
        looks = []
        for task in tasks:
            modification, species = self.modification(task.modification), self.species_sheet.get(task.species)
            if one_modification and not (one_species and self.config["modifications"]):
                label, colour = task.species, species.colour if species else ""
            else:
                label = modification.symbol if one_species else f"{modification.symbol} {task.species}"
                colour = modification.colour
            looks.append(replace(task, label=label if task.label == task.name else task.label, colour=colour))
        return looks

    def modification(self, name: str) -> Modification:
        """A row of the sheet of modifications, by short name or synonym."""
        return find_modification(self.modification_sheet, name)

    def _require_task(self, name: str, where: str, *keys: str | int) -> None:
        if name not in self.tasks:
            raise InputError(
                f"{where} names an unknown task",
                value=name,
                remedy=f"choose one of {', '.join(self.tasks)}",
                keys=keys,
            )

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
        entry = self._data[task].get("windows") or {}
        files = [file for part in entry.get("files", []) for file in _labelled(part, "", part["format"])]
        for given in ("all", "train", "valid", "test"):
            if given in entry:
                files += _labelled(entry[given], "" if given == "all" else given, entry["format"])
        return files

    def negatives_per_positive(self, task: str) -> float | None:
        """Largest number of negatives per positive of a task's ready-made windows; None for all."""
        return self._data[task]["windows"].get("negatives_per_positive")

    def neighbouring_tasks(self) -> list[str]:
        """Tasks with site tables whose species has another one: their sites can lie close to each other."""
        known = self.tasks_with_sites()
        species = [self.tasks[name].species for name in known]
        return [name for name in known if species.count(self.tasks[name].species) > 1]

    # species

    def has_genome(self, species: str) -> bool:
        """Whether a species comes with a genome and an annotation."""
        return {"genome", "annotation"} <= self.species[species].keys()

    def genomes(self) -> list[str]:
        """Species with a genome, an annotation and a task, in the order of the tasks."""
        return list(dict.fromkeys(task.species for task in self.tasks.values() if self.has_genome(task.species)))

    def assembly_of(self, species: str) -> str:
        """Name of the genome assembly: the entry's own, else the one in the sheet of species."""
        if "assembly" in self.species[species]:
            return self.species[species]["assembly"]
        if species not in self.species_sheet:
            raise InputError(
                "the assembly of the species is unknown",
                value=species,
                remedy=f"add assembly to its entry, or a row to {self.config['species_sheet']}",
            )
        return self.species_sheet[species].assembly

    # trainings, stacks and the released model

    def tasks_of(self, setting: str) -> list[str]:
        """Tasks of a setting, in the order of the curriculum."""
        if setting.startswith("single_") and setting.removeprefix("single_") in self.tasks:
            return [setting.removeprefix("single_")]
        if setting not in self._settings:
            raise InputError(
                "no such setting",
                value=setting,
                remedy=f"add it to settings; known: {', '.join(self._settings)}, single",
            )
        entry = self._settings[setting]
        if ("nearest" in entry) == ("tasks" in entry):
            raise InputError(f"setting {setting} needs either tasks or nearest", remedy="see config/README.md")
        if "nearest" in entry:
            if entry["nearest"] > len(self.tasks):
                raise InputError(
                    f"setting {setting} asks for {entry['nearest']} tasks, the configuration has {len(self.tasks)}",
                    remedy="lower it or add tasks",
                )
            return list(self.tasks)[: entry["nearest"]]
        for name in entry["tasks"]:
            self._require_task(name, f"setting {setting}", "settings", setting, "tasks")
        return [name for name in self.tasks if name in entry["tasks"]]

    def curriculum_of(self, setting: str) -> str:
        """Name of the setting's curriculum."""
        return self._settings.get(setting, {}).get("curriculum", "tree")

    def _runs(self) -> list[Run]:
        runs = [
            Run(self.folder, baseline, "single", scheme, 0, "baseline")
            for baseline in self.baselines
            for scheme in SCHEMES
        ]
        for at, entry in enumerate(self.config["trainings"]):
            if entry["model"] not in self.networks:
                raise InputError(
                    "trainings names an unknown model",
                    value=entry["model"],
                    remedy=f"known: {', '.join(self.networks)}",
                    keys=("trainings", at, "model"),
                )
            if entry["setting"] == "single":
                for name in entry.get("tasks", []):
                    self._require_task(name, "trainings", "trainings", at, "tasks")
                settings = [f"single_{name}" for name in entry.get("tasks", self.tasks)]
            else:
                settings = [entry["setting"]]
            for setting in settings:
                self.tasks_of(setting)
                runs += [
                    Run(self.folder, entry["model"], setting, scheme, seed)
                    for scheme in entry["schemes"]
                    for seed in entry["seeds"]
                ]
        if len({run.stem for run in runs}) < len(runs):
            raise InputError("trainings asks for the same run twice", remedy="remove one of the two")
        check_starts(self.networks, runs)
        return [*runs, *(run for name in self.stacks for run in self._stack_runs(name, runs))]

    def start_of(self, model: str, scheme: str, seed: int | str) -> str | None:
        """The weights that a training begins with, as a reference for :meth:`locate`; None for random ones."""
        start = self.networks[model].get("start")
        if not start:
            return None
        if "folder" in start:
            return f"{start['folder']}/weights.safetensors"
        return Run(self.folder, start["model"], start["setting"], scheme, int(seed)).weights

    def _stack_runs(self, name: str, runs: Sequence[Run]) -> list[Run]:
        """One run per seed that the stack's network has in ``runs``."""
        entry = self.stacks[name]
        members: list[str] = entry["members"]
        if name in self.networks or name in self.baselines:
            raise InputError(
                "a stack has the name of a model or a baseline", value=name, remedy="rename it", keys=("stacks", name)
            )
        for member in members:
            if member not in self.networks and member not in self.baselines:
                raise InputError(
                    f"stacks.{name} has a member that is neither among models nor among baselines",
                    value=member,
                    remedy=f"add it there, or take one of {', '.join([*self.networks, *self.baselines])}",
                )
        networks = [member for member in members if member in self.networks]
        if len(networks) != 1 or len(set(members)) < len(members) or len(members) < 2:
            raise InputError(
                f"stacks.{name} needs one network and one or more baselines, each once",
                value=", ".join(members),
                remedy="change its members",
            )
        found = []
        for scheme in dict.fromkeys(entry["schemes"]):
            trained = [run for run in runs if (run.model, run.scheme) == (networks[0], scheme)]
            if entry["setting"] == "single":
                mine = [run for run in trained if run.setting.startswith("single_")]
            else:
                mine = [run for run in trained if run.setting == entry["setting"]]
            if not mine:
                raise InputError(
                    f"stacks.{name} needs {networks[0]} in a setting and scheme that it is not trained in",
                    value=f"{entry['setting']}, {scheme}",
                    remedy="add it to trainings",
                )
            found += [replace(run, model=name, kind="stack") for run in mine]
        return found

    def runs_of_all_tasks(self) -> list[Run]:
        """Runs that know every task, so that each window can be scored for each of them; none unless asked for."""
        if "all" not in self.config["evaluation"]["against"]:
            return []
        return [
            run for run in self.runs if run.kind == "baseline" or len(self.tasks_of(run.setting)) == len(self.tasks)
        ]

    def find_runs(self, model: str, setting: str, scheme: str) -> list[Run]:
        """The seeds of a trained model or stack, setting and scheme; empty where the configuration asks for none."""
        return [
            run for run in self.runs if run.trained and (run.model, run.setting, run.scheme) == (model, setting, scheme)
        ]

    def parts(self, model: str, setting: str, scheme: str) -> Parts:
        """What the model directory of a network or a stack is packed from, all seeds together.

        Parameters
        ----------
        model, setting, scheme : str
            As :class:`Run` names them.
        """
        runs = self.find_runs(model, setting, scheme)
        if model not in self.stacks or not runs:
            return Parts(tuple(runs))
        members = self.stacks[model]["members"]
        return Parts(
            tuple(run for name in members if name in self.networks for run in self.find_runs(name, setting, scheme)),
            tuple(
                run
                for name in members
                for run in self.runs
                if run.kind == "baseline" and (run.model, run.scheme) == (name, scheme)
            ),
            runs[0].weights,
        )

    def has_filters(self, model: str) -> bool:
        """Whether the network of a model or stack begins with convolutions over the sequence, which read as motifs."""
        name = (
            next(one for one in self.stacks[model]["members"] if one in self.networks)
            if model in self.stacks
            else model
        )
        entry = self.networks[name]
        return NETWORKS[entry["network"]].from_mapping(entry["hyperparameters"], "").has_filters

    def _released_key(self) -> tuple[str, str, str]:
        return self.release["model"], self.release["setting"], self.release["scheme"]

    @property
    def released_setting(self) -> str:
        """Setting of the released model."""
        return self._released_key()[1]

    def release_record(self) -> dict[str, str] | None:
        """``model``, ``setting`` and ``scheme`` of the released model as tables name them; None without a release."""
        if not self.release:
            return None
        record = self.find_runs(*self._released_key())[0].record()
        return {key: record[key] for key in ("model", "setting", "scheme")}

    def network_settings(self) -> dict[str, dict[str, Any]]:
        """``network``, ``width`` (nt read), ``embedding`` and ``objective`` of each network that is trained, and in
        ``otherwise`` all else that the configuration says of it, as JSON."""
        trained = {run.model for run in self.runs if run.kind == "network"}
        settings = {}
        for name, entry in self.networks.items():
            if name in trained:
                hyperparameters, training = entry["hyperparameters"], entry["training"]
                settings[name] = {
                    "network": entry["network"],
                    "width": hyperparameters.get("crop") or self.config["window"],
                    "embedding": hyperparameters.get("embedding", "word2vec" if entry["network"] == "multirm" else ""),
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
        return [
            file
            for part in section.get("windows", [])
            for file in _labelled(part, "", part["format"])
            if file["label"] != 1
        ]

    def expand(self, reference: str, name: str = "") -> str:
        """A reference in which placeholders are filled in.

        ``{species}`` and ``{modification}`` stand for those of a task, or for a species or transcript set of that name;
        ``{world}`` for the simulated world.
        """
        if "{world}" in reference and not self.world:
            raise InputError(
                "the configuration reads files of a simulated world and names none",
                value=reference,
                remedy="set simulation.world",
            )
        task = self.tasks.get(name)
        species, modification = (task.species, task.modification) if task else (name, "")
        filled = reference.replace("{species}", species).replace("{modification}", modification)
        return filled.replace("{world}", self.world)

    def locate(self, reference: str, sources: Mapping[str, Any], name: str = "") -> str:
        """The path that a reference in the configuration stands for.

        ``source:NAME`` is the file that the rule ``fetch_source`` brings, ``data:PATH`` lies below ``data_root``,
        anything else is a path. ``#MEMBER`` behind an archive is the file that the rule ``extract_member`` takes out of
        it. Before, placeholders are filled in (:meth:`expand`).

        Raises
        ------
        InputError
            If a source is unknown, or what the reference needs is not in the configuration.
        """
        reference = self.expand(reference, name)
        kind, separator, rest = reference.partition(":")
        if separator and kind == "source":
            source, separator, member = rest.partition("#")
            if source not in sources:
                raise InputError(
                    "the configuration names an unknown source", value=source, remedy="add it to the sheet of sources"
                )
            return member_path(f"resources/sources/{source}/{sources[source].file}{separator}{member}")
        if separator and kind == "data":
            root = self.config.get("data_root")
            if not root:
                raise InputError(
                    "the configuration reads files below data_root, which is not set",
                    value=reference,
                    remedy="add --config data_root=FOLDER",
                )
            return member_path(str(Path(root) / rest))
        return member_path(reference)

    def inputs(self) -> list[Input]:
        """Every file that the configuration names for species, tasks, trainings and test sets, in its order."""
        found: list[Input] = []

        def add(role: str, subject: str, *references: str | None) -> None:
            found.extend(Input(self.expand(one, subject), role, subject) for one in references if one)

        for name, entry in self.species.items():
            add("genome", name, entry.get("genome"))
            add("annotation", name, entry.get("annotation"))
        for name in self.tasks:
            for role in ("sites", "veto"):
                add(role, name, *(table["table"] for table in self.site_tables(name, role)))
            add("windows", name, *(file["file"] for file in self.window_files(name)))
        if self.config.get("orthologues"):
            add("orthologues", "all", self.config["orthologues"]["table"])
        for entry in self.external:
            add("external", entry["task"], *(file["file"] for file in entry["files"]))
        add("null", "all", *(file["file"] for file in self.null_files()))
        for name, entry in self.networks.items():
            folder = entry.get("start", {}).get("folder")
            add("start", name, f"{folder}/weights.safetensors" if folder else None)
        return list(dict.fromkeys(found))

    def drops_files(self) -> list[str]:
        """Every drops table of species, tasks, splits and test sets."""
        files = [f"{self.folder}/sites/{species}.transcripts.drops.tsv" for species in self.genomes()]
        for name in self.tasks:
            files += [
                f"{self.folder}/sites/{name}.{role}.drops.tsv"
                for role in ("sites", "veto")
                if self.site_tables(name, role)
            ]
            files.append(f"{self.folder}/datasets/{name}.drops.tsv")
        files.append(f"{self.folder}/datasets/splits.drops.tsv")
        return [*files, f"{self.folder}/evaluation/external.drops.tsv"] if self.external else files


def _check_place(motif: str, offset: int, *keys: str) -> None:
    if motif and offset >= len(motif):
        raise InputError(f"motif_offset lies outside the motif {motif}", value=offset, remedy="count from 0", keys=keys)


def _labelled(part: Mapping[str, str], given: str, style: str) -> list[dict[str, Any]]:
    labels = {"positives": 1, "negatives": 0, "labelled": None}
    return [
        {"file": part[key], "given": given, "label": label, "format": style}
        for key, label in labels.items()
        if key in part
    ]


def _without(entry: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in names}
