"""Help that goes along with the cursor: what stands there, and the operation that the action or trigger around it calls."""

from __future__ import annotations

from dataclasses import dataclass

from flowengine.lint.editor.cursor import MARK, cursor_at
from flowengine.lint.editor.hover import hover, of_key
from flowengine.lint.editor.reading import Standing, standing_at
from flowengine.lint.project import Project
from flowengine.spec.places import value_at
from flowengine.spec.source import Location
from flowengine.types import Json


@dataclass(frozen=True, slots=True)
class Help:
    """What helps at one place of a flow."""

    about: str = ""
    """Markdown on the very word, or on the key whose value it is; empty where there is nothing to say."""
    use: str = ""
    """The operation around the cursor, such as `livechat.UpdateTicket`, as it is written: there may be none of that name."""
    parameter: str = ""
    """Which of its parameters the cursor is in, dotted: `requester.mail`."""


def help_at(text: str, offset: int, file: str, project: Project) -> Help:
    """What helps at an offset of a flow's text, however unfinished the text is."""
    start, end = text.rfind("\n", 0, offset) + 1, text.find("\n", offset)
    blank = not text[start : end if end >= 0 else len(text)].strip()
    standing = None if blank else standing_at(text, offset, file, project)
    if standing is None:
        cursor = cursor_at(text, offset, file)
        return Help("", *_called(cursor.source.data, cursor.loc)) if cursor else Help()
    called = _called(standing.context.flow.source.data, standing.loc)
    return Help(_about(text, offset, file, standing, project), *called)


def _about(text: str, offset: int, file: str, standing: Standing, project: Project) -> str:
    found = hover(text, offset, file, project)
    if found is not None:
        return found.markdown
    of_a_value = standing.loc and isinstance(standing.loc[-1], str)
    return (of_key(standing.context, standing.loc, project) or "") if of_a_value else ""


def _called(data: Json, loc: Location) -> tuple[str, str]:
    """The operation of the innermost action or trigger around a place, and the parameter that the place is in."""
    for length in range(len(loc), -1, -1):
        owner = value_at(data, loc[:length])
        use = (owner.get("use") or owner.get("poll")) if isinstance(owner, dict) else None
        if isinstance(use, str) and loc[:length] and loc[length - 1] != "with":
            return _without_mark(use), _parameter(loc[length:])
    return "", ""


def _parameter(rest: Location) -> str:
    inside = rest[1:] if rest[:1] == ("with",) else ()
    return ".".join(part for part in inside if isinstance(part, str) and part != MARK)


def _without_mark(use: str) -> str:
    return use.replace(MARK, "")
