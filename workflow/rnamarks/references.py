"""References to files in a configuration: what they stand for once placeholders and sources are filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .errors import InputError
from .language_plan import EXAMPLES
from .sources.members import member_path

if TYPE_CHECKING:
    from .configuration import Plan

SOURCES = "resources/sources"
"""The folder that published files are fetched to, ``NAME/FILE`` each."""


def expand_reference(plan: Plan, reference: str, name: str = "") -> str:
    """A reference in which placeholders are filled in.

    ``{species}`` and ``{modification}`` stand for those of a task, or for a species or transcript set of that name;
    ``{world}`` for the simulated world.
    """
    if "{world}" in reference and not plan.world:
        raise InputError(
            "the configuration reads files of a simulated world and names none",
            value=reference,
            remedy="set simulation.world",
            keys=_keys_of(plan, reference, name),
        )
    return _filled(plan, reference, name)


def _filled(plan: Plan, reference: str, name: str) -> str:
    task = plan.tasks.get(name)
    species, modification = (task.species, task.modification) if task else (name, "")
    filled = reference.replace("{species}", species).replace("{modification}", modification)
    return filled.replace("{world}", plan.world)


def _keys_of(plan: Plan, reference: str, name: str) -> tuple[str | int, ...]:
    """Keys of the first place in the configuration whose reference, filled in or not, is this one or its folder."""

    def search(value: Any, keys: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
        if isinstance(value, Mapping | list):
            for key, entry in value.items() if isinstance(value, Mapping) else enumerate(value):
                yield from search(entry, (*keys, key))
        elif isinstance(value, str) and {value, _filled(plan, value, name)} & wanted:
            yield keys

    # a start names the folder of its weights
    wanted = {reference, reference.removesuffix("/weights.safetensors")}
    return next(search(plan.config, ()), ())


def locate_reference(plan: Plan, reference: str, sources: Mapping[str, Any], name: str = "") -> str:
    """The path that a reference in the configuration stands for.

    ``source:NAME`` is the file that the rule ``fetch_source`` brings, ``downstream:NAME`` are the examples of a
    downstream task, anything else is a path. ``#MEMBER`` behind an archive, a workbook or R data is what the rule
    ``extract_member`` takes out of it. Before, placeholders are filled in (:func:`expand_reference`).

    Raises
    ------
    InputError
        If a source is unknown, or what the reference needs is not in the configuration.
    """
    written, reference = reference, expand_reference(plan, reference, name)
    kind, separator, rest = reference.partition(":")
    if separator and kind == "source":
        source, separator, member = rest.partition("#")
        if source not in sources:
            raise InputError(
                "the configuration names an unknown source",
                value=source,
                remedy="add it to the sheet of sources",
                keys=_keys_of(plan, written, name),
            )
        return member_path(f"{SOURCES}/{source}/{sources[source].file}{separator}{member}")
    if reference.startswith(EXAMPLES):
        return plan.language.examples(rest)
    return member_path(reference)
