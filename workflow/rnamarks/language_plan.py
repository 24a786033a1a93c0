"""What the sections of a configuration about language models ask for: pre-trainings, fine-tunings, files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .downstream.targets import check_target
from .errors import InputError
from .models.settings.language import LANGUAGE_SIZES, LabelSettings, LanguageSettings, PairSettings, ValueSettings
from .registry import registered
from .training.checks import pretraining_settings
from .training.settings import RANDOM_WAYS, TRUNK_WAYS, WAYS, FinetuneSettings, MaskingSettings, settings_of_way

IMPORTED = 0
"""Seed of a language model that was not trained here."""
HEADS = {"pairs": PairSettings, "label": LabelSettings, "value": ValueSettings}
EXAMPLES = "downstream:"
"""Begins a reference to the examples of a downstream task."""


@dataclass(frozen=True)
class Pretraining:
    """A language model with one seed, which is :data:`IMPORTED` for a released one."""

    folder: str
    language: str
    seed: int

    @property
    def directory(self) -> str:
        return f"{self.folder}/language/{self.language}/{self.seed}"

    @property
    def weights(self) -> str:
        return f"{self.directory}/weights.safetensors"

    @property
    def config(self) -> str:
        return f"{self.directory}/config.json"

    @property
    def history(self) -> str | None:
        return None if self.seed == IMPORTED else f"{self.directory}/history.tsv"

    def record(self) -> dict[str, Any]:
        """Plain values, for a rule's params."""
        return {"language": self.language, "seed": self.seed}


@dataclass(frozen=True)
class DownstreamRun:
    """One set of predictions of a downstream task: of a language model in one way with one seed, or of a baseline.

    ``target`` is what an example answers.
    ``language`` and ``way`` are ``""`` for a baseline, whose seed is 0.
    """

    folder: str
    downstream: str
    target: str
    fold: str
    predictor: str
    seed: int
    language: str = ""
    way: str = ""

    @property
    def predictions(self) -> str:
        return (
            f"{self.folder}/downstream/{self.downstream}/{self.fold}/{self.predictor}/{self.seed}/predictions.parquet"
        )

    @property
    def is_random(self) -> bool:
        """Whether it begins with random weights, as a control."""
        return self.way in RANDOM_WAYS

    def record(self) -> dict[str, Any]:
        """Plain values, for a rule's params."""
        return {
            "downstream": self.downstream,
            "target": self.target,
            "fold": self.fold,
            "predictor": self.predictor,
            "seed": self.seed,
        }


