"""YAML manifests, read by YAML 1.2's rules for scalars and within limits that no honest definition meets.

PyYAML alone is not safe on a stranger's file: aliases and merge keys can blow up, deep nesting ends the process, and
`NO`, `12:30` and dates change their type. So the events are looked at first.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from flowengine.errors import FlowEngineError
from flowengine.findings import Span
from flowengine.types import Json

MAX_DEPTH = 100
MAX_ALIASES = 200


class YamlMistake(FlowEngineError):
    """The text is not a YAML document that can be used."""

    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.span = span


class _Loader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2's plain scalars and without merge keys."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's way of having a resolver table of one's own)


_FIRST_OF_NUMBERS = list("-+.0123456789")
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), _FIRST_OF_NUMBERS)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?$"), _FIRST_OF_NUMBERS
)


def read_yaml(text: str) -> Json:
    """The one document of `text`. Raises `YamlMistake` with the place."""
    try:
        _inspect(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506  (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        told = (error.problem or "cannot be read").strip()
        raise YamlMistake(f"not a YAML file: {told}", _at(error.problem_mark or error.context_mark)) from None
    except (yaml.YAMLError, ValueError) as error:
        raise YamlMistake(f"not a YAML file: {str(error).splitlines()[0]}", _at(None)) from None


def _inspect(text: str) -> None:
    depth = aliases = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
        if depth > MAX_DEPTH:
            raise YamlMistake(f"nested deeper than {MAX_DEPTH} levels", _at(event.start_mark))
        if aliases > MAX_ALIASES:
            raise YamlMistake(f"more than {MAX_ALIASES} aliases", _at(event.start_mark))


def _at(mark: Any) -> Span:
    if mark is None:
        return Span(1, 1, 1, 1)
    return Span(mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)
