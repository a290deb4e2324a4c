"""Reads YAML so that every value knows where it stands and every number keeps its digits.

Numbers become int or Decimal from their text; a float never exists. Duplicate keys, tabs, exponents, hexadecimal and
yes/no booleans are problems, not surprises.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from scalpctl.core.money import parse_decimal
from scalpctl.errors import NotCanonical
from scalpctl.settings.problems import Path, Problem

_BOOLEANS = {"true": True, "false": False}
_NULLS = ("", "~", "null")
DEPTH_MAX = 12
SIZE_MAX = 1_000_000
VALUES_MAX = 20_000
"""More than any configuration holds: a few lines of references to references can stand for millions."""


@dataclass(slots=True)
class Source:
    """One configuration text: its values, where each of them stands, and what could not be read."""

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def where(self, path: Path) -> str:
        """Name the place of a path, or of its nearest parent, as file:line:column."""
        for length in range(len(path), -1, -1):
            place = self.places.get(path[:length])
            if place is not None:
                return f"{self.name}:{place[0]}:{place[1]}"
        return self.name


def read_yaml(name: str, text: str) -> Source:
    """Give the values of a YAML text, with a problem for each thing in it that cannot be trusted."""
    source = Source(name)
    if len(text) > SIZE_MAX:
        source.problems.append(Problem(name, (), "the file is larger than a megabyte"))
        return source
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ReusedAnchorWarning)
            node = YAML().compose(text)
    except ReusedAnchorWarning as error:
        what = str(error).strip().splitlines()[0].removeprefix("found ")
        source.problems.append(Problem(name, (), what, "give each its own name, or write the value twice"))
        return source
    except MarkedYAMLError as error:
        source.problems.append(_syntax(name, error))
        return source
    except YAMLError as error:  # characters that have no place in a text file
        source.problems.append(Problem(name, (), str(error).splitlines()[0]))
        return source
    if node is None:
        return source
    value = _value(source, node, ())
    if isinstance(value, dict):
        source.values = value
    elif not source.problems:
        source.problems.append(Problem(f"{name}:1:1", (), "the file must be a mapping of names to values"))
    return source


def _value(source: Source, node: Node, path: Path) -> Any:
    if len(source.places) > VALUES_MAX:
        return None
    source.places.setdefault(path, _place(node))
    if len(source.places) > VALUES_MAX:
        source.problems.append(_problem(source, node, (), f"stands for more than {VALUES_MAX} values"))
        return None
    if len(path) > DEPTH_MAX:
        source.problems.append(_problem(source, node, path, "is nested too deeply"))
        return None
    if isinstance(node, MappingNode):
        return _mapping(source, node, path)
    if isinstance(node, SequenceNode):
        return [_value(source, item, (*path, index)) for index, item in enumerate(node.value)]
    return _scalar(source, node, path) if isinstance(node, ScalarNode) else None


def _mapping(source: Source, node: MappingNode, path: Path) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, item in _pairs(source, node, path):
        if key in values:
            first = source.places[(*path, key)]
            what = f"is set twice; the first time in line {first[0]}"
            source.problems.append(_problem(source, item[0], (*path, key), what, "keep one of them"))
            continue
        source.places[(*path, key)] = _place(item[0])
        values[key] = _value(source, item[1], (*path, key))
    return values


def _pairs(source: Source, node: MappingNode, path: Path) -> Iterator[tuple[str, tuple[Node, Node]]]:
    for key, value in node.value:
        if isinstance(key, ScalarNode) and key.tag == "tag:yaml.org,2002:str":
            yield str(key.value), (key, value)
        else:
            source.problems.append(_problem(source, key, path, f"{getattr(key, 'value', '?')!r} is not a name"))


def _scalar(source: Source, node: ScalarNode, path: Path) -> Any:
    text, kind = str(node.value), str(node.tag).rpartition(":")[2]
    if kind in {"int", "float"}:
        return _number(source, node, path, text)
    if kind == "bool":
        if text not in _BOOLEANS:
            source.problems.append(_problem(source, node, path, f"{text!r} is not a boolean", "write true or false"))
        return _BOOLEANS.get(text, False)
    if kind == "null" and text in _NULLS:
        return None
    return text


def _number(source: Source, node: ScalarNode, path: Path, text: str) -> int | Decimal | None:
    try:
        value = parse_decimal(text)
    except NotCanonical as error:
        source.problems.append(_problem(source, node, path, error.message, error.hint))
        return None
    return value if "." in text else int(value)


def _problem(source: Source, node: Node, path: Path, what: str, hint: str | None = None) -> Problem:
    line, column = _place(node)
    return Problem(f"{source.name}:{line}:{column}", path, what, hint)


def _place(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _syntax(name: str, error: MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    what = str(error.problem or error.context or "is not YAML")
    hint = "indent with spaces, never with tabs" if "\\t" in what or "tab" in what else None
    return Problem(where, (), what, hint)
