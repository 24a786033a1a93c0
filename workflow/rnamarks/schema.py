"""What is wrong with a configuration, said with the file and line of the key at fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError

from .errors import InputError


def check_config(config: Mapping[str, Any], schema_path: str | Path, names: Sequence[str | Path] = ()) -> None:
    """Hold a configuration against its schema.

    Unknown keys come before any other fault, because a mistyped key is often a missing one, too.

    Parameters
    ----------
    config : mapping
        As read, before defaults are filled in.
    schema_path : path-like
        JSON schema, written in YAML.
    names : sequence of path-like
        The YAML files that it was read from, later ones overruling earlier ones.

    Raises
    ------
    InputError
        For the first fault, with the file and line of the key, its place, its value and the nearest known name.
    """
    faults = list(_validator(Path(schema_path)).iter_errors(_with_text_keys(config)))
    if not faults:
        return
    fault = min(faults, key=lambda one: (not _is_about_a_name(one), [str(step) for step in one.absolute_path]))
    keys, what, value, remedy = _explain(fault)
    path, line = _place(keys, names)
    raise InputError(what, path=path, line=line, value=value, remedy=remedy)


@cache
def _validator(schema_path: Path) -> Draft202012Validator:
    return Draft202012Validator(yaml.safe_load(schema_path.read_text(encoding="utf-8")))


def _with_text_keys(value: Any) -> Any:
    """A key such as 2021 is a number to YAML; patterns of names hold for text."""
    if isinstance(value, Mapping):
        return {str(key): _with_text_keys(entry) for key, entry in value.items()}
    return [_with_text_keys(entry) for entry in value] if isinstance(value, list) else value


def _is_about_a_name(fault: ValidationError) -> bool:
    return fault.validator == "additionalProperties" or "propertyNames" in list(fault.absolute_schema_path)[-2:]


def _explain(fault: ValidationError) -> tuple[list[str | int], str, Any, str]:
    """Path of the key at fault, what is wrong, the value to show, and the remedy."""
    keys = list(fault.absolute_path)
    within = f" in {_shown(keys)}" if keys else ""
    if fault.validator == "additionalProperties":
        known = list(fault.schema["properties"])
        key = next(key for key in fault.instance if key not in known)
        return [*keys, key], f"there is no key {key}{within}", None, _nearest(key, known)
    if fault.validator == "required":
        key = next(key for key in fault.validator_value if key not in fault.instance)
        return keys, f"the key {key} is missing{within}", None, "add it; config/README.md says what it is"
    if _is_about_a_name(fault):
        keys, name = [*keys, fault.instance], fault.instance
        if fault.validator == "enum":
            return keys, f"there is no key {name}{within}", None, _nearest(name, fault.validator_value)
        return keys, f"this cannot be a name{within}", name, f"names match {fault.validator_value}"
    if fault.validator == "enum":
        return (
            keys,
            f"{_shown(keys)} has no such choice",
            fault.instance,
            _nearest(fault.instance, fault.validator_value),
        )
    wanted = {
        "type": lambda rule: f"give {_KINDS[rule]}",
        "pattern": lambda rule: f"it has to match {rule}",
        "minimum": lambda rule: f"give at least {rule}",
        "maximum": lambda rule: f"give at most {rule}",
        "exclusiveMinimum": lambda rule: f"give more than {rule}",
        "exclusiveMaximum": lambda rule: f"give less than {rule}",
        "minItems": lambda rule: f"give at least {rule}",
        "minProperties": lambda rule: f"give at least {rule} of {', '.join(fault.schema.get('properties', ['them']))}",
    }[str(fault.validator)](fault.validator_value)
    return keys, f"{_shown(keys) or 'the configuration'} cannot have this value", fault.instance, wanted


_KINDS = {
    "array": "a list",
    "boolean": "true or false (on the command line True or False)",
    "integer": "a whole number",
    "number": "a number",
    "object": "keys and values",
    "string": "text",
}


def _shown(keys: Sequence[str | int]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")


def _nearest(name: Any, known: Sequence[str]) -> str:
    close = get_close_matches(str(name), known, n=1)
    return f"did you mean {close[0]}?" if close else f"choose from {', '.join(known)}"


def _place(keys: Sequence[str | int], names: Sequence[str | Path]) -> tuple[str | Path | None, int | None]:
    """File and 1-based line of a key, or of the innermost key around it that a file holds; later files go first."""
    best: tuple[int, str | Path | None, int | None] = (-1, None, None)
    for name in reversed(names):
        node = yaml.compose(Path(name).read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        depth, line = 0, None
        for key in keys:
            found = _child(node, key)
            if found is None:
                break
            mark, node = found
            depth, line = depth + 1, mark.start_mark.line + 1
        if depth > best[0]:
            best = (depth, name, line)
    # a key that no file holds was given on the command line
    return (None, None) if len(names) and keys and best[0] == 0 else best[1:]


def _child(node: Any, key: str | int) -> tuple[Any, Any] | None:
    """The node that names an entry, and the entry's own; None where there is no such entry."""
    if isinstance(node, yaml.MappingNode):
        return next(((name, entry) for name, entry in node.value if name.value == str(key)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key], node.value[key]
    return None
