"""Sets of predictions that a configuration asks for, and what model directories are packed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .errors import InputError
from .models.settings.combiner import CombinerSettings

if TYPE_CHECKING:
    from .configuration import Plan


@dataclass(frozen=True)
class Run:
    """One set of predictions: a network or a stack with one seed, a baseline, or a combiner.

    ``setting`` names the tasks trained together; ``single_<task>`` is one task alone. ``kind`` is ``network``,
    ``stack``, ``baseline`` or ``combiner``.
    """

    folder: str
    model: str
    setting: str
    scheme: str
    seed: int
    kind: str = "network"

    @property
    def trained(self) -> bool:
        """Whether it is more than a baseline."""
        return self.kind != "baseline"

    @property
    def stem(self) -> str:
        return f"{self.model}/{self.setting}/{self.scheme}/{self.seed}"

    @property
    def predictions(self) -> str:
        return f"{self.folder}/predictions/{self.stem}.parquet"

    @property
    def task_predictions(self) -> str:
        """Logits of every task on the windows of all of them."""
        return f"{self.folder}/predictions/{self.stem}.tasks.parquet"

    @property
    def weights(self) -> str:
        """What was learned: of a network or a baseline its own file; of a stack the table that its seeds share."""
        if self.kind == "stack":
            return f"{self.folder}/models/{self.model}/{self.setting}/{self.scheme}/weights.tsv"
        if self.kind == "combiner":
            return f"{self.folder}/models/{self.stem}/combiner.safetensors"
        return f"{self.folder}/models/{self.stem}/weights.safetensors"

    @property
    def history(self) -> str | None:
        return f"{self.folder}/models/{self.stem}/history.tsv" if self.kind == "network" else None

    def record(self) -> dict[str, Any]:
        """Plain values for a rule's params; ``single_<task>`` becomes ``single``."""
        setting = "single" if self.setting.startswith("single") else self.setting
        return {"model": self.model, "setting": setting, "scheme": self.scheme, "seed": self.seed}


@dataclass(frozen=True)
class Parts:
    """What one model directory is packed from.

    Attributes
    ----------
    networks : tuple of Run
        One per seed.
    baselines : tuple of Run
        Of a stack.
    weights : str or None
        Of a stack: the table of its weights.
    combiner : str or None
        Trees over the networks' logits.
    """

    networks: tuple[Run, ...]
    baselines: tuple[Run, ...] = ()
    weights: str | None = None
    combiner: str | None = None

    def inputs(self) -> dict[str, list[str]]:
        """Files for the rule that packs the directory, by name of the input."""
        return {
            "weights": [run.weights for run in self.networks],
            "baselines": [run.weights for run in self.baselines],
            "stack": [self.weights] if self.weights else [],
            "combiner": [self.combiner] if self.combiner else [],
        }


def check_starts(networks: Mapping[str, Any], runs: Sequence[Run]) -> None:
    """Raise :class:`InputError` unless each training that starts from another one's weights finds them.

    Parameters
    ----------
    networks : mapping of str to mapping
        The section ``models`` of a configuration.
    runs : sequence of Run
        All that the configuration asks for.
    """
    known = {run.stem for run in runs}
    for name, entry in networks.items():
        if "start" in entry and entry["start"].keys() - {"task", "scheme", "seed"} not in (
            {"model", "setting"},
            {"folder"},
        ):
            raise InputError(
                f"models.{name}.start needs a model and a setting, or a folder",
                value=", ".join(entry["start"]),
                remedy="see config/README.md",
                keys=("models", name, "start"),
            )
    for run in runs:
        chain, at = [run.model], run
        while run.kind == "network" and "model" in (start := networks.get(at.model, {}).get("start", {})):
            known_as = {key: start[key] for key in ("model", "setting", "scheme", "seed") if key in start}
            at = replace(at, **known_as)
            if at.stem not in known:
                raise InputError(
                    f"models.{chain[-1]} starts from a training that the configuration does not ask for",
                    value=at.stem,
                    remedy="add its setting, scheme and seed to trainings",
                    keys=("models", chain[-1], "start"),
                )
            if at.model in chain:
                raise InputError(
                    f"models.{run.model} starts, in the end, from itself",
                    value=" < ".join([*chain, at.model]),
                    remedy="let the first model of the chain begin with random weights",
                    keys=("models", run.model, "start"),
                )
            chain.append(at.model)


def expand_runs(plan: Plan) -> list[Run]:
    """Every set of predictions that a configuration asks for: of baselines, networks, stacks and combiners.

    Raises
    ------
    InputError
        If a training, a start or a stack names what is not there.
    """
    runs = [
        Run(plan.folder, baseline, "single", scheme, 0, "baseline")
        for baseline in plan.baselines
        for scheme in plan.schemes
    ]
    for at, entry in enumerate(plan.config["trainings"]):
        plan.require_network(entry["model"], "trainings", at, "model")
        if entry["setting"] == "single":
            for place, name in enumerate(entry.get("tasks", [])):
                plan.require_task(name, "trainings", "trainings", at, "tasks", place)
            settings = [f"single_{name}" for name in entry.get("tasks", plan.tasks)]
        else:
            settings = [entry["setting"]]
        for setting in settings:
            plan.tasks_of(setting, "trainings", at, "setting")
            runs += [
                Run(plan.folder, entry["model"], setting, scheme, seed)
                for scheme in entry["schemes"]
                for seed in entry["seeds"]
            ]
        if len({run.stem for run in runs}) < len(runs):
            raise InputError(
                "trainings asks for the same run twice", remedy="remove one of the two", keys=("trainings", at)
            )
    check_starts(plan.networks, runs)
    stacked = [run for name in plan.stacks for run in _stack_runs(plan, name, runs)]
    return [*runs, *stacked, *(run for name in plan.combiners for run in _combiner_runs(plan, name, runs))]


