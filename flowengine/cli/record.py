"""A test made from a run: its event, what the services answered, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from flowengine.cli import output, place
from flowengine.cli.errors import Exit, WrongUsage
from flowengine.engine import broken_off
from flowengine.types import Json, JsonObject, Status, format_path
from flowengine.types import Path as ActionPath

if TYPE_CHECKING:
    from flowengine.app.differing import Difference
    from flowengine.cli.run_page import Found
    from flowengine.config import Settings
    from flowengine.store.records import ActionRecord, Attempt

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_WORDS = frozenset(["true", "false", "null", "yes", "no", "on", "off", "y", "n"])
_ERRORS = {"unreachable": "unreachable", "outcome_unknown": "timeout", "timed_out": "timed_out"}
_WAITS = ("ask", "wait_for", "call")


def record_run(here: Settings, reference: str, home: Path, *, as_json: bool) -> None:
    """Write a test that this run passes into the project at `home`, and tell where."""
    import typer

    from flowengine.cli import run_page

    found = place.finish(run_page.read(here, reference))
    if not found.run.status.finished:
        raise WrongUsage(f"run {found.run.id} goes on; a test can be made of it when it has ended")
    flow_file = place.flow_file(here, found.run.flow)
    path = _free(home, found)
    document, left = place.finish(_settled(here, found, path))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_text(document, found), encoding="utf-8")
    if as_json:
        output.emit(test={"file": str(path), "flow": found.run.flow, "differences": [each.to_json() for each in left]})
    else:
        output.say(f"made {path}")
        _tell(found, left, place.shown(here, flow_file))
    raise typer.Exit(Exit.FOUND if left else Exit.FINE)


def _tell(found: Found, left: list[Difference], flow_file: str) -> None:
    if any(action.secure for action in found.actions):
        output.tell("It has actions with secure values, which no history tells: write what is hidden yourself.")
    if left:
        output.tell(f"Rehearsed with {flow_file} as it is now, something comes out differently:")
        for each in left:
            output.tell(
                f"  {each.where}: the run had {output.json_text(each.expected, 200)}, came {output.json_text(each.found, 200)}"
            )
    output.tell(f"Run it: flowengine test {found.run.flow}")


def _free(home: Path, found: Found) -> Path:
    from flowengine.cli.stage import FOLDER

    folder = home / FOLDER
    named = folder / f"{found.run.flow}-{found.run.status}.yaml".replace("_", "-")
    return named if not named.exists() else folder / f"{named.stem}-{found.run.id[-6:]}.yaml"


async def _settled(here: Settings, found: Found, path: Path) -> tuple[JsonObject, list[Difference]]:
    """The test, with `<any>` where the run's own clock or chance made a value; and what differs beyond that."""
    from flowengine.app.differing import ANY
    from flowengine.app.flow_tests import FlowTest, compare
    from flowengine.cli.stage import flow_of, offline
    from flowengine.spec.source import Source

    document = document_of(found)
    async with offline(here) as stage:
        flow = flow_of(here, found.run.flow)
        made = FlowTest(str(path), Source(str(path), ""), flow.id, "", document, document["expect"])
        first = compare(made, await stage.rehearse(flow, made.begin()))
        for each in first:
            if isinstance(each.expected, str) and isinstance(each.found, str) and _is_value(each.loc):
                _put(document["expect"], each.loc, ANY)
        return document, compare(made, await stage.rehearse(flow, made.begin()))


def _is_value(loc: tuple[str | int, ...]) -> bool:
    """Whether this is a value that a template made, and not what was called or how it ended."""
    return loc[0] == "output" or (loc[0] == "calls" and "with" in loc)


def _put(value: Json, loc: tuple[str | int, ...], new: Json) -> None:
    for part in loc[:-1]:
        value = value[part]
    value[loc[-1]] = new


def document_of(found: Found) -> JsonObject:
    """What the test's file says."""
    run = found.run
    began = run.started_at or run.created_at
    answers = dict(_answers(found))
    document: JsonObject = {
        "test": f"{run.flow} {run.status}, as run {run.id}",
        "flow": run.flow,
        "now": output.rfc3339(began),
        "run_id": run.id,
        **_event(found),
        "answers": answers,
        "expect": _expected(found),
    }
    return {key: value for key, value in document.items() if value not in ({}, None) or key == "expect"}


