"""What the figures of a run need to know of its configuration: the species and the models, their order and looks."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..configuration import Plan
from ..sites.species import read_species
from .palette import DASHES, GREYS, SPARE, ramp

NETWORK_LABELS = {"mass": "MASS", "deepm6aseq": "DeepM6ASeq", "unanchored": "Unanchored", "multirm": "MultiRM"}
NETWORK_LOOKS = {"mass": 0, "deepm6aseq": 1, "unanchored": 2}
"""Networks that look the same in every run; others take what is left, in the order of the configuration."""
BASELINE_LABELS = {
    "prevalence": "prevalence",
    "motif_rule": "motif rule",
    "kmer_frequency": "5-mer frequency",
    "naive_bayes_trinucleotide": "naive Bayes, 3-mers",
    "kmer_logistic": "k-mer logistic regression",
    "composition": "composition",
    "kmer_xgboost": "k-mer boosted trees",
    "kmer_blend": "k-mer blend",
    "xgboost_one_hot": "XGBoost, one-hot",
    "catboost_one_hot": "CatBoost, one-hot",
    "xgboost_multiclass": "XGBoost, all classes",
    "catboost_multiclass": "CatBoost, all classes",
}
NETWORK_MARKERS = (("s", "o", "^"), ("D", "d", "v"), ("p", "h", "<"), ("P", "X", ">"), ("8", "H", "^"), ("s", "d", "v"))
STACK_MARKERS = ("P", "X", "H")
BASELINE_MARKERS = ("X", "P", "v", "<", ">", "h", "d")


@dataclass(frozen=True)
class Series:
    """One model in one setting, as all figures show it.

    Attributes
    ----------
    model, setting : str
        As in the tables; ``setting`` is ``single`` for all models of one species.
    label : str
        Model and setting in words.
    network : str
        The model in words.
    trunk : str
        Name of the network in it: its own, a stack's member, or ``""`` for a baseline.
    colour, marker : str
    dash : str or tuple
        Line style of matplotlib.
    kind : {"network", "stack", "baseline"}
    curriculum : str
        ``""`` for a baseline or a single species.
    nested : bool
        Whether it belongs to the network's row from one species to all: one species, or the curriculum that most of the
        network's settings have; never a stack.
    species : tuple of str
        Species that it was trained on, in the order of the tree.
    splits : tuple of str
    """

    model: str
    setting: str
    label: str
    network: str
    trunk: str
    colour: str
    marker: str
    dash: Any
    kind: str
    curriculum: str
    nested: bool
    species: tuple[str, ...]
    splits: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        return self.model, self.setting

    @property
    def trained(self) -> bool:
        """Whether there is a network in it."""
        return self.kind != "baseline"


@dataclass(frozen=True)
class Design:
    """Species and series of a run.

    Attributes
    ----------
    run, modification : str
    species : tuple of str
        From the root of the curriculum outwards.
    colours : dict of str to str
    series : tuple of Series
        Networks in the order of the configuration, each from one species to all; then stacks; then baselines.
    recommended : (model, setting) or None
        The released model; without a release the trained model that knows most species; None if nothing is trained.
    split : str
        Split of the recommended model, which figures of one split show.
    released, external, simulated : bool
    analyses : tuple of str
        Sections of the configuration, beyond training and evaluation, that the run has: see
        :attr:`rnamarks.configuration.Plan.analyses`.
    heads_are : {"species", "modification"}
        What ``species`` holds: in a run about modifications these are the names of the modifications.
    varied : tuple of str
        Of a run about modifications: in which of ``width``, ``embedding`` and ``objective`` its networks differ;
        ``student`` where one is distilled.
    null_world : bool
        Whether the labels of the simulated data are random.
    """

    run: str
    modification: str
    species: tuple[str, ...]
    colours: dict[str, str]
    series: tuple[Series, ...]
    recommended: tuple[str, str] | None
    split: str
    released: bool
    external: bool
    simulated: bool
    analyses: tuple[str, ...] = ()
    heads_are: str = "species"
    varied: tuple[str, ...] = ()
    null_world: bool = False

    def say(self, text: str) -> str:
        """A text that speaks of species, as it reads in this run: in one about modifications, it speaks of marks."""
        if self.heads_are == "species":
            return text
        plural = re.sub(r"\b(all|both|two|main|many|several|more|\d+) species\b", r"\1 marks", text)
        return plural.replace("species", "mark").replace("Species", "Mark")

    @classmethod
    def from_plan(cls, plan: Plan) -> Design:
        """The design that a configuration leads to."""
        marks = plan.heads_are == "modification"
        known = {row.species: row.colour for row in read_species(plan.config["species_sheet"])}
        if marks:
            known = {name: mark.colour for name, mark in plan.marks.items()}
        spare = iter(SPARE * len(plan.order))
        series = tuple(_series(plan))
        trained = [entry for entry in series if entry.trained]
        release = plan.config.get("release")
        if release:
            recommended, split = (release["model"], release["setting"]), release["split"]
            if recommended[1].startswith("single"):
                recommended = (release["model"], "single")
        elif trained:
            best = max(trained, key=lambda entry: len(entry.species) if entry.setting != "single" else 1)
            recommended, split = best.key, best.splits[0]
        else:
            recommended, split = None, plan.SPLITS[0]
        return cls(
            run=plan.run,
            modification="RNA modification" if marks else plan.config["modification"],
            species=tuple(plan.order),
            colours={name: known[name] if name in known else next(spare) for name in plan.order},
            series=series,
            recommended=recommended,
            split=split,
            released=bool(release),
            external=bool(plan.external),
            simulated=bool(plan.config.get("simulation")),
            analyses=tuple(plan.analyses),
            heads_are=plan.heads_are,
            varied=tuple(_varied(plan)) if marks else (),
            null_world=plan.null_world,
        )

    def record(self) -> dict[str, Any]:
        """Plain values, for a rule's params."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Design:
        """The reverse of :meth:`record`, also after a round through JSON."""
        values = dict(record)
        values["series"] = tuple(
            Series(
                **{
                    **entry,
                    "dash": _dash(entry["dash"]),
                    "species": tuple(entry["species"]),
                    "splits": tuple(entry["splits"]),
                }
            )
            for entry in values["series"]
        )
        values["species"] = tuple(values["species"])
        values["analyses"] = tuple(values["analyses"])
        values["varied"] = tuple(values["varied"])
        values["colours"] = dict(values["colours"])
        values["recommended"] = tuple(values["recommended"]) if values["recommended"] else None
        return cls(**values)

    def find(self, key: tuple[str, str]) -> Series:
        """The series of a model and setting."""
        return next(entry for entry in self.series if entry.key == tuple(key))

    @property
    def best(self) -> Series | None:
        """The recommended series."""
        return self.find(self.recommended) if self.recommended else None

    def on(self, split: str) -> list[Series]:
        """Series that were made on a split."""
        return [entry for entry in self.series if split in entry.splits]

    def single(self, split: str | None = None) -> list[Series]:
        """Series of one species: networks, then baselines."""
        return [entry for entry in self.on(split or self.split) if entry.setting == "single"]

    def ladder(self) -> list[Series]:
        """Settings of the network that knows several species, from one to all, and its stacks; other networks' single
        species before.

        Empty where no model was trained on several species.
        """
        lead = self.best
        if lead is None or lead.setting == "single":
            return []
        trained = [entry for entry in self.on(self.split) if entry.trained]
        others = [entry for entry in trained if entry.trunk != lead.trunk and entry.setting == "single"]
        return [*others, *(entry for entry in trained if entry.trunk == lead.trunk)]

    def headline(self) -> list[Series]:
        """The recommended series, the network of a stack without its baselines, and what was trained on one species."""
        if self.best is None:
            return []
        shown = [self.best, self.find((self.best.trunk, self.best.setting))]
        shown += [entry for entry in self.single() if entry.trained]
        return list(dict.fromkeys(shown))