def parts_of(plan: Plan, model: str, setting: str, scheme: str) -> Parts:
    """What the model directory of a network or a stack is packed from, all seeds together.

    Parameters
    ----------
    plan : Plan
    model, setting, scheme : str
        As :class:`Run` names them.
    """
    runs = plan.find_runs(model, setting, scheme)
    if model in plan.combiners and runs:
        return Parts(tuple(_combined_runs(plan, runs[0], plan.runs)), combiner=runs[0].weights)
    if model not in plan.stacks or not runs:
        return Parts(tuple(runs))
    members = plan.stacks[model]["members"]
    return Parts(
        tuple(run for name in members if name in plan.networks for run in plan.find_runs(name, setting, scheme)),
        tuple(
            run
            for name in members
            for run in plan.runs
            if run.kind == "baseline" and (run.model, run.scheme) == (name, scheme)
        ),
        runs[0].weights,
    )


def _combined_runs(plan: Plan, run: Run, runs: Sequence[Run]) -> list[Run]:
    """The trainings, one per seed, whose logits a combiner reads; none where it reads no logits."""
    entry = plan.combiners[run.model]
    setting = run.setting if entry["setting"] == "single" else entry["setting"]
    wanted = entry.get("model"), setting, entry.get("scheme", run.scheme)
    return [one for one in runs if one.kind == "network" and (one.model, one.setting, one.scheme) == wanted]


def _combiner_runs(plan: Plan, name: str, runs: Sequence[Run]) -> list[Run]:
    """One run per task and scheme; a network's seeds are averaged."""
    entry = plan.combiners[name]
    if name in {*plan.networks, *plan.baselines, *plan.stacks}:
        raise InputError(
            "a combiner has the name of another model", value=name, remedy="rename it", keys=("combiners", name)
        )
    settings = CombinerSettings.from_mapping(entry["settings"], f"combiners.{name}.settings.")
    if settings.asks_network != ("model" in entry):
        raise InputError(
            f"combiners.{name} reads a network's logits exactly if it has a model",
            value=entry.get("model", "no model"),
            remedy="give model, or set logits: false and neighbours: 0",
            keys=("combiners", name),
        )
    if "model" in entry:
        plan.require_network(entry["model"], "combiners", name, "model")
    found = []
    for at, task in enumerate(entry["tasks"]):
        plan.require_task(task, f"combiners.{name}", "combiners", name, "tasks", at)
        if task not in plan.tasks_with_sites():
            raise InputError(
                f"combiners.{name} is about a task without places on transcripts",
                value=task,
                remedy="take a task with sites",
                keys=("combiners", name, "tasks", at),
            )
        for scheme in dict.fromkeys(entry["schemes"]):
            found.append(Run(plan.folder, name, f"single_{task}", scheme, 0, "combiner"))
            read = _combined_runs(plan, found[-1], runs)
            if "model" in entry and not read:
                raise InputError(
                    f"combiners.{name} reads a training that the configuration does not ask for",
                    value=f"{entry['model']} {entry['setting']} {entry.get('scheme', scheme)}",
                    remedy="add it to trainings",
                    keys=("combiners", name),
                )
            if read and task not in plan.tasks_of(read[0].setting):
                species = plan.tasks[task].species
                if species not in plan.apart["transcripts"]:
                    raise InputError(
                        f"the windows that {entry['model']} is trained on may hold sites of {task}",
                        value=species,
                        remedy=f"add {species} to splits.apart.transcripts",
                        keys=("combiners", name, "setting"),
                    )
    return found


def _stack_runs(plan: Plan, name: str, runs: Sequence[Run]) -> list[Run]:
    """One run per seed that the stack's network has in ``runs``."""
    entry = plan.stacks[name]
    members: list[str] = entry["members"]
    if name in plan.networks or name in plan.baselines:
        raise InputError(
            "a stack has the name of a model or a baseline", value=name, remedy="rename it", keys=("stacks", name)
        )
    for at, member in enumerate(members):
        if member not in plan.networks and member not in plan.baselines:
            raise InputError(
                f"stacks.{name} has a member that is neither among models nor among baselines",
                value=member,
                remedy=f"add it there, or take one of {', '.join([*plan.networks, *plan.baselines])}",
                keys=("stacks", name, "members", at),
            )
    networks = [member for member in members if member in plan.networks]
    if len(networks) != 1 or len(set(members)) < len(members) or len(members) < 2:
        raise InputError(
            f"stacks.{name} needs one network and one or more baselines, each once",
            value=", ".join(members),
            remedy="change its members",
            keys=("stacks", name, "members"),
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
                keys=("stacks", name, "setting"),
            )
        found += [replace(run, model=name, kind="stack") for run in mine]
    return found
