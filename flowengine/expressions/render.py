"""Rendering a whole value: every template inside lists and objects, each with its own share of the run's clock and chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flowengine.errors import ExpressionError
from flowengine.expressions.functions.draw import SEED, Draw
from flowengine.expressions.missing import MissingError
from flowengine.expressions.template import Template, template
from flowengine.types import Json, Path

Render = Callable[[Template, Path], Any]
"""Gives what a template at a place in the value comes to."""


def walk(value: Json, render: Render, at: Path = ()) -> Json:
    """The value with every template in it rendered. Keys of objects are kept as they are.

    An `ExpressionError` says in `at` where in the value its template stands.
    """
    match value:
        case str():
            return _text(value, render, at)
        case dict():
            return {key: walk(item, render, (*at, key)) for key, item in value.items()}
        case list() | tuple():
            return [walk(item, render, (*at, index)) for index, item in enumerate(value)]
        case _:
            return value


def _text(text: str, render: Render, at: Path) -> Json:
    try:
        found = template(text)
        return render(found, at) if found else text
    except ExpressionError as error:
        error.at = at
        error.template = error.template or text
        raise


def seeded(scope: Mapping[str, Any], found: Template, at: Path) -> Mapping[str, Any]:
    """The scope of one template: with a draw of its own where it asks for the time or for chance."""
    if not found.drawn or SEED not in scope:
        return scope
    seed = scope[SEED]
    key = f"{seed['key']}:{'/'.join(map(str, at))}"
    return {**scope, SEED: Draw(datetime.fromisoformat(seed["now"]), key)}


def render_now(value: Json, scope: Mapping[str, Any], *, guarded: bool = False, lenient: bool = False) -> Json:
    """Render here and now, without limits of time and memory: for templates that are trusted, and in the child process.

    `lenient` gives None for a value that is missing.
    """

    def render(found: Template, at: Path) -> Json:
        return render_one(found, seeded(scope, found, at), guarded=guarded, lenient=lenient)

    return walk(value, render)


def render_one(found: Template, scope: Mapping[str, Any], *, guarded: bool, lenient: bool) -> Json:
    """One template; None when `lenient` and something in it is missing."""
    try:
        return found.render(scope, guarded=guarded)
    except ExpressionError as error:
        if lenient and isinstance(error.__context__, MissingError):
            return None
        raise


def needs_seed(value: Json) -> bool:
    """Whether any template in a value asks for the time or for chance. Unreadable templates count as not asking."""
    match value:
        case str():
            try:
                found = template(value)
            except ExpressionError:
                return False
            return found is not None and found.drawn
        case dict():
            return any(needs_seed(item) for item in value.values())
        case list() | tuple():
            return any(needs_seed(item) for item in value)
        case _:
            return False