class LanguagePlan:
    """The sections ``corpus``, ``language_models``, ``downstream`` and ``families`` of a checked configuration.

    Attributes
    ----------
    corpus, families : mapping or None
    models, downstream : dict of str to mapping
    trained, imported : list of str
        Names of the language models that are pre-trained here, and of those that come as a file.
    pretrainings : list of Pretraining
        Every language model with every seed, imported ones among them.
    runs : list of DownstreamRun
        Every set of predictions.

    Raises
    ------
    InputError
        If names or sizes do not fit together.
    """

    def __init__(self, config: Mapping[str, Any], folder: str) -> None:
        self.folder = folder
        self.corpus: Mapping[str, Any] | None = config.get("corpus")
        self.families: Mapping[str, Any] | None = config.get("families")
        self.models: dict[str, Any] = dict(config.get("language_models") or {})
        self.downstream: dict[str, Any] = dict(config.get("downstream") or {})
        self.trained = [name for name, entry in self.models.items() if "checkpoint" not in entry]
        self.imported = [name for name in self.models if name not in self.trained]
        for name, entry in self.models.items():
            self._check_model(name, entry)
        self._check_corpus()
        self.pretrainings = [Pretraining(folder, name, seed) for name in self.models for seed in self.seeds_of(name)]
        self.runs = [run for name in self.downstream for run in self._runs_of(name)]
        if self.families:
            self._require_downstream(self.families["downstream"], "families", "downstream")
            self._require_models(self.families.get("models", []), "families", "models")

    # language models

    def _check_model(self, name: str, entry: Mapping[str, Any]) -> None:
        keys = ("language_models", name)
        if "checkpoint" in entry:
            more = [key for key in ("size", "sizes", "training", "masking") if entry.get(key)]
            if more:
                raise InputError(
                    f"language_models.{name} is a released checkpoint, which brings its sizes and its training",
                    value=", ".join(more),
                    remedy="leave them out",
                    keys=(*keys, more[0]),
                )
            return
        if not entry.get("size") and not entry["sizes"]:
            raise InputError(
                f"language_models.{name} has no size",
                remedy=f"give size, one of {', '.join(LANGUAGE_SIZES)}; sizes; or checkpoint",
                keys=keys,
            )
        if "heads" in entry:
            raise InputError(
                "heads is about a checkpoint",
                value=entry["heads"],
                remedy="write it under sizes",
                keys=(*keys, "heads"),
            )
        LanguageSettings.from_mapping(self.sizes_of(name), f"language_models.{name}.sizes.")
        pretraining_settings(entry["training"], f"language_models.{name}.training.")
        MaskingSettings.from_mapping(entry["masking"], f"language_models.{name}.masking.")
        if not self.corpus:
            raise InputError(
                f"language_models.{name} has nothing to learn from", remedy="add a section corpus", keys=keys
            )

    def sizes_of(self, language: str) -> dict[str, Any]:
        """Hyperparameters of a language model that is trained here."""
        entry = self.models[language]
        return {**LANGUAGE_SIZES.get(entry.get("size", ""), {}), **entry["sizes"]}

    def seeds_of(self, language: str) -> list[int]:
        """Seeds of the pre-trainings of a language model."""
        return list(dict.fromkeys(self.models[language]["seeds"])) if language in self.trained else [IMPORTED]

    def pretraining(self, language: str, seed: int | None = None) -> Pretraining:
        """The pre-training that something of a seed begins with: of the same seed, else the first."""
        known = [one for one in self.pretrainings if one.language == language]
        return next((one for one in known if one.seed == seed), known[0])

    # corpus

    def _check_corpus(self) -> None:
        if not self.corpus:
            return
        for part in ("sources", "judged"):
            for name, entry in self.corpus[part].items():
                keys = ("corpus", part, name)
                if ("families" in entry) != ("part" in entry):
                    raise InputError(
                        f"corpus.{part}.{name} needs families and part together",
                        remedy="give the table of families and the part to take, or neither",
                        keys=keys,
                    )
                for at, reference in enumerate(entry["files"]):
                    if reference.startswith(EXAMPLES):
                        self._require_downstream(reference.removeprefix(EXAMPLES), *keys, "files", at)
        both = self.corpus["sources"].keys() & self.corpus["judged"].keys() | self.corpus["judged"].keys() & {"held"}
        if both:
            name = min(both)
            raise InputError(
                "a judged set has the name of a source, or is called held",
                value=name,
                remedy="rename it",
                keys=("corpus", "judged", name),
            )
        if self.corpus["shortest"] > self.corpus["longest"]:
            raise InputError(
                "corpus.shortest is above corpus.longest",
                value=self.corpus["shortest"],
                remedy="change one of them",
                keys=("corpus", "shortest"),
            )

    def rna(self, part: str) -> dict[str, dict[str, Any]]:
        """Sources or judged sets as the builder of the corpus takes them: ``format`` and ``part`` by name."""
        sets = self.corpus[part] if self.corpus else {}
        return {name: {"format": entry["format"], "part": entry.get("part", "")} for name, entry in sets.items()}

    def rna_files(self, part: str) -> dict[str, list[str]]:
        """References of the files of sources or judged sets, and of their tables of families, by names of inputs."""
        files = {}
        for name, entry in (self.corpus[part] if self.corpus else {}).items():
            files[f"{part}_{name}"] = list(entry["files"])
            if "families" in entry:
                files[f"families_{part}_{name}"] = [entry["families"]]
        return files

    # downstream tasks

    def _require_downstream(self, name: str, *keys: str | int) -> None:
        if name not in self.downstream:
            raise InputError(
                f"{keys[0]} names an unknown downstream task",
                value=name,
                remedy=f"known: {', '.join(self.downstream) or 'none, there is no section downstream'}",
                keys=keys,
            )

    def _require_models(self, names: Sequence[str], *keys: str | int) -> None:
        for at, name in enumerate(names):
            if name not in self.models:
                raise InputError(
                    f"{keys[0]} names an unknown language model",
                    value=name,
                    remedy=f"known: {', '.join(self.models) or 'none, there is no section language_models'}",
                    keys=(*keys, at),
                )

    def folds_of(self, downstream: str) -> list[str]:
        """Ways of splitting a downstream task."""
        entry = self.downstream[downstream]
        return list(entry.get("folds") or (["given"] if "test" in entry["files"] else ["guarded"]))

    def models_of(self, downstream: str) -> list[str]:
        """Language models that are tuned for a downstream task."""
        return list(dict.fromkeys(self.downstream[downstream].get("models", self.models)))

    def training_of(self, downstream: str, way: str) -> dict[str, Any]:
        """Settings of the fine-tuning that concern one way of using a language model."""
        return settings_of_way(self.downstream[downstream]["training"], way)

    def _check_tuning(self, downstream: str) -> None:
        entry, where = self.downstream[downstream], f"downstream.{downstream}"
        if "labels" in entry["head"]:
            raise InputError(
                "the labels follow from the examples",
                value=entry["head"]["labels"],
                remedy="leave labels out",
                keys=("downstream", downstream, "head", "labels"),
            )
        HEADS[entry["target"]].from_mapping(entry["head"], f"{where}.head.")
        for way in TRUNK_WAYS:
            inner = way in entry["training"]
            FinetuneSettings.for_target(
                entry["target"], entry["training"], way, f"{where}.training.{f'{way}.' if inner else ''}"
            )

    def _runs_of(self, downstream: str) -> Iterator[DownstreamRun]:
        entry, keys = self.downstream[downstream], ("downstream", downstream)
        self._check_tuning(downstream)
        self._require_models(entry.get("models", []), *keys, "models")
        tuned = [(model, way) for model in self.models_of(downstream) for way in dict.fromkeys(entry["ways"])]
        if not tuned and not entry["baselines"]:
            raise InputError(
                f"downstream.{downstream} asks for no model and no baseline", remedy="name some", keys=keys
            )
        for at, name in enumerate(entry["baselines"]):
            check_target(name, entry["target"], *keys, "baselines", at)
        predictors = {f"{model}_{way}": (model, way) for model, way in tuned}
        for at, name in enumerate(entry["baselines"]):
            if name in predictors:
                raise InputError(
                    "a baseline has the name of a language model's predictions",
                    value=name,
                    remedy="rename the language model",
                    keys=(*keys, "baselines", at),
                )
        target = entry["target"]
        for fold in dict.fromkeys(self.folds_of(downstream)):
            for name, (model, way) in predictors.items():
                for seed in dict.fromkeys(entry["seeds"]):
                    yield DownstreamRun(self.folder, downstream, target, fold, name, seed, model, way)
            for name in dict.fromkeys(entry["baselines"]):
                yield DownstreamRun(self.folder, downstream, target, fold, name, 0)

    def examples(self, downstream: str) -> str:
        """The table of examples of a downstream task."""
        return f"{self.folder}/downstream/{downstream}.examples.parquet"

    def reading(self, downstream: str) -> dict[str, Any]:
        """What decides how the examples of a downstream task are read."""
        entry = self.downstream[downstream]
        wanted = ("target", "format", "columns", "flank", "reads", "longest", "maximum")
        return {key: entry[key] for key in wanted if key in entry} | {"folds": self.folds_of(downstream)}

    def reader_of(self, downstream: str) -> Path:
        """File of the module that reads the examples of a downstream task."""
        return registered("EXAMPLE_FORMATS")[self.downstream[downstream]["format"]]

    def run(self, downstream: str, fold: str, predictor: str, seed: int | str) -> DownstreamRun:
        """One of :attr:`runs`."""
        wanted = downstream, fold, predictor, int(seed)
        return next(run for run in self.runs if (run.downstream, run.fold, run.predictor, run.seed) == wanted)

    def runs_about(self, target: str) -> list[DownstreamRun]:
        """Those of :attr:`runs` whose examples have a target."""
        return [run for run in self.runs if run.target == target]

    def drawn(self) -> list[str]:
        """Predictors of base pairs that examples are drawn of: of each kind the first, fine-tuned models before all."""
        runs = self.runs_about("pairs")
        first = [next((run.predictor for run in runs if run.way == way), "") for way in (*WAYS, "")]
        return list(dict.fromkeys(filter(None, first)))

    def predictors(self, baselines: bool) -> list[str]:
        """Names of all baselines, or of all else that answers."""
        return list(dict.fromkeys(run.predictor for run in self.runs if (not run.language) == baselines))

    # families

    def shown(self) -> list[Pretraining]:
        """Language models whose vectors are mapped: each with its first seed."""
        if not self.families:
            return []
        names = self.families.get("models", list(self.models))
        return [self.pretraining(name) for name in dict.fromkeys(names)]

    # files

    def inputs(self) -> Iterator[tuple[str, str, str]]:
        """(role, subject, reference) of every file that the sections name."""
        for part, role in (("sources", "corpus"), ("judged", "judged")):
            for name, entry in (self.corpus[part] if self.corpus else {}).items():
                for reference in (*entry["files"], *([entry["families"]] if "families" in entry else [])):
                    if not reference.startswith(EXAMPLES):
                        yield role, name, reference
        for name, entry in self.downstream.items():
            for reference in entry["files"].values():
                yield "examples", name, reference
        for name in self.imported:
            yield "checkpoint", name, self.models[name]["checkpoint"]

    def drops_files(self) -> list[str]:
        """Every drops table of the sections."""
        files = [f"{self.folder}/downstream/{name}.drops.tsv" for name in self.downstream]
        return files + ([f"{self.folder}/corpus/drops.tsv"] if self.corpus and self.models else [])