def _event(found: Found) -> JsonObject:
    """`event` where the flow's conditions are to be held too; `trigger` for one item of a split."""
    from flowengine.store.documents import readable

    run = found.run
    if found.event is None or run.trigger == run.inputs:
        return {"inputs": run.inputs}
    body = readable(found.event.body)
    key = "event" if body == run.trigger else "trigger"
    headers = dict(found.event.headers) if "headers" in found.text else {}
    return {key: run.trigger, "headers": headers, "inputs": run.inputs}


def _answers(found: Found) -> Iterator[tuple[str, Json]]:
    for action in found.actions:
        if action.status is Status.SKIPPED:
            continue
        if _was_called(action):
            yield format_path(action.path), _answer_of(action, headers="headers" in found.text)
        elif action.kind in _WAITS:
            yield format_path(action.path), _waited(action)


def _was_called(action: ActionRecord) -> bool:
    """Whether requests were made; of secure actions the history does not tell how many."""
    ended = action.status in (Status.SUCCEEDED, Status.FAILED, Status.TIMED_OUT)
    return action.kind == "use" and bool(action.attempts or (action.secure and ended))


def _answer_of(action: ActionRecord, *, headers: bool) -> Json:
    if not action.attempts:
        failed = (action.error or {}).get("status_code") or 500
        return {"status_code": 200 if action.status is Status.SUCCEEDED else failed, "body": None}
    # What an engine's end broke off is not what the service answered.
    answered = [each for each in action.attempts if not broken_off.is_broken_off(each)] or action.attempts
    answers = [_attempt(each) for each in answered]
    if action.status is Status.SUCCEEDED and isinstance(action.outputs, dict):
        last = {"status_code": action.outputs.get("status_code"), "body": action.outputs.get("body")}
        if headers:
            last["headers"] = action.outputs.get("headers")
        answers[-1] = last
    elif action.error and action.error.get("body") is not None:
        answers[-1] = {**answers[-1], "body": action.error["body"]}
    return answers[0] if len(answers) == 1 else {"sequence": answers}


def _attempt(attempt: Attempt) -> JsonObject:
    error = attempt.error or {}
    message = {"message": error["message"]} if error.get("message") else {}
    if attempt.status_code is not None:
        return {"status_code": attempt.status_code, **message}
    return {"error": _ERRORS.get(error.get("code", ""), "timeout"), **message}


def _waited(action: ActionRecord) -> Json:
    if action.status is Status.TIMED_OUT:
        return {"error": "timed_out"}
    if action.error is not None:
        return {"status_code": 500, "message": action.error.get("message"), "body": action.error.get("body")}
    return {"body": action.outputs}


def _expected(found: Found) -> JsonObject:
    run = found.run
    calls = [_call(action, found) for action in found.actions if _was_called(action)]
    expected: JsonObject = {
        "status": str(run.status),
        "calls": [call for call, times in calls for _ in range(times)],
        "actions": {format_path(action.path): str(action.status) for action in found.actions if _settles(action.path)},
    }
    if run.output is not None:
        expected["output"] = run.output
    if run.error:
        expected["error"] = {name: run.error.get(name) for name in ("action", "code")}
    return expected


def _settles(path: ActionPath) -> bool:
    """Pauses of loops are no actions."""
    return "~wait" not in path


def _call(action: ActionRecord, found: Found) -> tuple[JsonObject, int]:
    call: JsonObject = {"use": _use(action, found), "at": format_path(action.path)}
    if "inputs" not in action.secure:
        call["with"] = action.inputs
    return call, len(action.attempts) or 1


def _use(action: ActionRecord, found: Found) -> str:
    """The operation, which the history does not tell, by the flow as it was."""
    from flowengine.spec.actions import OperationAction
    from flowengine.spec.load import parse_flow

    flow, _ = parse_flow(found.text, found.file, found.run.flow)
    written = tuple(part for part in action.path if isinstance(part, str))
    uses = {path: one.use for path, one in flow.walk() if isinstance(one, OperationAction)} if flow else {}
    return uses.get(written, "?")


def _text(document: JsonObject, found: Found) -> str:
    head = f"# Made from run {found.run.id} of {found.file}, version {found.run.flow_version}.\n"
    return head + yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None
    )


class _Dumper(yaml.SafeDumper):
    """Quotes every text that is not plain words, so that YAML 1.2 reads back what was written."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _quoted)
_Dumper.add_representer(datetime, lambda dumper, moment: _quoted(dumper, output.rfc3339(moment)))
