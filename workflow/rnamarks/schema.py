"""What is wrong with a configuration, said with the file and line of the key at fault."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from .errors import InputError
from .keys import schema


def check_config(config: Mapping[str, Any], names: Sequence[str | Path] = ()) -> dict[str, Any]:
    """Hold a configuration against the schema of :mod:`rnamarks.keys`.

    Unknown keys come before any other fault, because a mistyped key is often a missing one, too.

    Parameters
    ----------
    config : mapping
        As read, before defaults are filled in.
    names : sequence of path-like
        The YAML files that it was read from, later ones overruling earlier ones.

    Returns
    -------
    dict
        The configuration, its keys as text and numbers that YAML took for text (``1e-3``) as numbers.

    Raises
    ------
    InputError
        For the first fault, with the file and line of the key, its place, its value and the nearest known name.
    """
    config = _plain(config)
    keys, value = next(_infinite(config), ((), None))
    if keys:
        error = InputError(f"{_shown(keys)} is not finite", value=value, remedy="give a number", keys=keys)
        raise placed(error, names, config)
    faults = list(_validator().iter_errors(config))
    if not faults:
        return config
    fault = min(faults, key=lambda one: (not _is_about_a_name(one), [str(step) for step in one.absolute_path]))
    keys, what, value, remedy = _explain(fault)
    path, line = _place(keys, names, config)
    raise InputError(what, path=path, line=line, value=value, remedy=remedy)


def placed(error: InputError, names: Sequence[str | Path], config: Mapping[str, Any]) -> InputError:
    """An error that carries keys of a configuration, with the file and line of the innermost one that a file holds.

    Parameters
    ----------
    error : InputError
    names : sequence of path-like
        As of :func:`check_config`.
    config : mapping
        The configuration as it is used: what it holds and the files do not was given on the command line.
    """
    if not error.keys or error.path is not None:
        return error
    path, line = _place(error.keys, names, config)
    return InputError(error.what, path=path, line=line, value=error.value, remedy=error.remedy, keys=error.keys)


@cache
def _validator() -> Draft202012Validator:
    # JSON takes 1.0 for a whole number; as part of a file's name it is none
    kinds = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    return extend(Draft202012Validator, type_checker=kinds)(schema())


_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+")


def _plain(value: Any) -> Any:
    """Keys as text (2021 is a number to YAML), and numbers such as 1e-3 as numbers (text to YAML 1.1)."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
        return int(value) if value.is_integer() else value
    return value


def _infinite(value: Any, keys: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], float]]:
    """Keys and values of numbers that are infinite or none."""
    if isinstance(value, Mapping | list):
        for key, entry in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _infinite(entry, (*keys, key))
    elif isinstance(value, float) and not math.isfinite(value):
        yield keys, value


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
        "maxItems": lambda rule: f"give at most {rule}",
        "minLength": lambda rule: f"give at least {rule} characters",
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


def _place(
    keys: Sequence[str | int], names: Sequence[str | Path], config: Mapping[str, Any]
) -> tuple[str | Path | None, int | None]:
    """File and 1-based line of a key, or of the innermost key around it that a file holds; later files go first.

    Nothing where the files hold another value than the configuration: it was given on the command line.
    """
    value: Any = config
    for key in keys:
        known = (isinstance(value, Mapping) and key in value) or (isinstance(value, list) and isinstance(key, int))
        value = value[key] if known else None
    best: tuple[int, str | Path | None, int | None] = (-1, None, None)
    other = False
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
            other = depth == len(keys) and _is_other(node, value)
    if best[0] == len(keys) and other:
        return None, None
    # a key that no file holds was given on the command line
    return (None, None) if len(names) and keys and best[0] == 0 else best[1:]


def _is_other(node: yaml.Node, value: Any) -> bool:
    if not isinstance(node, yaml.ScalarNode) or not isinstance(value, str | int | float) or value != value:
        return False
    written = yaml.safe_load(yaml.serialize(node))
    return value not in (written, node.value, _plain(written))


def _child(node: Any, key: str | int) -> tuple[Any, Any] | None:
    """The node that names an entry, and the entry's own; None where there is no such entry."""
    if isinstance(node, yaml.MappingNode):
        return next(((name, entry) for name, entry in node.value if name.value == str(key)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key], node.value[key]
    return None
