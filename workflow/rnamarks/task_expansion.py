"""The tasks that a configuration names, in one of three ways, and where their sites are read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .errors import InputError, at_keys
from .sites.layouts import check_layout
from .sites.modifications import Modification, find_modification
from .sites.species import Species
from .tasks import Task
from .training.tree import distances, order_from, read_tree


def expand_tasks(
    config: Mapping[str, Any],
    modifications: Mapping[str, Modification],
    sheet: Mapping[str, Species],
    *,
    root_species: str,
) -> tuple[dict[str, Task], dict[str, Mapping[str, Any]]]:
    """Tasks of a checked configuration, and where their sites are read.

    Parameters
    ----------
    config : mapping
    modifications, sheet : mapping
        Rows of the sheets of modifications and of species, by name.
    root_species : str
        Where the curriculum begins.

    Returns
    -------
    tasks : dict of str to Task
        In the order of the curriculum: by distance of their species from the root species on the tree.
    data : dict of str to mapping
        By task: the entry that holds its ``sites`` and ``veto``, or its ``windows``.

    Raises
    ------
    InputError
        If names do not fit together, or a task has no data.
    """
    _check_layouts(config)
    found: dict[str, Task] = {}
    entries: dict[str, Mapping[str, Any]] = {}
    for task, data, keys in _entries(config, modifications):
        if task.name in found:
            raise InputError("two tasks have one name", value=task.name, remedy="rename one of them", keys=keys)
        if task.species not in config["species"]:
            named = data["species"]
            raise InputError(
                f"task {task.name} is about an unknown species",
                value=task.species,
                remedy=f"add it to species, or choose one of {', '.join(config['species'])}",
                keys=(*keys, "species", *([named.index(task.species)] if isinstance(named, list) else [])),
            )
        if ("windows" in data) == ("sites" in data):
            raise InputError(
                f"task {task.name} needs either windows or sites",
                value=", ".join(key for key in data if data[key] is not None),
                remedy="see config/README.md",
                keys=keys,
            )
        given = config["species"][task.species].keys()
        if "transcripts" in given and (besides := given & {"genome", "annotation", "extend"}):
            raise InputError(
                f"species.{task.species} has transcripts, and besides what belongs to a genome",
                value=", ".join(sorted(besides)),
                remedy="give either transcripts, or genome and annotation",
                keys=("species", task.species, "transcripts"),
            )
        if "sites" in data and not ("transcripts" in given or {"genome", "annotation"} <= given):
            raise InputError(
                f"task {task.name} has site tables, and {task.species} no genome and annotation",
                remedy=f"give species.{task.species}.genome and annotation, or transcripts",
                keys=(*keys, "sites"),
            )
        found[task.name], entries[task.name] = task, data
    if not found:
        raise InputError(
            "the configuration has no task", remedy="give a species sites or windows, or name modifications or tasks"
        )
    rank = {name: place for place, name in enumerate(_species_order(config, sheet, found.values(), root_species))}
    ordered = sorted(found.values(), key=lambda task: rank[task.species])
    return {task.name: task for task in _with_looks(ordered, config, modifications, sheet)}, entries


def _check_layouts(config: Mapping[str, Any]) -> None:
    for section in ("species", "modifications", "tasks"):
        for name, entry in config[section].items():
            for role in ("sites", "veto"):
                for at, table in enumerate(entry.get(role) or []):
                    with at_keys(section, name, role, at, "layout"):
                        check_layout(table["format"], table.get("layout"))


def _entries(
    config: Mapping[str, Any], modifications: Mapping[str, Modification]
) -> Iterator[tuple[Task, Mapping[str, Any], tuple[str, str]]]:
    """Each task that the configuration names in one of three ways, with its data and the keys of its entry."""
    for name, entry in config["species"].items():
        if "sites" in entry or "windows" in entry:
            with at_keys("modification"):
                modification = find_modification(modifications, config["modification"])
            place = config["motif"], config["motif_offset"]
            _check_place(*place, "motif_offset")
            yield _task(name, name, modification, *place, entry), entry, ("species", name)
    for name, entry in config["modifications"].items():
        with at_keys("modifications", name):
            modification = find_modification(modifications, name)
        for species in entry.get("species", config["species"]):
            task = name if len(config["species"]) == 1 else f"{species}_{name}"
            yield _task(task, species, modification, *modification.place, entry), entry, ("modifications", name)
    for name, entry in config["tasks"].items():
        with at_keys("tasks", name, "modification"):
            modification = find_modification(modifications, entry["modification"])
        place = (entry["motif"], entry.get("motif_offset", 0)) if "motif" in entry else modification.place
        _check_place(*place, "tasks", name, "motif_offset")
        yield _task(name, entry["species"], modification, *place, entry), entry, ("tasks", name)


def _task(
    name: str, species: str, modification: Modification, motif: str, offset: int, data: Mapping[str, Any]
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


def _species_order(
    config: Mapping[str, Any], sheet: Mapping[str, Species], tasks: Collection[Task], root_species: str
) -> list[str]:
    names = [name for name in config["species"] if any(task.species == name for task in tasks)]
    if len(names) < 2 or not config["tree"]:
        return names
    tips = {name: sheet[name].tree_name if name in sheet else name for name in names}
    with at_keys("tree"):
        apart = distances(read_tree(config["tree"]), tips)
    with at_keys("root_species"):
        return order_from(apart, root_species)


def _with_looks(
    tasks: Sequence[Task],
    config: Mapping[str, Any],
    modifications: Mapping[str, Modification],
    sheet: Mapping[str, Species],
) -> list[Task]:
    """Labels and colours of the sheets: the species' where tasks differ in it alone, else the modification's."""
    one_species = len({task.species for task in tasks}) == 1
    one_modification = len({task.modification for task in tasks}) == 1
    looks = []
    for task in tasks:
        modification, species = find_modification(modifications, task.modification), sheet.get(task.species)
        if one_modification and not (one_species and config["modifications"]):
            label, colour = task.species, species.colour if species else ""
        else:
            label = modification.symbol if one_species else f"{modification.symbol} {task.species}"
            colour = modification.colour
        given = config["tasks"].get(task.name, {}).get("label")
        looks.append(replace(task, label=given or label, colour=colour))
    return looks


def _check_place(motif: str, offset: int, *keys: str) -> None:
    if motif and offset >= len(motif):
        raise InputError(f"motif_offset lies outside the motif {motif}", value=offset, remedy="count from 0", keys=keys)