def _varied(plan: Plan) -> list[str]:
    settings = plan.network_settings().values()
    varied = [name for name in ("width", "embedding", "objective") if len({entry[name] for entry in settings}) > 1]
    return [*varied, "student"] if "marks" in plan.config else varied


def _series(plan: Plan) -> list[Series]:
    free = (number for number in itertools.count() if number not in NETWORK_LOOKS.values())
    networks = _networks(plan, free)
    return [*networks, *_stacks(plan, free, networks), *_baselines(plan)]


def _trained(plan: Plan, kind: str) -> dict[tuple[str, str], dict[str, list[str]]]:
    """``settings``, as :class:`~rnamarks.configuration.Run` names them, and ``splits`` of each model and setting."""
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    for run in plan.runs:
        if run.kind == kind:
            record = run.record()
            entry = found.setdefault((record["model"], record["setting"]), {"settings": [], "splits": []})
            entry["settings"].append(run.setting)
            entry["splits"].append(run.split)
    return found


def _networks(plan: Plan, free: Iterator[int]) -> list[Series]:
    found = _trained(plan, "network")
    series = []
    for network in plan.networks:
        index = NETWORK_LOOKS[network] if network in NETWORK_LOOKS else next(free)
        mine = []
        for (model, setting), entry in found.items():
            if model != network:
                continue
            names = {name for one in entry["settings"] for name in plan.species_of(one)}
            curriculum = "" if setting == "single" else plan.curriculum_of(setting)
            species = tuple(name for name in plan.order if name in names)
            mine.append((setting, species, curriculum, tuple(dict.fromkeys(entry["splits"]))))
        main = _most_common([curriculum for setting, _, curriculum, _ in mine if setting != "single"])
        mine.sort(key=lambda entry: (entry[0] != "single", entry[2] not in ("", main), len(entry[1])))
        label = NETWORK_LABELS.get(network, network.replace("_", " "))
        sizes = [len(species) for setting, species, curriculum, _ in mine if curriculum in ("", main)]
        markers = NETWORK_MARKERS[index % len(NETWORK_MARKERS)]
        for rank, (setting, species, curriculum, splits) in enumerate(mine):
            single, nested = setting == "single", curriculum in ("", main)
            one, several = ("one species", "species") if plan.heads_are == "species" else ("one mark", "marks")
            words = one if single else f"{len(species)} {several}"
            same = [entry for entry in mine if entry[0] != "single" and len(entry[1]) == len(species)]
            if not single and len(same) > 1 and not nested:
                words += f", {curriculum.replace('_', ' ')}"
            if sum(entry[2] == curriculum for entry in same) > 1 and not single:
                words = setting.replace("_", " ")
            place = 0.75 if len(mine) == 1 else 0.25 + 0.75 * min(rank, len(sizes) - 1) / max(1, len(sizes) - 1)
            series.append(
                Series(
                    model=network,
                    setting=setting,
                    label=f"{label}, {words}",
                    network=label,
                    trunk=network,
                    colour=ramp(index, place if nested else 0.55),
                    marker=markers[0] if single else markers[1] if nested else markers[2],
                    dash="-" if nested and not single else DASHES[(index + 1) % len(DASHES)],
                    kind="network",
                    curriculum=curriculum,
                    nested=nested,
                    species=species,
                    splits=splits,
                )
            )
    return series


