"""Configurations: what is wrong with one, and what it asks for: species, their files, trainings, resulting files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .errors import InputError
from .runs import Parts, Run, check_starts
from .sites.modifications import Modification, find_modification, load_modifications
from .sites.species import read_species
from .sources.members import member_path
from .training.tree import distances, order_from, read_tree


class Plan:
    """A validated configuration, expanded.

    Parameters
    ----------
    config : mapping
        As read from YAML and checked against ``workflow/schemas/config.schema.yaml``.

    Raises
    ------
    InputError
        If names do not fit together: a training of an unknown model, a species without files, and the like.
    """

    SPLITS = ("paper", "guarded")
    ANALYSES = (
        "transcriptome",
        "landscape",
        "motifs",
        "attribution",
        "optimisation",
        "capacity",
        "ontology",
        "regulation",
    )

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        # a null world has a run of its own, so that it never takes the place of the other's files
        self.null_world: bool = config.get("null_world", False)
        ending = "_null" if self.null_world else ""
        self.run: str = config["run"] + ending
        simulation = config.get("simulation")
        self.world: str = simulation["world"] + ending if simulation else ""
        if self.null_world and not simulation:
            raise InputError("null_world is about a simulated world", remedy="leave it out, or give simulation")
        modifications = load_modifications(config["modification_sheet"])
        self.base = find_modification(modifications, config["modification"]).base
        self.folder = f"results/{self.run}"
        self.heads_are = "modification" if "modifications" in config else "species"
        self.organism: dict[str, Any] = dict(config.get("organism", {}))
        self.species: dict[str, Any] = self._heads()
        self.marks: dict[str, Modification] = {
            name: find_modification(modifications, name)
            if self.heads_are == "modification"
            else replace(
                find_modification(modifications, config["modification"]),
                motif=config["motif"] or self.base,
                motif_offset=config["motif_offset"] if config["motif"] else 0,
            )
            for name in self.species
        }
        for name, entry in self.species.items():
            ready, tables = "windows" in entry, {"genome", "annotation", "sites"} & entry.keys()
            if ready == bool(tables) or (tables and len(tables) < 3):
                raise InputError(
                    f"{self.heads_are} {name} needs either windows, or genome, annotation and sites",
                    value=", ".join(entry),
                    remedy="see config/README.md",
                )
        self.networks: dict[str, Any] = dict(config.get("models", {}))
        self.baselines: list[str] = list(config.get("baselines", []))
        if self.heads_are == "modification" and "motif_rule" in self.baselines:
            raise InputError(
                "motif_rule knows one motif", value="motif_rule", remedy="leave it out of a run about modifications"
            )
        self.stacks: dict[str, Any] = dict(config.get("stacks", {}))
        self.external = [
            {"name": entry["name"], "head": entry["head"], "files": _labelled(entry, "", entry.get("format", "lines"))}
            for entry in config.get("external", [])
        ]
        self._settings = dict(config.get("settings", {}))
        self.root_species: str = config.get("root_species") or next(iter(self.species))
        search = config.get("line_search")
        if search and "start" in self.networks.get(search["model"], {}):
            raise InputError(
                "line_search trains from random weights",
                value=search["model"],
                remedy="search with a model that has no start",
            )
        self.line_search = Run(self.folder, search["model"], search["setting"], search["split"], 0) if search else None
        device = config["resources"]["device"]
        self.gpus_per_training = 1 if device.startswith("cuda") else 0
        self.training_environment = (
            "../../envs/training_gpu.yaml" if self.gpus_per_training else "../../envs/training.yaml"
        )
        self.analyses = [name for name in self.ANALYSES if name in config]
        if self.analyses and self.heads_are == "modification":
            raise InputError(
                f"{self.analyses[0]} is about species", remedy="leave the section out of a run about modifications"
            )
        if "capacity" in self.analyses and config.get("orthologues") and len(self.species_with_tables()) > 1:
            self.analyses.append("conservation")
        self.order = self._order()
        self.runs = self._runs()
        release = config.get("release")
        if release and not self.released_runs():
            raise InputError(
                "release names a training that the configuration does not ask for",
                value=release,
                remedy="add it to trainings or stacks",
            )
        if "marks" in config and (self.heads_are == "species" or not release):
            raise InputError(
                "marks is about the released model of a run about modifications",
                remedy="give modifications and release, or leave marks out",
            )
        if "marks" in config and not self.null_files() and not self.species_with_tables():
            raise InputError(
                "there are no unmodified bases for the null distribution",
                remedy="name window files under marks.null.windows",
            )
        if self.external and not release:
            raise InputError("external needs a released model", remedy="name one under release")

    def _heads(self) -> dict[str, Any]:
        """The entries under ``species``, or those under ``modifications`` with the files of the organism."""
        config = self.config
        if ("species" in config) == ("modifications" in config):
            raise InputError(
                "a run is about several species or about several modifications",
                value=", ".join(name for name in ("species", "modifications") if name in config) or "neither",
                remedy="give one of the keys species and modifications",
            )
        if self.heads_are == "species":
            if self.organism:
                raise InputError("organism belongs to modifications", remedy="leave it out, or give modifications")
            return dict(config["species"])
        files = {key: self.organism[key] for key in ("genome", "annotation", "assembly") if key in self.organism}
        entries = {}
        for name, entry in config["modifications"].items():
            if "sites" in entry and not {"genome", "annotation"} <= files.keys():
                raise InputError(
                    f"modification {name} has site tables and the run no genome and annotation",
                    remedy="give organism.genome and organism.annotation",
                )
            entries[name] = {**files, **entry} if "sites" in entry else dict(entry)
        return entries

    def genome_of(self, head: str) -> str:
        """Whose genome and transcripts the sites of a head lie on: a species, or the organism of all modifications."""
        return self.organism["name"] if self.heads_are == "modification" else head

    def genomes(self) -> dict[str, dict[str, Any]]:
        """``genome`` and ``annotation`` by the name that :meth:`genome_of` gives."""
        return {self.genome_of(name): self.species[name] for name in self.species_with_tables()}

    def vetoing(self, head: str) -> list[tuple[str, str]]:
        """(head, role) of every site table that calls a base of this head modified, beside the head's own sites."""
        return [entry for entry in self.listing(head) if entry != (head, "sites")]

    def listing(self, head: str) -> list[tuple[str, str]]:
        """(head, role) of every site table that calls a base of this head modified."""
        others = self.species_with_tables() if self.heads_are == "modification" else [head]
        alike = [name for name in others if self.marks[name].base == self.marks[head].base]
        return [(name, role) for name in alike for role in ("sites", "veto") if self.site_tables(name, role)]

    def null_files(self) -> list[dict[str, Any]]:
        """Window files whose unmodified windows hold the bases of the null; empty where transcripts do."""
        parts = self.config.get("marks", {}).get("null", {}).get("windows", [])
        return [
            file for part in parts for file in _labelled(part, "", part.get("format", "lines")) if file["label"] != 1
        ]

    def network_settings(self) -> dict[str, dict[str, Any]]:
        """``network``, ``width`` (nt read), ``embedding`` and ``objective`` of each network that is trained, and in
        ``otherwise`` all else that the configuration says of it, as JSON."""
        trained = {run.model for run in self.runs if run.kind == "network"}
        settings = {}
        for name, entry in self.networks.items():
            if name in trained:
                hyperparameters, training = entry.get("hyperparameters", {}), entry.get("training", {})
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

    def modifications(self) -> dict[str, dict[str, Any]]:
        """Of a run about modifications: what a model says of its heads; empty for species."""
        if self.heads_are == "species":
            return {}
        return {
            name: {
                "modification": mark.name,
                "base": mark.base,
                "motif": mark.place[0],
                "motif_offset": mark.place[1],
            }
            for name, mark in self.marks.items()
        }

    def _order(self) -> list[str]:
        names = list(self.species)
        if len(names) == 1 or not self.config.get("tree") or self.heads_are == "modification":
            return names
        root = self.root_species
        if root not in self.species:
            raise InputError("root_species is not among the species", value=root, remedy=f"one of {', '.join(names)}")
        sheet = {row.species: row.tree_name for row in read_species(self.config["species_sheet"])}
        tips = {name: sheet.get(name, name) for name in names}
        return order_from(distances(read_tree(self.config["tree"]), tips), root)

    def species_of(self, setting: str) -> list[str]:
        """Species of a setting in the order of the curriculum: by distance on the tree from the root species."""
        if setting.startswith("single_") and setting.removeprefix("single_") in self.species:
            return [setting.removeprefix("single_")]
        if setting not in self._settings:
            raise InputError(
                "no such setting",
                value=setting,
                remedy=f"add it to settings; known: {', '.join(self._settings)}, single",
            )
        entry = self._settings[setting]
        if "nearest" in entry:
            if entry["nearest"] > len(self.order):
                raise InputError(
                    f"setting {setting} asks for {entry['nearest']} species, the configuration has {len(self.order)}",
                    remedy="lower it or add species",
                )
            return self.order[: entry["nearest"]]
        unknown = [name for name in entry["species"] if name not in self.species]
        if unknown:
            raise InputError(f"setting {setting} names unknown species", value=unknown, remedy="add them to species")
        return [name for name in self.order if name in entry["species"]]

    def curriculum_of(self, setting: str) -> str:
        """Name of the setting's curriculum."""
        return self._settings.get(setting, {}).get("curriculum", "tree")

    def _runs(self) -> list[Run]:
        runs = [
            Run(self.folder, baseline, "single", split, 0, "baseline")
            for baseline in self.baselines
            for split in self.SPLITS
        ]
        for entry in self.config.get("trainings", []):
            if entry["model"] not in self.networks:
                raise InputError(
                    "trainings names an unknown model",
                    value=entry["model"],
                    remedy=f"known: {', '.join(self.networks)}",
                )
            if entry["setting"] == "single":
                settings = [f"single_{name}" for name in entry.get("species", self.species)]
            else:
                settings = [entry["setting"]]
            for setting in settings:
                self.species_of(setting)
                runs += [
                    Run(self.folder, entry["model"], setting, split, seed)
                    for split in entry["splits"]
                    for seed in entry["seeds"]
                ]
        if len({run.stem for run in runs}) < len(runs):
            raise InputError("trainings asks for the same run twice", remedy="remove one of the two")
        check_starts(self.networks, runs)
        return [*runs, *(run for name in self.stacks for run in self._stack_runs(name, runs))]

    def start_of(self, model: str, split: str, seed: int | str) -> str | None:
        """The weights that a training begins with, as a reference for :meth:`locate`; None for random ones."""
        start = self.networks[model].get("start")
        if not start:
            return None
        if "folder" in start:
            return f"{start['folder']}/weights.safetensors"
        return Run(self.folder, start["model"], start["setting"], split, int(seed)).weights

    def _stack_runs(self, name: str, runs: Sequence[Run]) -> list[Run]:
        """One run per seed that the stack's network has in ``runs``."""
        entry = self.stacks[name]
        members: list[str] = entry["members"]
        if name in self.networks or name in self.baselines:
            raise InputError("a stack has the name of a model or a baseline", value=name, remedy="rename it")
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
        for split in dict.fromkeys(entry["splits"]):
            trained = [run for run in runs if (run.model, run.split) == (networks[0], split)]
            if entry["setting"] == "single":
                mine = [run for run in trained if run.setting.startswith("single_")]
            else:
                mine = [run for run in trained if run.setting == entry["setting"]]
            if not mine:
                raise InputError(
                    f"stacks.{name} needs {networks[0]} in a setting and split that it is not trained in",
                    value=f"{entry['setting']}, {split}",
                    remedy="add it to trainings",
                )
            found += [replace(run, model=name, kind="stack") for run in mine]
        return found

    def runs_of_all_heads(self) -> list[Run]:
        """Runs that know every head of the run, so that each window can be scored for each of them."""
        return [
            run for run in self.runs if run.kind == "baseline" or len(self.species_of(run.setting)) == len(self.species)
        ]

    def find_runs(self, model: str, setting: str, split: str) -> list[Run]:
        """The seeds of a model, setting and split; empty where the configuration asks for none."""
        return [run for run in self.runs if (run.model, run.setting, run.split) == (model, setting, split)]

    def parts(self, model: str, setting: str, split: str) -> Parts:
        """What the model directory of a network or a stack is packed from, all seeds together.

        Parameters
        ----------
        model, setting, split : str
            As :class:`Run` names them.
        """
        runs = self.find_runs(model, setting, split)
        if model not in self.stacks or not runs:
            return Parts(tuple(run for run in runs if run.kind == "network"))
        members = self.stacks[model]["members"]
        return Parts(
            tuple(run for name in members if name in self.networks for run in self.find_runs(name, setting, split)),
            tuple(run for name in members if name in self.baselines for run in self.find_runs(name, "single", split)),
            runs[0].weights,
        )

    def released_runs(self) -> list[Run]:
        """The runs, one per seed, that the released model averages."""
        release = self.config.get("release")
        if not release:
            return []
        return [run for run in self.find_runs(release["model"], release["setting"], release["split"]) if run.trained]

    def released_parts(self) -> Parts:
        """What the released model is packed from."""
        runs = self.released_runs()
        return self.parts(runs[0].model, runs[0].setting, runs[0].split) if runs else Parts(())

    def release_record(self) -> dict[str, str] | None:
        """``model``, ``setting`` and ``split`` of the released model as tables name them; None without a release."""
        runs = self.released_runs()
        return {key: runs[0].record()[key] for key in ("model", "setting", "split")} if runs else None

    def site_tables(self, species: str, role: str) -> list[dict[str, str]]:
        """Tables of modified sites of a species, as ``sites`` or as ``veto``."""
        return list(self.species[species].get(role, []))

    def species_with_tables(self) -> list[str]:
        """Species given as genome, annotation and site tables."""
        return [name for name, entry in self.species.items() if "sites" in entry]

    def species_with_windows(self) -> list[str]:
        """Species given as ready-made windows."""
        return [name for name, entry in self.species.items() if "windows" in entry]

    def assembly_of(self, head: str) -> str:
        """Name of the genome assembly: the entry's own, else the one in the sheet of species."""
        entry, species = self.species[head], self.genome_of(head)
        if "assembly" in entry:
            return entry["assembly"]
        known = {row.species: row.assembly for row in read_species(self.config["species_sheet"])}
        if species not in known:
            raise InputError(
                "the assembly of the species is unknown",
                value=species,
                remedy=f"add assembly to its entry, or a row to {self.config['species_sheet']}",
            )
        return known[species]

    def window_files(self, species: str) -> list[dict[str, Any]]:
        """The ready-made window files of a species: dicts with ``file``, ``given``, ``label`` and ``format``.

        ``label`` is 1, 0, or None where the file itself tells.
        """
        files = []
        entry = self.species[species].get("windows", {})
        for part in entry.get("files", []):
            files += _labelled(part, "", part.get("format", "lines"))
        style = entry.get("format", "lines")
        for given in ("all", "train", "valid", "test"):
            part = entry.get(given)
            if part is None:
                continue
            files += _labelled(part, "" if given == "all" else given, style)
        return files

    def expand(self, reference: str, species: str = "") -> str:
        """A reference in which ``{species}`` stands for the species and ``{world}`` for the simulated world."""
        if "{world}" in reference and not self.world:
            raise InputError(
                "the configuration reads files of a simulated world and names none",
                value=reference,
                remedy="set simulation.world",
            )
        return reference.replace("{species}", species).replace("{world}", self.world)

    def locate(self, reference: str, sources: Mapping[str, Any], species: str = "") -> str:
        """The path that a reference in the configuration stands for.

        ``source:NAME`` is the file that the rule ``fetch_source`` brings, ``data:PATH`` lies below ``data_root``,
        anything else is a path. ``#MEMBER`` behind an archive is the file that the rule ``extract_member`` takes out of
        it. Before, placeholders are filled in (:meth:`expand`).

        Raises
        ------
        InputError
            If a source is unknown, or what the reference needs is not in the configuration.
        """
        reference = self.expand(reference, species)
        kind, separator, rest = reference.partition(":")
        if separator and kind == "source":
            name, separator, member = rest.partition("#")
            if name not in sources:
                raise InputError(
                    "the configuration names an unknown source", value=name, remedy="add it to the sheet of sources"
                )
            return member_path(f"resources/sources/{name}/{sources[name].file}{separator}{member}")
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

    def check_sources(self, sources: Mapping[str, Any]) -> None:
        """Raise :class:`InputError` for the first file or assembly that nothing in the configuration leads to."""
        references = [entry["file"] for part in self.external for entry in part["files"]]
        if self.config.get("orthologues"):
            references.append(self.config["orthologues"]["table"])
        for reference in references:
            self.locate(reference, sources)
        for name in self.species_with_tables():
            self.assembly_of(name)
        for name, entry in self.species.items():
            references = [entry.get("genome"), entry.get("annotation")]
            references += [table["table"] for role in ("sites", "veto") for table in self.site_tables(name, role)]
            references += [file["file"] for file in self.window_files(name)]
            for reference in filter(None, references):
                self.locate(reference, sources, name)
        for file in self.null_files():
            self.locate(file["file"], sources)
        for entry in self.networks.values():
            if "folder" in entry.get("start", {}):
                self.locate(entry["start"]["folder"], sources)

    def drops_files(self) -> list[str]:
        """Every drops table that the run writes."""
        files = []
        for name, entry in self.species.items():
            if "windows" in entry:
                files.append(f"{self.folder}/datasets/{name}.drops.tsv")
            else:
                files += [
                    *(f"{self.folder}/sites/{name}.{role}.drops.tsv" for role in ("sites", "veto") if role in entry),
                    f"{self.folder}/sites/{self.genome_of(name)}.transcripts.drops.tsv",
                    f"{self.folder}/datasets/{name}.drops.tsv",
                ]
        files.append(f"{self.folder}/datasets/splits.drops.tsv")
        if self.external:
            files.append(f"{self.folder}/evaluation/external.drops.tsv")
        return list(dict.fromkeys(files))

    def targets(self) -> list[str]:
        """What ``rule all`` asks for."""
        targets = [f"{self.folder}/report.html", f"{self.folder}/figures.tsv"]
        if self.config.get("release"):
            targets += [f"{self.folder}/model/config.json", f"{self.folder}/model/card.md"]
        if self.external:
            targets.append(f"{self.folder}/evaluation/external.tsv")
        if "marks" in self.config:
            targets.append(f"{self.folder}/scanner/null.safetensors")
        return targets


def _labelled(part: Mapping[str, str], given: str, style: str) -> list[dict[str, Any]]:
    labels = {"positives": 1, "negatives": 0, "labelled": None}
    return [
        {"file": part[key], "given": given, "label": label, "format": style}
        for key, label in labels.items()
        if key in part
    ]


def _without(entry: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in names}
