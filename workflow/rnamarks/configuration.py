"""What a configuration asks for: the species and their files, the trainings, and the files that result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import InputError
from .sites.modifications import find_modification, load_modifications
from .sites.species import read_species
from .training.tree import distances, order_from, read_tree


@dataclass(frozen=True)
class Run:
    """One set of predictions: a network with one seed, or a baseline.

    ``setting`` names the species trained together; ``single_<species>`` is one species alone.
    """

    folder: str
    model: str
    setting: str
    split: str
    seed: int
    trained: bool

    @property
    def stem(self) -> str:
        return f"{self.model}/{self.setting}/{self.split}/{self.seed}"

    @property
    def predictions(self) -> str:
        return f"{self.folder}/predictions/{self.stem}.parquet"

    @property
    def weights(self) -> str:
        return f"{self.folder}/models/{self.stem}/weights.safetensors"

    @property
    def history(self) -> str | None:
        return f"{self.folder}/models/{self.stem}/history.tsv" if self.trained else None

    def record(self) -> dict[str, Any]:
        """Plain values for a rule's params; ``single_<species>`` becomes ``single``."""
        setting = "single" if self.setting.startswith("single") else self.setting
        return {"model": self.model, "setting": setting, "split": self.split, "seed": self.seed}


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

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.run: str = config["run"]
        modifications = load_modifications(config["modification_sheet"])
        self.base = find_modification(modifications, config["modification"]).base
        self.folder = f"results/{self.run}"
        self.species: dict[str, Any] = dict(config["species"])
        for name, entry in self.species.items():
            ready, tables = "windows" in entry, {"genome", "annotation", "sites"} & entry.keys()
            if ready == bool(tables) or (tables and len(tables) < 3):
                raise InputError(
                    f"species {name} needs either windows, or genome, annotation and sites",
                    value=", ".join(entry),
                    remedy="see config/README.md",
                )
        self.networks: dict[str, Any] = dict(config.get("models", {}))
        self.baselines: list[str] = list(config.get("baselines", []))
        self.external = [
            {"name": entry["name"], "head": entry["head"], "files": _labelled(entry, "", entry.get("format", "lines"))}
            for entry in config.get("external", [])
        ]
        self._settings = dict(config.get("settings", {}))
        self.root_species: str = config.get("root_species") or next(iter(self.species))
        search = config.get("line_search")
        self.line_search = (
            Run(self.folder, search["model"], search["setting"], search["split"], 0, True) if search else None
        )
        device = config["resources"]["device"]
        self.gpus_per_training = 1 if device.startswith("cuda") else 0
        self.training_environment = (
            "../../envs/training_gpu.yaml" if self.gpus_per_training else "../../envs/training.yaml"
        )
        self.order = self._order()
        self.runs = self._runs()
        release = config.get("release")
        if release and not self.released_runs():
            raise InputError(
                "release names a training that the configuration does not ask for",
                value=release,
                remedy="add it to trainings",
            )

    def _order(self) -> list[str]:
        names = list(self.species)
        if len(names) == 1 or not self.config.get("tree"):
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
            Run(self.folder, baseline, "single", split, 0, False)
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
                    Run(self.folder, entry["model"], setting, split, seed, True)
                    for split in entry["splits"]
                    for seed in entry["seeds"]
                ]
        if len({run.stem for run in runs}) < len(runs):
            raise InputError("trainings asks for the same run twice", remedy="remove one of the two")
        return runs

    def released_runs(self) -> list[Run]:
        """The trainings, one per seed, that the released model averages."""
        release = self.config.get("release") or {}
        return [
            run
            for run in self.runs
            if run.trained
            and (run.model, run.setting, run.split) == tuple(release.get(key) for key in ("model", "setting", "split"))
        ]

    def site_tables(self, species: str, role: str) -> list[dict[str, str]]:
        """Tables of modified sites of a species, as ``sites`` or as ``veto``."""
        return list(self.species[species].get(role, []))

    def species_with_tables(self) -> list[str]:
        """Species given as genome, annotation and site tables."""
        return [name for name, entry in self.species.items() if "sites" in entry]

    def species_with_windows(self) -> list[str]:
        """Species given as ready-made windows."""
        return [name for name, entry in self.species.items() if "windows" in entry]

    def assembly_of(self, species: str) -> str:
        """Name of the genome assembly: the species' own entry, else the one in the sheet of species."""
        entry = self.species[species]
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
        style = entry.get("format", "lines")
        for given in ("all", "train", "valid", "test"):
            part = entry.get(given)
            if part is None:
                continue
            files += _labelled(part, "" if given == "all" else given, style)
        return files

    def locate(self, reference: str, sources: Mapping[str, Any], species: str = "") -> str:
        """The path that a reference in the configuration stands for.

        ``source:NAME`` is the file that the rule ``fetch_source`` brings, ``data:PATH`` lies below ``data_root``,
        anything else is a path, in which ``{species}`` stands for the species.
        """
        kind, separator, rest = reference.partition(":")
        if separator and kind == "source":
            if rest not in sources:
                raise InputError(
                    "the configuration names an unknown source", value=rest, remedy="add it to the sheet of sources"
                )
            return f"resources/sources/{rest}/{sources[rest].file}"
        if separator and kind == "data":
            root = self.config.get("data_root")
            if not root:
                raise InputError(
                    "the configuration reads files below data_root, which is not set",
                    value=reference,
                    remedy="add --config data_root=FOLDER",
                )
            return str(Path(root) / rest)
        return reference.replace("{species}", species)

    def check_sources(self, sources: Mapping[str, Any]) -> None:
        """Raise :class:`InputError` for the first reference that names an unknown source."""
        for name, entry in self.species.items():
            references = [entry.get("genome"), entry.get("annotation")]
            references += [table["table"] for role in ("sites", "veto") for table in self.site_tables(name, role)]
            references += [file["file"] for file in self.window_files(name)]
            for reference in filter(None, references):
                self.locate(reference, sources, name)

    def drops_files(self) -> list[str]:
        """Every drops table that the run writes."""
        files = []
        for name, entry in self.species.items():
            if "windows" in entry:
                files.append(f"{self.folder}/datasets/{name}.drops.tsv")
            else:
                files += [
                    *(f"{self.folder}/sites/{name}.{role}.drops.tsv" for role in ("sites", "veto") if role in entry),
                    f"{self.folder}/sites/{name}.transcripts.drops.tsv",
                    f"{self.folder}/datasets/{name}.drops.tsv",
                ]
        return [*files, f"{self.folder}/datasets/splits.drops.tsv"]

    def targets(self) -> list[str]:
        """What ``rule all`` asks for."""
        targets = [f"{self.folder}/report.html", f"{self.folder}/figures.tsv"]
        if self.config.get("release"):
            targets += [f"{self.folder}/model/config.json", f"{self.folder}/model/card.md"]
        if self.external:
            targets.append(f"{self.folder}/evaluation/external.tsv")
        return targets


def _labelled(part: Mapping[str, str], given: str, style: str) -> list[dict[str, Any]]:
    labels = {"positives": 1, "negatives": 0, "labelled": None}
    return [
        {"file": part[key], "given": given, "label": label, "format": style}
        for key, label in labels.items()
        if key in part
    ]
