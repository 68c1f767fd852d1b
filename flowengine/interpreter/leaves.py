"""Actions that hold no others: operations, waits, and what changes or ends the run itself."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TypeVar

from flowengine.errors import ActionError, ExpressionError
from flowengine.expressions.functions.moments import read_moment, zone
from flowengine.expressions.values import shown, text_of
from flowengine.interpreter.effects import Failure, Response, WaitForAnswer, WaitForCallback, WaitForFlow, WaitForTime
from flowengine.interpreter.scope import Done, Scope
from flowengine.interpreter.signals import OnRecord, Stopped
from flowengine.interpreter.walk import Walk
from flowengine.spec.actions import (
    Action,
    Ask,
    Call,
    Log,
    OperationAction,
    Respond,
    Set,
    Stop,
    Wait,
    WaitFor,
    WaitUntil,
)
from flowengine.spec.flow import Flow
from flowengine.spec.source import Location
from flowengine.spec.times import parse_duration, parse_time_of_day
from flowengine.spec.triggers import Schedule
from flowengine.types import Json, Path, Status, format_path

T = TypeVar("T")


async def operation(walk: Walk, action: OperationAction, path: Path, scope: Scope) -> Done:
    inputs = await walk.render(action.inputs, scope, path, (*action.loc, "with"))
    outputs = await _recorded(walk.effects.invoke(path, action, inputs))
    return Done(
        body=outputs.body,
        status_code=outputs.status_code,
        headers=dict(outputs.headers),
        attempts=outputs.attempts,
        on_record=True,
    )


async def wait(walk: Walk, action: Wait, path: Path, scope: Scope) -> Done:
    loc = (*action.loc, "wait")
    duration = _duration(await walk.render(action.duration, scope, path, loc), loc)
    until = await walk.effects.now(path) + duration
    await _recorded(walk.effects.wait(path, action.name, WaitForTime(until)))
    return Done(on_record=True)


async def wait_until(walk: Walk, action: WaitUntil, path: Path, scope: Scope) -> Done:
    loc = (*action.loc, "wait_until")
    said = await walk.render(action.moment, scope, path, loc)
    moment = read_moment(said) or _next(said, (await walk.effects.now(path)).astimezone(_zone(walk.flow)), loc)
    until = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    await _recorded(walk.effects.wait(path, action.name, WaitForTime(until)))
    return Done(on_record=True)


async def ask(walk: Walk, action: Ask, path: Path, scope: Scope) -> Done:
    said = await walk.render({"to": action.to, "question": action.question}, scope, path, (*action.loc, "ask"))
    question = WaitForAnswer(said["to"], text_of(said["question"]), action.choices, await _deadline(walk, action, path))
    return await _awaited(walk.effects.wait(path, action.name, question))


async def wait_for(walk: Walk, action: WaitFor, path: Path, _: Scope) -> Done:
    callback = WaitForCallback(await _deadline(walk, action, path))
    return await _awaited(walk.effects.wait(path, action.name, callback))


async def call(walk: Walk, action: Call, path: Path, scope: Scope) -> Done:
    inputs = await walk.render(action.inputs, scope, path, (*action.loc, "with"))
    called = WaitForFlow(action.flow, inputs, await _deadline(walk, action, path))
    return await _awaited(walk.effects.wait(path, action.name, called))


async def set_variables(walk: Walk, action: Set, path: Path, scope: Scope) -> Done:
    values = await walk.render(action.values, scope, path, (*action.loc, "set"))
    walk.variables = {**walk.variables, **values}
    return Done(body=values, outputs=values)


async def respond(walk: Walk, action: Respond, path: Path, scope: Scope) -> Done:
    loc = (*action.loc, "respond")
    written = {"status": action.status, "headers": action.headers, "body": action.body}
    said = await walk.render(written, scope, path, loc)
    headers = {name: text_of(value) for name, value in said["headers"].items()}
    response = Response(_http_status(said["status"], (*loc, "status")), headers, said["body"])
    await walk.effects.respond(path, response)
    said = {"status": response.status, "headers": response.headers, "body": response.body}
    return Done(body=said, outputs=said)


async def stop(walk: Walk, action: Stop, path: Path, scope: Scope) -> Done:
    message = text_of(await walk.render(action.message, scope, path, (*action.loc, "stop", "message")))
    told = Failure(
        action=format_path(path),
        name=action.name,
        code="stopped",
        message=message or f"the flow stopped itself as {action.status}",
        line=action.span.line,
        column=action.span.column,
    )
    raise Stopped(Status(action.status), told)


async def log(walk: Walk, action: Log, path: Path, scope: Scope) -> Done:
    text = text_of(await walk.render(action.text, scope, path, (*action.loc, "log")))
    return Done(body=text, outputs=text)


async def _recorded(effect: Awaitable[T]) -> T:
    try:
        return await effect
    except ActionError as error:
        raise OnRecord(error) from error


async def _awaited(effect: Awaitable[Json]) -> Done:
    return Done(body=await _recorded(effect), on_record=True)


async def _deadline(walk: Walk, action: Action, path: Path) -> datetime | None:
    return await walk.effects.now(path) + action.timeout if action.timeout else None


def _duration(said: Json, loc: Location) -> timedelta:
    try:
        if isinstance(said, int | float) and not isinstance(said, bool):
            return timedelta(seconds=said)
        return parse_duration(said if isinstance(said, str) else text_of(said))
    except (ValueError, OverflowError) as error:
        raise _placed(ExpressionError(f"{shown(said)} is not a length of time: {error}"), loc) from None


def _next(said: Json, now: datetime, loc: Location) -> datetime:
    """The next moment at which the clock shows a time of day, in the zone of `now`."""
    try:
        at = parse_time_of_day(said if isinstance(said, str) else text_of(said))
    except ValueError:
        told = f"{shown(said)} is not a moment; write it as 2026-11-22T09:30:00Z, or as a time of day such as 09:30"
        raise _placed(ExpressionError(told), loc) from None
    today = datetime.combine(now.date(), at, now.tzinfo)
    return today if today > now else today + timedelta(days=1)


def _zone(flow: Flow) -> tzinfo:
    """The zone that the author thinks in: that of the flow's schedule, else UTC."""
    named = (trigger.timezone for trigger in flow.triggers if isinstance(trigger, Schedule) and trigger.timezone)
    return next((zone(name) for name in named), UTC)


def _http_status(said: Json, loc: Location) -> int:
    text = text_of(said)
    if not text.isdecimal() or not 100 <= int(text) <= 599:
        raise _placed(ExpressionError(f"{shown(said)} is not an HTTP status; they go from 100 to 599"), loc)
    return int(text)


def _placed(error: ExpressionError, loc: Location) -> ExpressionError:
    error.at = loc
    return error
