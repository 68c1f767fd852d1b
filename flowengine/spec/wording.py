"""YAML's own complaints, said again for people who have never heard of a block mapping."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import yaml

from flowengine.findings import Span
from flowengine.spec.places import line_starts

QUOTE_IT = 'put quotes around the text: "..."'


class Complaint(NamedTuple):
    """Where a file stops being YAML, what is wrong there, and what to write."""

    span: Span
    message: str
    hint: str


def reword(error: yaml.YAMLError, text: str) -> Complaint:
    """Say a parser's complaint in words, at the place where the author has to write."""
    problem = str(getattr(error, "problem", "") or "")
    context = str(getattr(error, "context", "") or "")
    mark = getattr(error, "problem_mark", None)
    begun: Any = getattr(error, "context_mark", None) or mark
    if mark is None:
        return Complaint(Span(1, 1, 1, 1), "the file cannot be read as YAML", "")
    place, opening = (mark.line, mark.column), (begun.line, begun.column)
    match problem:
        case "found unexpected end of stream":
            return _at(text, opening, "this quoted text is never closed", "add the closing quote")
        case "found character that cannot start any token":
            return _bad_start(text, place)
        case (
            "found a tab character that violates indentation"
            | "found a tab character where an indentation space is expected"
        ):
            return _tab(text, place)
        case "mapping values are not allowed in this context":
            return _second_colon(text, place)
        case "could not find expected ':'":
            return _no_colon(text, opening)
        case "block sequence entries are not allowed in this context":
            return _at(text, place, "a list cannot begin on the line of its key", 'begin a new line with "- "')
        case "did not find expected '-' indicator":
            return _lost_dash(text, place)
        case "did not find expected ',' or '}'" | "did not find expected ',' or ']'":
            return _open_bracket(text, opening, place, problem)
        case "did not find expected key" | "did not find expected <document start>":
            return _unexpected(text, place)
        case "did not find expected alphabetic or numeric character":
            return _at(text, opening, f'text cannot begin with "{_char(text, opening)}"', QUOTE_IT)
        case "found unknown escape character":
            hint = "write \\\\ for a backslash, or use single quotes"
            return _at(text, place, 'this backslash means nothing inside "..."', hint)
        case "did not find expected comment or line break":
            sign = _char(text, opening)
            return _at(
                text, opening, f'text cannot begin with "{sign}"', f"{QUOTE_IT}, or begin the text on the next line"
            )
        case "did not find expected node content":
            return _at(text, place, "a value is missing here", "write the value, or close the bracket")
    told = f"{problem or context}".replace("did not find expected", "there should be").strip()
    return _at(text, place, f"this is not YAML: {told}", "look at the quotes, colons and indentation around it")


def _at(text: str, place: tuple[int, int], message: str, hint: str) -> Complaint:
    line, column = _inside(text, *place)
    return Complaint(Span(line + 1, column + 1, line + 1, column + 2), message, hint)


def _inside(text: str, line: int, column: int) -> tuple[int, int]:
    """A place past the end is told at the last line that has text."""
    last = len(line_starts(text)) - 1
    if line <= last and (line < last or _line(text, line)):
        return line, column
    while last > 0 and not _line(text, last).strip():
        last -= 1
    return last, len(_line(text, last).rstrip())


def _line(text: str, line: int) -> str:
    starts = line_starts(text)
    if line >= len(starts):
        return ""
    end = starts[line + 1] if line + 1 < len(starts) else len(text)
    return text[starts[line] : end].rstrip("\r\n")


def _char(text: str, place: tuple[int, int]) -> str:
    return _line(text, place[0])[place[1] : place[1] + 1]


def _bad_start(text: str, place: tuple[int, int]) -> Complaint:
    char = _char(text, place)
    if char == "\t":
        return _tab(text, place)
    return _at(text, place, f'text cannot begin with "{char}"', QUOTE_IT)


def _tab(text: str, place: tuple[int, int]) -> Complaint:
    line, column = place
    at = _line(text, line).find("\t")
    return _at(
        text, (line, at if at >= 0 else column), "a tab stands in the indentation", "use spaces, two for each level"
    )


def _second_colon(text: str, place: tuple[int, int]) -> Complaint:
    """Either a text with `: ` in it, or a key that stands deeper than the line before allows."""
    line, column = place
    before = _line(text, line)[:column]
    tab = before.find("\t")
    if tab >= 0 and not before[:tab].strip():
        return _tab(text, place)
    if re.match(r"\s*(?:- +)*[^\s:][^:]*:\s+\S", before):
        key = re.match(r"\s*(?:- +)*[^:]*:\s+", before)
        return _at(text, (line, key.end() if key else column), 'text with a ": " in it needs quotes', QUOTE_IT)
    indent = len(before) - len(before.lstrip())
    hint = "give it the same indentation as the keys beside it"
    if line and not re.search(r":(\s|$)", _line(text, line - 1)):
        return _no_colon(text, (line - 1, 0))
    return _at(text, (line, indent), "this key stands deeper than the line above allows", hint)


def _no_colon(text: str, place: tuple[int, int]) -> Complaint:
    line = _line(text, place[0])
    start = len(line) - len(line.lstrip())
    glued = re.match(r"\s*(?:- +)*[\w-]+:(?=\S)", line)
    if glued:
        return _at(text, (place[0], glued.end()), "there is no space after the colon", "write a space after the colon")
    words = line.strip().removeprefix("- ").split(maxsplit=1)
    key = words[0] if words else "key"
    example = f"{key}: {words[1]}" if len(words) > 1 else f"{key}: ..."
    span = Span(place[0] + 1, start + 1, place[0] + 1, len(line.rstrip()) + 1)
    return Complaint(span, "there is no colon in this line", f'write a key, a colon, a space and a value: "{example}"')


def _lost_dash(text: str, place: tuple[int, int]) -> Complaint:
    hint = 'begin it with "- " if it is the next one, or indent it like the keys above it if it belongs to the same one'
    return _at(text, place, "this line stands in a list but has no dash", hint)


def _open_bracket(text: str, opening: tuple[int, int], place: tuple[int, int], problem: str) -> Complaint:
    closing = "}" if "}" in problem else "]"
    if opening[0] != place[0]:
        hint = f'add "{closing}" where it ends'
        return _at(text, opening, f'this "{_char(text, opening)}" is never closed', hint)
    hint = f'write "," between the parts, "{closing}" at the end, or quotes around a text that has brackets or quotes in it'
    return _at(text, place, f'"," or "{closing}" should stand here', hint)


def _unexpected(text: str, place: tuple[int, int]) -> Complaint:
    line, column = place
    shown = _line(text, line)
    before = shown[:column]
    if shown[column:].startswith("- ") and not before.strip():
        return _at(
            text,
            place,
            "a list begins here, where a key should stand",
            "indent the list deeper than the key that it belongs to",
        )
    if re.search(r"[\"'][ \t]*$", before):
        hint = "put the whole text inside one pair of quotes"
        return _at(text, place, "there is text after the closing quote", hint)
    if before.strip():
        return _at(text, place, "this cannot stand here", QUOTE_IT)
    return _at(
        text,
        place,
        "the indentation of this line fits nothing above it",
        "indent it exactly like the keys that it belongs with",
    )
