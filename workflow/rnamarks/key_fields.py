"""How a key of a configuration is written down, and what follows from keys: a schema, defaults, a reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from .registry import registered

section = dataclass(kw_only=True)
NAME = "^[A-Za-z][A-Za-z0-9]*$"
NAME_ = "^[A-Za-z][A-Za-z0-9_]*$"
MOTIF = "^[ACGTUNRYSWKMBDHV]{0,32}$"


def key(about: str, default: Any = MISSING, *, registry: str = "", names: str = "", **rules: Any) -> Any:
    """One key of a section.

    Parameters
    ----------
    about : str
        What it decides, in a sentence.
    default
        Left out: the key has to be given. None: it may be left out and has no default.
    registry : str
        Registry whose names are the choices.
    names : str
        Of a mapping: pattern of its keys.
    **rules
        ``choices``; ``minimum``, ``maximum``, ``above``, ``below`` of a number; ``pattern`` of text; ``fewest`` and
        ``longest`` of a list or mapping; ``known``, a function that gives the keys that a mapping of anything may have.
    """
    metadata = {"about": about, "registry": registry, "names": names, **rules}
    if default is MISSING:
        return field(metadata=metadata)
    if isinstance(default, list | dict):
        return field(default_factory=lambda: type(default)(default), metadata=metadata)
    return field(default=default, metadata=metadata)


_KINDS = {str: "string", int: "integer", float: "number", bool: "boolean"}
_RULES = {"minimum": "minimum", "maximum": "maximum", "above": "exclusiveMinimum", "below": "exclusiveMaximum"}


def schema_of(kind: type) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a section."""
    kinds = get_type_hints(kind)
    properties = {entry.name: _key(entry, kinds[entry.name]) for entry in fields(kind)}
    required = [entry.name for entry in fields(kind) if _required(entry)]
    made = {"type": "object", "description": kind.__doc__, "additionalProperties": False, "properties": properties}
    return made | ({"required": required} if required else {})


def _required(entry: Any) -> bool:
    return entry.default is MISSING and entry.default_factory is MISSING


def _key(entry: Any, kind: Any) -> dict[str, Any]:
    rules = entry.metadata
    made = _kind(kind, rules)
    for name, word in (("fewest", "min"), ("longest", "max")):
        if name in rules:
            # an entry that stands for several files has to name at least one of them
            size = {"array": "Items", "object": "Properties", "string": "Length"}[made["type"]]
            made[f"{word}{size}"] = rules[name]
    made["description"] = rules["about"]
    default = _default_of(entry)
    return made if default is None else made | {"default": default}


def _default_of(entry: Any) -> Any:
    """The default of a dataclass field made by :func:`key`; None where there is none."""
    if entry.default_factory is not MISSING:
        return entry.default_factory()
    return None if entry.default is MISSING else entry.default


def _kind(kind: Any, rules: Mapping[str, Any]) -> dict[str, Any]:
    if is_dataclass(kind):
        return schema_of(kind)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is list:
        return {"type": "array", "items": _kind(inner[0], rules)}
    if origin is dict:
        made = {"type": "object"}
        if rules.get("names"):
            made["propertyNames"] = {"pattern": rules["names"]}
        if rules.get("known"):
            made["propertyNames"] = {"enum": sorted(rules["known"]())}
        if inner[1] is not Any:
            made["additionalProperties"] = _kind(inner[1], {"fewest": 1})
            if get_origin(inner[1]) is list:
                made["additionalProperties"]["minItems"] = 1
        return made
    if kind is Any:
        return {}
    made = {"type": _KINDS[kind]}
    choices = tuple(registered(rules["registry"])) if rules.get("registry") else rules.get("choices")
    if choices:
        made["enum"] = list(choices() if callable(choices) else choices)
    if "pattern" in rules:
        made["pattern"] = rules["pattern"]
    return made | {word: rules[name] for name, word in _RULES.items() if name in rules}


def with_defaults_of(part: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """A checked section in which every key that its schema gives a default and that was left out is filled in."""
    filled = dict(config)
    for name, entry in part.get("properties", {}).items():
        if name not in filled and "default" in entry:
            filled[name] = entry["default"]
        if filled.get(name) is not None:
            filled[name] = _filled(filled[name], entry)
    return filled


def _filled(value: Any, entry: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        if "properties" in entry:
            return with_defaults_of(entry, value)
        inner = entry.get("additionalProperties")
        return {name: _filled(one, inner) for name, one in value.items()} if inner else dict(value)
    return [_filled(one, entry.get("items", {})) for one in value] if isinstance(value, list) else value


_HEADER = "| key | kind | default | meaning |\n| --- | --- | --- | --- |"


def reference_of(outer: type, top: str = "") -> str:
    """The reference of all keys of a section, or of one section in it, as Markdown tables."""
    parts = []
    for name, kind in _sections("", outer):
        if top and name.split(".")[0].split("[")[0] != top:
            continue
        parts.append(f"## {name or 'top level'}\n\n{kind.__doc__}\n\n{_HEADER}")
        kinds = get_type_hints(kind)
        for entry in fields(kind):
            made, default = _key(entry, kinds[entry.name]), _default_of(entry)
            shown = "required" if _required(entry) else "" if default is None or default == {} else f"`{default}`"
            choices = made.get("enum") or made.get("items", {}).get("enum")
            meaning = entry.metadata["about"] + (f" One of {', '.join(map(str, choices))}." if choices else "")
            parts[-1] += f"\n| `{entry.name}` | {made.get('type', 'any')} | {shown} | {meaning} |"
    return "\n\n".join(parts) + "\n"


def _sections(name: str, outer: type) -> Iterator[tuple[str, type]]:
    yield name, outer
    for entry, kind in get_type_hints(outer).items():
        inner, mark = kind, ""
        if get_origin(kind) in (list, dict):
            inner, mark = get_args(kind)[-1], "[]" if get_origin(kind) is list else ".NAME"
        if is_dataclass(inner):
            yield from _sections(f"{name}.{entry}{mark}".lstrip("."), inner)
