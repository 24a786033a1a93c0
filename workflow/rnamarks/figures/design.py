"""What the figures of a run need to know of its configuration: the species and the models, their order and looks."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..configuration import Plan
from ..sites.species import read_species
from .palette import DASHES, GREYS, SPARE, ramp

NETWORK_LABELS = {"mass": "MASS", "deepm6aseq": "DeepM6ASeq", "unanchored": "Unanchored"}
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
}
NETWORK_MARKERS = (("s", "o", "^"), ("D", "d", "v"), ("p", "h", "<"), ("P", "X", ">"), ("8", "H", "^"), ("s", "d", "v"))
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
    colour, marker : str
    dash : str or tuple
        Line style of matplotlib.
    trained : bool
        False for a baseline.
    curriculum : str
        ``""`` for a baseline or a single species.
    nested : bool
        Whether it belongs to the network's row from one species to all: one species, or the curriculum that most of the
        network's settings have.
    species : tuple of str
        Species that it was trained on, in the order of the tree.
    splits : tuple of str
    """

    model: str
    setting: str
    label: str
    network: str
    colour: str
    marker: str
    dash: Any
    trained: bool
    curriculum: str
    nested: bool
    species: tuple[str, ...]
    splits: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        return self.model, self.setting


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
        Networks in the order of the configuration, each from one species to all; then the baselines.
    recommended : (model, setting) or None
        The released model; without a release the trained model that knows most species; None if nothing is trained.
    split : str
        Split of the recommended model, which figures of one split show.
    released, external, simulated : bool
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

    @classmethod
    def from_plan(cls, plan: Plan) -> Design:
        """The design that a configuration leads to."""
        known = {row.species: row.colour for row in read_species(plan.config["species_sheet"])}
        spare = iter(SPARE * len(plan.order))
        series = tuple([*_networks(plan), *_baselines(plan)])
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
            modification=plan.config["modification"],
            species=tuple(plan.order),
            colours={name: known[name] if name in known else next(spare) for name in plan.order},
            series=series,
            recommended=recommended,
            split=split,
            released=bool(release),
            external=bool(plan.external),
            simulated=bool(plan.config.get("simulation")),
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
        """Settings of the model that knows several species, from one to all, and other networks' single species before.

        Empty where no model was trained on several species.
        """
        lead = self.best
        if lead is None or lead.setting == "single":
            return []
        trained = [entry for entry in self.on(self.split) if entry.trained]
        others = [entry for entry in trained if entry.model != lead.model and entry.setting == "single"]
        return [*others, *(entry for entry in trained if entry.model == lead.model)]

    def headline(self) -> list[Series]:
        """The recommended series, and the networks trained on one species."""
        singles = [entry for entry in self.single() if entry.trained and entry.key != self.recommended]
        return [*([self.best] if self.best else []), *singles]


def _networks(plan: Plan) -> list[Series]:
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    for run in plan.runs:
        if run.trained:
            record = run.record()
            entry = found.setdefault((record["model"], record["setting"]), {"settings": [], "splits": []})
            entry["settings"].append(run.setting)
            entry["splits"].append(run.split)
    series = []
    free = (number for number in itertools.count() if number not in NETWORK_LOOKS.values())
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
            words = "one species" if single else f"{len(species)} species"
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
                    colour=ramp(index, place if nested else 0.55),
                    marker=markers[0] if single else markers[1] if nested else markers[2],
                    dash="-" if nested and not single else DASHES[(index + 1) % len(DASHES)],
                    trained=True,
                    curriculum=curriculum,
                    nested=nested,
                    species=species,
                    splits=splits,
                )
            )
    return series


def _most_common(names: list[str]) -> str:
    """The name that comes most often; among equals the first."""
    return max(dict.fromkeys(names), key=names.count, default="")


def _baselines(plan: Plan) -> list[Series]:
    return [
        Series(
            model=name,
            setting="single",
            label=BASELINE_LABELS.get(name, name.replace("_", " ")),
            network=BASELINE_LABELS.get(name, name.replace("_", " ")),
            colour=GREYS[index % len(GREYS)],
            marker=BASELINE_MARKERS[index % len(BASELINE_MARKERS)],
            dash=DASHES[index % len(DASHES)],
            trained=False,
            curriculum="",
            nested=True,
            species=tuple(plan.order),
            splits=tuple(plan.SPLITS),
        )
        for index, name in enumerate(plan.baselines)
    ]


def _dash(value: Any) -> Any:
    return value if isinstance(value, str) else (value[0], tuple(value[1]))
