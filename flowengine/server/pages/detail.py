"""The chosen action of a run, closer: the requests it sent, its place in the file, and what its templates saw."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from flowengine.app import App
from flowengine.app.looking_back import evaluate_in, seen_in
from flowengine.errors import FlowEngineError
from flowengine.server.context import app_of
from flowengine.server.pages.routing import Row
from flowengine.server.pages.shown import brief
from flowengine.spec.actions import Action, OperationAction
from flowengine.spec.times import lasted
from flowengine.store.documents import run_document
from flowengine.store.heads import RunHead
from flowengine.store.records import ActionRecord, RunRecord
from flowengine.types import Json, Path, Sent, Status, format_path

LINES: Final = 60
"""Lines of an action that are shown of its file."""
EXPRESSION_AT_MOST: Final = 4_000
MADE_AT_MOST: Final = 40
_LEAST: Final = 5
"""Runs that are needed to say how long a flow usually takes."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was sent, by one attempt or by several alike."""

    attempts: str
    sent: Sent
    body: Json


def calls_of(action: ActionRecord | None) -> list[Call]:
    """The requests of an action, each once."""
    told: list[tuple[list[str], Sent]] = []
    for attempt in action.attempts if action else ():
        if attempt.request is None:
            continue
        if told and told[-1][1] == attempt.request:
            told[-1][0].append(str(attempt.number))
        else:
            told.append(([str(attempt.number)], attempt.request))
    return [Call(", ".join(numbers), sent, _read(sent.body)) for numbers, sent in told]


def _read(body: str | None) -> Json:
    """A body as JSON where it is that, else as its text."""
    if body is None or body.lstrip()[:1] not in ("{", "["):
        return body
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body


@dataclass(frozen=True, slots=True)
class Written:
    """The lines of a file that say what an action does."""

    first: int
    lines: tuple[str, ...]
    more: int


def written(text: str, action: Action | None) -> Written | None:
    """The chosen action in the version that ran."""
    if action is None:
        return None
    lines = text.splitlines()[action.span.line - 1 : action.span.end_line]
    while lines and not lines[-1].strip():
        lines.pop()
    return Written(action.span.line, tuple(lines[:LINES]), max(len(lines) - LINES, 0))


@dataclass(frozen=True, slots=True)
class Made:
    """An input that a template made."""

    path: str
    template: str
    value: str
    """What it became; empty where the record does not say."""


def made_by_templates(action: Action | None, inputs: Json) -> list[Made]:
    """Each template of an operation's inputs with what became of it."""
    if not isinstance(action, OperationAction):
        return []
    found = [(path, text) for path, text in _texts((), action.inputs) if "{{" in text or "{%" in text]
    return [Made(".".join(map(str, path)), text, _became(inputs, path)) for path, text in found[:MADE_AT_MOST]]


def _texts(path: Path, value: Json) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts((*path, str(name)), inner)
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _texts((*path, at), inner)


def _became(value: Json, path: Path) -> str:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return ""
    return brief(value, 300)


@dataclass(frozen=True, slots=True)
class Looked:
    """What the templates of an action saw, and what an expression gives there."""

    names: tuple[tuple[str, str], ...] = ()
    expression: str = ""
    value: Json = None
    problem: str = ""
    found: bool = field(default=False)


async def look_up(app: App, run: RunRecord, at: Path, expression: str) -> Looked:
    """Every name as it was just before an action, and the value of an expression there. Nothing is stored."""
    expression = expression.strip()[:EXPRESSION_AT_MOST]
    try:
        names = await seen_in(app, run, format_path(at) if at else None)
    except FlowEngineError as error:
        return Looked(problem=error.message)
    listed = tuple((name, brief(value, 200)) for name, value in names.items())
    if not expression:
        return Looked(listed)
    try:
        value = await evaluate_in(app, expression, names)
    except FlowEngineError as error:
        return Looked(listed, expression, problem=error.message)
    return Looked(listed, expression, value, found=True)


def usual(recent: Sequence[RunHead]) -> str:
    """How long those of a flow's newest runs that succeeded took, in the middle; empty where there are too few to say."""
    took = [
        (run.finished_at - run.started_at).total_seconds() * 1_000
        for run in recent
        if run.status is Status.SUCCEEDED and run.started_at and run.finished_at
    ]
    return lasted(statistics.median(took)) if len(took) >= _LEAST else ""


async def download(request: Request) -> Response:
    """`GET /runs/{run}/download`: the run with all its actions and its event, as one JSON document."""
    app = app_of(request)
    run = await app.store.runs.find(request.path_params["run"])
    event = await app.store.events.get(run.event_id) if run.event_id else None
    actions: Sequence[ActionRecord] = await app.store.runs.actions(run.id)
    document = {"v": 1, "run": run_document(run, actions=actions, event=event)}
    headers = {
        "content-disposition": f'attachment; filename="run-{run.id}.json"',
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    content = orjson.dumps(document, option=orjson.OPT_INDENT_2, default=str)
    return Response(content, media_type="application/json", headers=headers)


ROUTES: tuple[Row, ...] = (("GET", "/runs/{run}/download", download),)
