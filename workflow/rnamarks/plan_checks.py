"""Whether the parts of a configuration fit together, beyond what its schema says of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .errors import InputError, check_choice
from .interpretation.settings import ConsensusSettings, GradientSettings, OptimisationSettings
from .keys import SPLITS
from .training.checks import check_grid

if TYPE_CHECKING:
    from .configuration import Plan


def check_null_world(config: Mapping[str, Any]) -> None:
    """Raise :class:`InputError` if ``null_world`` is about a world without sites, or about none."""
    simulation = config.get("simulation")
    if config.get("null_world") and not simulation:
        raise InputError(
            "null_world is about a simulated world", remedy="leave it out, or give simulation", keys=("null_world",)
        )
    if config.get("null_world") and simulation["kind"] == "families":
        raise InputError(
            "null_world is about sites, and the simulated world has none", remedy="leave it out", keys=("null_world",)
        )


def check_sections(plan: Plan) -> None:
    """Raise :class:`InputError` if a section names what is not there, or its numbers do not fit together.

    Parameters
    ----------
    plan : Plan
        With its tasks, networks, baselines and sections, without runs.
    """
    config = plan.config
    _check_numbers(config)
    for section, key, kind in (
        ("attention", "gradients", GradientSettings),
        ("consensus", "settings", ConsensusSettings),
        ("optimisation", "settings", OptimisationSettings),
    ):
        kind.from_mapping((config.get(section) or {}).get(key, {}), f"{section}.{key}.")
    if "motif_rule" in plan.baselines and len({task.place for task in plan.tasks.values()}) > 1:
        raise InputError(
            "motif_rule knows one motif, and the tasks have several",
            value="motif_rule",
            remedy="leave it out of baselines",
            keys=("baselines", plan.baselines.index("motif_rule")),
        )
    for at, entry in enumerate(plan.external):
        plan.require_task(entry["task"], f"external {entry['name']}", "external", at, "task")
    named: set[tuple[str, str]] = set()
    for at, entry in enumerate(plan.laboratories):
        plan.require_task(entry["task"], f"laboratories {entry['name']}", "laboratories", "sets", at, "task")
        if (name := (entry["task"], entry["name"])) in named:
            raise InputError(
                "laboratories has two sets of one name for a task",
                value=" ".join(name),
                remedy="rename one",
                keys=("laboratories", "sets", at, "name"),
            )
        named.add(name)
    for name in config["settings"]:
        plan.tasks_of(name)
    search = config.get("line_search")
    if search and "start" in plan.networks.get(search["model"], {}):
        raise InputError(
            "line_search trains from random weights",
            value=search["model"],
            remedy="search with a model that has no start",
            keys=("line_search", "model"),
        )
    if search:
        plan.require_network(search["model"], "line_search", "model")
        check_grid(search["model"], plan.networks[search["model"]], search["grid"])
        plan.tasks_of(search["setting"], "line_search", "setting")
    _check_schemes(plan)


def check_release(plan: Plan) -> None:
    """Raise :class:`InputError` if the release, or a predictor, is no model of the run or not fit for its use.

    Parameters
    ----------
    plan : Plan
        With its runs.
    """
    predictors = plan.config.get("predictors") or {}
    chosen: list[tuple[tuple[str, ...], Mapping[str, Any]]] = [(("release",), plan.release)] if plan.release else []
    chosen += [(("predictors", name), entry) for name, entry in predictors.items()]
    for keys, entry in chosen:
        _check_choice(plan, entry, *keys)
    if plan.release and not plan.released:
        raise InputError(
            "release names a training that the configuration does not ask for",
            value={key: plan.release[key] for key in ("model", "setting", "scheme")},
            remedy="add it to trainings or stacks",
            keys=("release",),
        )
    for section, sets in (("external", plan.external), ("laboratories", plan.laboratories)):
        if sets and not plan.release:
            raise InputError(f"{section} needs a released model", remedy="name one under release", keys=(section,))
    for name in plan.release["ranks_only"] if plan.release else []:
        plan.require_task(name, "release.ranks_only", "release", "ranks_only")
    for at, name in enumerate((plan.release or {}).get("also", [])):
        if name not in predictors:
            raise InputError(
                "release.also names an unknown predictor",
                value=name,
                remedy="add it to predictors",
                keys=("release", "also", at),
            )
    for keys, entry in chosen:
        if entry["model"] in plan.combiners and "model" not in plan.combiners[entry["model"]]:
            raise InputError(
                f"{keys[0]} names a combiner without a network, which has nothing to scan with",
                value=entry["model"],
                remedy="choose another model",
                keys=(*keys, "model"),
            )


def check_known(names: Sequence[str], known: Collection[str], what: str, section: str, *keys: str | int) -> None:
    """Raise :class:`InputError` for a name in a list, which the keys behind the section lead to, that is not known."""
    for at, name in enumerate(names):
        check_choice(name, known, f"{section} names unknown {what}", keys=(section, *keys, at))


def _check_schemes(plan: Plan) -> None:
    """Whether every scheme that is named is there, and what is held apart has transcripts."""
    config = plan.config
    named = [(("release", "scheme"), (config.get("release") or {}).get("scheme"))]
    named += [(("line_search", "scheme"), (config.get("line_search") or {}).get("scheme"))]
    named += [
        (("predictors", name, "scheme"), entry["scheme"]) for name, entry in (config.get("predictors") or {}).items()
    ]
    named += [
        (("models", name, "start", "scheme"), entry.get("start", {}).get("scheme"))
        for name, entry in config["models"].items()
    ]
    entered = (("stacks", config["stacks"].items()), ("combiners", config["combiners"].items()))
    for section, entries in (("trainings", enumerate(config["trainings"])), *entered):
        for at, entry in entries:
            named += [((section, at, "schemes", place), one) for place, one in enumerate(entry["schemes"])]
    for keys, scheme in named:
        if scheme is not None and scheme not in plan.schemes:
            raise InputError(
                f"{keys[0]} names an unknown scheme of splitting",
                value=scheme,
                remedy=f"choose one of {', '.join(plan.schemes)}, or add it to splits.chromosomes",
                keys=keys,
            )
    if plan.apart["shared"] > config["window"]:
        raise InputError(
            f"windows of {config['window']} nt have no {plan.apart['shared']} nt in common with a transcript",
            value=plan.apart["shared"],
            remedy=f"give up to {config['window']}",
            keys=("splits", "apart", "shared"),
        )
    for at, name in enumerate(plan.apart["transcripts"]):
        if name not in plan.species or not plan.has_transcripts(name):
            raise InputError(
                "splits.apart names a species without transcripts",
                value=name,
                remedy="give it transcripts, or genome and annotation",
                keys=("splits", "apart", "transcripts", at),
            )


def _check_numbers(config: Mapping[str, Any]) -> None:
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


def _check_choice(plan: Plan, entry: Mapping[str, str], *keys: str) -> None:
    """Whether model and setting of a release or a predictor are known at all."""
    check_choice(
        entry["model"],
        [*plan.networks, *plan.stacks, *plan.combiners],
        f"{keys[0]} names an unknown model",
        keys=(*keys, "model"),
    )
    if entry["setting"] != "single":
        plan.tasks_of(entry["setting"], *keys, "setting")
