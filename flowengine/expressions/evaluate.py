"""Evaluating the templates of an action: cheap ones in this process, all others in a child process with limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from flowengine.config import Limits
from flowengine.expressions.pool import Pool
from flowengine.expressions.render import render_now, render_one, seeded, walk
from flowengine.expressions.template import Template
from flowengine.expressions.values import Escalate
from flowengine.types import Json, JsonObject, Path


class Evaluator(Protocol):
    """Renders values against a scope."""

    async def render(self, value: Json, scope: Mapping[str, Any], *, lenient: bool = False) -> Json:
        """The value with every template in it rendered; a text that is exactly one `{{ ... }}` keeps its type.

        `scope` holds JSON values by name; with `draw.seed(...)` under `draw.SEED` templates may ask for the time and for
        chance. `lenient` gives None for a value that is missing. Raises `ExpressionError`, whose `at` says where in the value
        the template stands and whose `span` where in the template the mistake is, if that is known.
        """
        ...


class InProcess:
    """Renders everything in this process, without limits: for tests, and where only the project's owner gives templates."""

    async def render(self, value: Json, scope: Mapping[str, Any], *, lenient: bool = False) -> Json:
        return render_now(value, scope, lenient=lenient)


@dataclass(frozen=True, slots=True)
class _Later:
    index: int


class Limited:
    """The engine's evaluator. Templates that could run long or grow large go to a child process, all of a call at once."""

    def __init__(self, limits: Limits) -> None:
        self._pool = Pool(seconds=limits.template_seconds, memory=limits.template_memory)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.close()

    async def render(self, value: Json, scope: Mapping[str, Any], *, lenient: bool = False) -> Json:
        put_off: list[tuple[Template, Path]] = []

        def here(found: Template, at: Path) -> Json:
            if found.bounded:
                try:
                    return render_one(found, seeded(scope, found, at), guarded=True, lenient=lenient)
                except Escalate:
                    pass
            put_off.append((found, at))
            return _Later(len(put_off) - 1)

        rendered = walk(value, here)
        if not put_off:
            return rendered
        results = await self._pool.render(
            [(found.text, at) for found, at in put_off],
            _needed(scope, [found for found, _ in put_off]),
            lenient=lenient,
        )
        return _filled(rendered, results)


def default(limits: Limits | None = None) -> Limited:
    """The evaluator to use: an async context manager that ends its child processes."""
    return Limited(limits or Limits())


def _needed(scope: Mapping[str, Any], templates: list[Template]) -> JsonObject:
    """The part of a scope that the templates name; all names are kept, so that errors can list them."""
    needed = frozenset[str]().union(*(found.references.names for found in templates))
    return {name: value if name in needed or name.startswith("__") else None for name, value in scope.items()}


def _filled(value: Json, results: list[Json]) -> Json:
    match value:
        case _Later():
            return results[value.index]
        case dict():
            return {key: _filled(item, results) for key, item in value.items()}
        case list():
            return [_filled(item, results) for item in value]
        case _:
            return value
