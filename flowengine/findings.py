"""Findings: the mistakes found in a file, as values with a place and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """`error` keeps a file from being used; `warning` does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of a text file. Lines and columns count from 1, in characters; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake: where it is, which rule says so, what is wrong (`message`) and what to write (`hint`)."""

    file: str
    span: Span
    rule: str
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        told = f"{self.message}; {self.hint}" if self.hint else self.message
        return f"{self.file}:{self.span.line}:{self.span.column}: {told}"

    def to_json(self) -> dict[str, Any]:
        """The shape of a finding in `flowengine check --format json`."""
        return {
            "file": self.file,
            "line": self.span.line,
            "column": self.span.column,
            "end_line": self.span.end_line,
            "end_column": self.span.end_column,
            "severity": str(self.severity),
            "rule": self.rule,
            "message": self.message,
            "hint": self.hint,
        }


def finding_of(document: dict[str, Any]) -> Finding:
    """The inverse of `Finding.to_json`."""
    span = Span(*(int(document[name]) for name in ("line", "column", "end_line", "end_column")))
    severity = Severity(document["severity"])
    return Finding(document["file"], span, document["rule"], document["message"], document["hint"], severity)


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word that `word` was most likely meant to be, or None when none is near."""
    choices = {choice.lower(): choice for choice in words}
    found = get_close_matches(word.lower(), choices, n=1, cutoff=0.6)
    return choices[found[0]] if found else None


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """`did you mean "x"?` for the nearest word, else what there is to choose from (at most twelve)."""
    choices = list(words)
    found = nearest(word, choices)
    if found:
        return f'did you mean "{found}"?'
    if not choices:
        return ""
    listed = ", ".join(sorted(choices)[:12])
    return f"there is: {listed}" + (", ..." if len(choices) > 12 else "")


_WRONG_VALUES = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a text",
    "string_too_short": "a text of at least {min_length} characters",
    "string_too_long": "a text of at most {max_length} characters",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "literal_error": "{expected}",
}


def wrong_value(problem: Mapping[str, Any]) -> str:
    """One of pydantic's errors in our words: `must be at most 65535`. The error's own, where there are none."""
    words = _WRONG_VALUES.get(problem["type"])
    own = str(problem["msg"]).removeprefix("Value error, ")
    return f"must be {words.format(**problem.get('ctx', {}))}" if words else own
