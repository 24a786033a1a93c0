"""What the figures of a run need to know of its configuration: the tasks and the models, their order and looks."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from ..keys import SCHEMES
from ..tasks import Task, find_task
from .palette import DASHES, GREYS, INK, SPARE, ramp, shade

if TYPE_CHECKING:
    from ..configuration import Plan
    from ..runs import Run

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
_VARIED = ("width", "embedding", "objective")


@dataclass(frozen=True)
class Series:
    """One model in one setting, as all figures show it.

    Attributes
    ----------
    model, setting : str
        As in the tables; ``setting`` is ``single`` for all models of one task.
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
        ``""`` for a baseline or a single task.
    nested : bool
        Whether it belongs to the network's row from one task to all: one task, or the curriculum that most of the
        network's settings have; never a stack.
    tasks : tuple of str
        Names of the tasks that it was trained on, in the order of the design.
    schemes : tuple of str
    """

    model: str
    setting: str
    label: str
    network: str
    colour: str
    marker: str
    dash: Any
    kind: str
    tasks: tuple[str, ...]
    schemes: tuple[str, ...]
    trunk: str = ""
    curriculum: str = ""
    nested: bool = True

    @property
    def key(self) -> tuple[str, str]:
        return self.model, self.setting

    @property
    def trained(self) -> bool:
        """Whether there is a network in it."""
        return self.kind != "baseline"


@dataclass(frozen=True)
class Design:
    """Tasks and series of a run.

    Attributes
    ----------
    run : str
    tasks : tuple of Task
        In the order of the curriculum; each has a label and a colour.
    series : tuple of Series
        Networks in the order of the configuration, each from one task to all; then stacks; then baselines.
    recommended : (model, setting) or None
        The released model; without a release the trained model that knows most tasks; None if nothing is trained.
    scheme : str
        Scheme of the recommended model, which figures of one scheme show.
    offers : frozenset of str
        What the run has beyond training and evaluation, see ``Plan.offers``; and in which of ``width``, ``embedding``
        and ``objective`` its networks differ.
    simulated : bool
    null_world : bool
        Whether the labels of the simulated data are random.
    """

    run: str
    tasks: tuple[Task, ...]
    series: tuple[Series, ...]
    recommended: tuple[str, str] | None
    scheme: str
    offers: frozenset[str] = frozenset()
    simulated: bool = False
    null_world: bool = False

    @classmethod
    def from_plan(cls, plan: Plan) -> Design:
        """The design that a configuration leads to."""
        tasks = colour_tasks(list(plan.tasks.values()))
        series = tuple(_series(plan, name_tasks(tasks)))
        trained = [entry for entry in series if entry.trained]
        release = plan.release
        if release:
            setting = "single" if release["setting"].startswith("single") else release["setting"]
            recommended, scheme = (release["model"], setting), release["scheme"]
        elif trained:
            best = max(trained, key=lambda entry: len(entry.tasks) if entry.setting != "single" else 1)
            recommended, scheme = best.key, best.schemes[0]
        else:
            recommended, scheme = None, SCHEMES[0]
        networks = plan.network_settings().values()
        varied = {name for name in _VARIED if len({entry[name] for entry in networks}) > 1}
        return cls(
            run=plan.run,
            tasks=tasks,
            series=series,
            recommended=recommended,
            scheme=scheme,
            offers=frozenset({*plan.offers} | varied),
            simulated=bool(plan.config.get("simulation")),
            null_world=plan.null_world,
        )

    def record(self) -> dict[str, Any]:
        """Plain values, for a rule's params."""
        return asdict(self) | {"offers": sorted(self.offers)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Design:
        """The reverse of :meth:`record`, also after a round through JSON."""
        values = _with_tuples(record)
        values["tasks"] = tuple(map(Task.from_record, values["tasks"]))
        values["series"] = tuple(Series(**entry) for entry in values["series"])
        values["offers"] = frozenset(values["offers"])
        return cls(**values)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tasks, as in the column ``task`` of tables."""
        return tuple(task.name for task in self.tasks)

    @property
    def species(self) -> tuple[str, ...]:
        """Species of the tasks, each once."""
        return tuple(dict.fromkeys(task.species for task in self.tasks if task.species))

    @property
    def modifications(self) -> tuple[str, ...]:
        """Modifications of the tasks, each once."""
        return tuple(dict.fromkeys(task.modification for task in self.tasks if task.modification))

    @property
    def several_species(self) -> bool:
        """Whether tasks are about more than one species."""
        return len(self.species) > 1

    @property
    def several_modifications(self) -> bool:
        """Whether tasks are about more than one modification."""
        return len(self.modifications) > 1

    @property
    def word(self) -> str:
        """What one task is: a ``species``, a ``modification``, or a ``task`` where neither tells tasks apart."""
        return name_tasks(self.tasks)[0]

    @property
    def words(self) -> str:
        """The plural of :attr:`word`."""
        return name_tasks(self.tasks)[1]

    @property
    def own_area(self) -> str:
        """What the AUROC against a task's own negatives is called: AUCb where there is an AUCm beside it."""
        return "AUCb" if "all_tasks" in self.offers else "AUROC"

    def task(self, name: str) -> Task:
        """The task of a name; an :class:`InputError` if there is none."""
        return find_task(self.tasks, name)

    def label(self, name: str) -> str:
        """What figures call a task; the name itself where it is no task's (``mean`` over tasks, say)."""
        return next((task.label for task in self.tasks if task.name == name), name)

    def colour(self, name: str) -> str:
        """Colour of a task; ink where the name is no task's."""
        return next((task.colour for task in self.tasks if task.name == name), INK)

    def ordered(self, names: Iterable[str]) -> list[str]:
        """The tasks among some names, each once, in the order of the design."""
        known = set(names)
        return [name for name in self.names if name in known]

    def find(self, key: tuple[str, str]) -> Series:
        """The series of a model and setting."""
        return next(entry for entry in self.series if entry.key == tuple(key))

    @property
    def best(self) -> Series | None:
        """The recommended series."""
        return self.find(self.recommended) if self.recommended else None

    def on(self, scheme: str) -> list[Series]:
        """Series that were made on a scheme."""
        return [entry for entry in self.series if scheme in entry.schemes]

    def single(self) -> list[Series]:
        """Series of one task: networks, then baselines."""
        return [entry for entry in self.on(self.scheme) if entry.setting == "single"]

    def ladder(self) -> list[Series]:
        """Settings of the network that knows several tasks, from one to all, and its stacks; before them other networks
        of single tasks.

        Empty where no model was trained on several tasks.
        """
        lead = self.best
        if lead is None or lead.setting == "single":
            return []
        trained = [entry for entry in self.on(self.scheme) if entry.trained]
        others = [entry for entry in trained if entry.trunk != lead.trunk and entry.setting == "single"]
        return [*others, *(entry for entry in trained if entry.trunk == lead.trunk)]

    def headline(self) -> list[Series]:
        """The recommended series, the network of a stack without its baselines, and what was trained on one task."""
        if self.best is None:
            return []
        shown = [self.best, self.find((self.best.trunk, self.best.setting))]
        shown += [entry for entry in self.single() if entry.trained]
        return list(dict.fromkeys(shown))


def name_tasks(tasks: Sequence[Task]) -> tuple[str, str]:
    """Singular and plural of what a task is: what alone tells the tasks apart."""
    species, modifications = ({getattr(task, name) for task in tasks} for name in ("species", "modification"))
    if len(species) == len(tasks) and len(modifications) == 1 and "" not in species:
        return "species", "species"
    if len(modifications) == len(tasks) and len(species) == 1 and "" not in modifications:
        return "modification", "modifications"
    return "task", "tasks"


def colour_tasks(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Tasks each with a colour of its own: a spare one where there is none, shades where several share one."""
    spare = itertools.cycle(SPARE)
    own = [task.colour or next(spare) for task in tasks]
    coloured = []
    for at, (task, colour) in enumerate(zip(tasks, own, strict=True)):
        rank = own[:at].count(colour)
        # as given, darker, lighter, still darker and so on
        amount = (rank + 1) // 2 / (own.count(colour) // 2 + 1)
        coloured.append(replace(task, colour=shade(colour, -amount if rank % 2 else amount)))
    return tuple(coloured)


def _series(plan: Plan, words: tuple[str, str]) -> list[Series]:
    free = (number for number in itertools.count() if number not in NETWORK_LOOKS.values())
    networks = _networks(plan, free, words)
    return [*networks, *_stacks(plan, free, networks), *_combiners(plan, free, networks), *_baselines(plan)]


def _trained(plan: Plan, kind: str) -> dict[tuple[str, str], tuple[tuple[str, ...], tuple[str, ...]]]:
    """Tasks and schemes of each model and setting."""
    found: dict[tuple[str, str], list[Run]] = {}
    for run in plan.runs:
        if run.kind == kind:
            record = run.record()
            found.setdefault((record["model"], record["setting"]), []).append(run)
    trained = {}
    for key, runs in found.items():
        names = {name for run in runs for name in plan.tasks_of(run.setting)}
        schemes = dict.fromkeys(run.scheme for run in runs)
        trained[key] = tuple(name for name in plan.tasks if name in names), tuple(schemes)
    return trained


def _networks(plan: Plan, free: Iterator[int], words: tuple[str, str]) -> list[Series]:
    found = _trained(plan, "network")
    series = []
    for network in plan.networks:
        index = NETWORK_LOOKS[network] if network in NETWORK_LOOKS else next(free)
        mine = []
        for (model, setting), (tasks, schemes) in found.items():
            if model == network:
                curriculum = "" if setting == "single" else plan.curriculum_of(setting)
                mine.append((setting, tasks, curriculum, schemes))
        main = _most_common([curriculum for setting, _, curriculum, _ in mine if setting != "single"])
        mine.sort(key=lambda entry: (entry[0] != "single", entry[2] not in ("", main), len(entry[1])))
        label = NETWORK_LABELS.get(network, network.replace("_", " "))
        sizes = [len(tasks) for _, tasks, curriculum, _ in mine if curriculum in ("", main)]
        markers = NETWORK_MARKERS[index % len(NETWORK_MARKERS)]
        for rank, (setting, tasks, curriculum, schemes) in enumerate(mine):
            single, nested = setting == "single", curriculum in ("", main)
            trained_on = f"one {words[0]}" if single else f"{len(tasks)} {words[1]}"
            same = [entry for entry in mine if entry[0] != "single" and len(entry[1]) == len(tasks)]
            if not single and len(same) > 1 and not nested:
                trained_on += f", {curriculum.replace('_', ' ')}"
            if sum(entry[2] == curriculum for entry in same) > 1 and not single:
                trained_on = setting.replace("_", " ")
            place = 0.75 if len(mine) == 1 else 0.25 + 0.75 * min(rank, len(sizes) - 1) / max(1, len(sizes) - 1)
            series.append(
                Series(
                    model=network,
                    setting=setting,
                    label=f"{label}, {trained_on}",
                    network=label,
                    trunk=network,
                    colour=ramp(index, place if nested else 0.55),
                    marker=markers[0] if single else markers[1] if nested else markers[2],
                    dash="-" if nested and not single else DASHES[(index + 1) % len(DASHES)],
                    kind="network",
                    curriculum=curriculum,
                    nested=nested,
                    tasks=tasks,
                    schemes=schemes,
                )
            )
    return series


def _stacks(plan: Plan, free: Iterator[int], networks: Sequence[Series]) -> list[Series]:
    series = []
    looks = {name: (next(free), STACK_MARKERS[rank % len(STACK_MARKERS)]) for rank, name in enumerate(plan.stacks)}
    for (name, setting), (tasks, schemes) in _trained(plan, "stack").items():
        members = plan.stacks[name]["members"]
        trunk = next(one for one in networks if one.model in members and one.setting == setting)
        baselines = [_baseline_label(member) for member in members if member in plan.baselines]
        # the names of several leave a figure no room; the report tells them
        added = baselines[0] if len(baselines) == 1 else f"{len(baselines)} baselines"
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
                tasks=tasks,
                schemes=schemes,
            )
        )
    return series


def _combiners(plan: Plan, free: Iterator[int], networks: Sequence[Series]) -> list[Series]:
    series = []
    for rank, ((name, setting), (tasks, schemes)) in enumerate(_trained(plan, "combiner").items()):
        index, label, model = next(free), name.replace("_", " "), plan.combiners[name].get("model")
        series.append(
            Series(
                model=name,
                setting=setting,
                label=label,
                network=label,
                trunk=next((one.trunk for one in networks if one.model == model), name),
                colour=ramp(index, 0.75),
                marker=STACK_MARKERS[rank % len(STACK_MARKERS)],
                dash=DASHES[(index + 1) % len(DASHES)],
                kind="combiner",
                tasks=tasks,
                schemes=schemes,
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
            colour=GREYS[index % len(GREYS)],
            marker=BASELINE_MARKERS[index % len(BASELINE_MARKERS)],
            dash=DASHES[index % len(DASHES)],
            kind="baseline",
            tasks=tuple(plan.tasks),
            schemes=tuple(plan.schemes),
        )
        for index, name in enumerate(plan.baselines)
    ]


def _with_tuples(value: Any) -> Any:
    """A value in which every list is a tuple."""
    if isinstance(value, Mapping):
        return {key: _with_tuples(entry) for key, entry in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list | tuple) else value