def _stacks(plan: Plan, free: Iterator[int], networks: Sequence[Series]) -> list[Series]:
    series = []
    looks = {name: (next(free), STACK_MARKERS[rank % len(STACK_MARKERS)]) for rank, name in enumerate(plan.stacks)}
    for (name, setting), entry in _trained(plan, "stack").items():
        members = plan.stacks[name]["members"]
        trunk = next(one for one in networks if one.model in members and one.setting == setting)
        baselines = [_baseline_label(member) for member in members if member in plan.baselines]
        # the names of several leave a figure no room; the report tells them
        added = baselines[0] if len(baselines) == 1 else f"{len(baselines)} baselines"
        names = {one for each in entry["settings"] for one in plan.species_of(each)}
        index, marker = looks[name]
        label = f"{trunk.network} + {added}"
        series.append(
            replace(
                trunk,
                model=name,
                label=f"{label}{trunk.label.removeprefix(trunk.network)}",
                network=label,
                colour=ramp(index, 0.75),
                marker=marker,
                dash=DASHES[(index + 1) % len(DASHES)],
                kind="stack",
                nested=False,
                species=tuple(one for one in plan.order if one in names),
                splits=tuple(dict.fromkeys(entry["splits"])),
            )
        )
    return series


def _baseline_label(name: str) -> str:
    return BASELINE_LABELS.get(name, name.replace("_", " "))


def _most_common(names: list[str]) -> str:
    """The name that comes most often; among equals the first."""
    return max(dict.fromkeys(names), key=names.count, default="")


def _baselines(plan: Plan) -> list[Series]:
    return [
        Series(
            model=name,
            setting="single",
            label=_baseline_label(name),
            network=_baseline_label(name),
            trunk="",
            colour=GREYS[index % len(GREYS)],
            marker=BASELINE_MARKERS[index % len(BASELINE_MARKERS)],
            dash=DASHES[index % len(DASHES)],
            kind="baseline",
            curriculum="",
            nested=True,
            species=tuple(plan.order),
            splits=tuple(plan.SPLITS),
        )
        for index, name in enumerate(plan.baselines)
    ]


def _dash(value: Any) -> Any:
    return value if isinstance(value, str) else (value[0], tuple(value[1]))
