"""YAML files in which every key comes once and every number is read as one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from .errors import InputError
from .files import open_text


class _Loader(yaml.SafeLoader):
    """Numbers as in YAML 1.2: ``1e-3`` is one, which YAML 1.1 takes for text."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+"), list("-+.0123456789")
)


def read_yaml(path: str | Path) -> Any:
    """Content of a YAML file.

    Raises
    ------
    InputError
        If the file cannot be read, is no YAML, or a key comes twice in one block; file and line are named.
    """
    with open_text(path) as handle:
        text = handle.read()
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        _check_keys(node, path, [], set())
        return None if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise InputError(
            f"the file is no YAML: {getattr(error, 'problem', None) or error}",
            path=path,
            line=mark and mark.line + 1,
            remedy="correct it",
        ) from error
    finally:
        loader.dispose()


def check_repeated_keys(paths: Iterable[str | Path]) -> None:
    """Raise :class:`InputError` for the first YAML file that :func:`read_yaml` refuses."""
    for path in paths:
        read_yaml(path)


def _check_keys(node: yaml.Node | None, path: str | Path, within: list[str], seen: set[int]) -> None:
    # an alias leads to a node that was looked at already
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            _check_keys(entry, path, within, seen)
    elif isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, entry in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines:
                raise InputError(
                    f"the key {'.'.join([*within, name])} is already in line {lines[name]}",
                    path=path,
                    line=line,
                    remedy="keep one of them",
                )
            lines[name] = line
            _check_keys(entry, path, [*within, name], seen)
