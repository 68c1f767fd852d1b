"""Tests of flows: a YAML file with an event, the answers of the outside, and what must come of it.

    test: A refund ticket goes to Bob
    flow: assign-refund-tickets
    event: { ticket: { id: T1, subject: Refund } }
    answers:
      livechat.ListAgents: [{ login: ann, permission: owner }, { login: bob, permission: normal }]
      Assign the ticket: { status_code: 200, body: {} }
    expect:
      status: succeeded
      calls:
        - livechat.ListAgents
        - { use: livechat.UpdateTicket, at: assign_the_ticket, with: { ticketId: T1 } }
      actions: { tell_the_team: skipped }
      output: ...

What `expect` names is held, nothing else. `<any>` stands for any value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from flowengine.app.differing import Difference, differences, missing
from flowengine.app.rehearsal import Given, Rehearsal
from flowengine.engine.scripted import Script
from flowengine.errors import InvalidFile
from flowengine.expressions.functions.moments import read_moment
from flowengine.findings import Finding, did_you_mean
from flowengine.spec.source import Location, Source, read_source
from flowengine.types import Json, JsonObject, format_path

RULE = "flow-test"
KEYS = ("test", "flow", "now", "run_id", "event", "trigger", "headers", "inputs", "answers", "expect")
EXPECTED = (
    "status", "disposition", "runs", "calls", "actions", "skipped", "outputs", "output", "error", "response",
)  # fmt: skip
OBJECTS = ("headers", "inputs", "answers", "expect")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""When a test takes place that does not say: a Monday."""


@dataclass(frozen=True, slots=True)
class FlowTest:
    """One test, as its file says."""

    file: str
    source: Source
    flow: str
    name: str
    given: JsonObject = field(default_factory=dict)
    expect: JsonObject = field(default_factory=dict)

    def begin(self) -> Given:
        """What the flow is rehearsed with; each time anew, since scripts are used up."""
        given = self.given
        more = {"run_id": str(given["run_id"])} if "run_id" in given else {}
        return Given(
            now=_moment(given.get("now")) or NOW,
            event=given.get("event"),
            trigger=given.get("trigger"),
            headers={str(name).lower(): str(value) for name, value in (given.get("headers") or {}).items()},
            inputs=given.get("inputs") or {},
            script=Script(given.get("answers") or {}),
            **more,
        )

    def line(self, loc: Location) -> int:
        """The file's line of something that is expected."""
        return self.source.span(("expect", *loc)).line


def read_test(path: Path, file: str) -> FlowTest:
    """Raises `InvalidFile` with every mistake in it."""
    source, findings = read_source(path.read_bytes(), file)
    if source is None or findings:
        raise InvalidFile(findings)
    mistakes = list(_mistakes(source))
    if mistakes:
        raise InvalidFile(mistakes)
    data = source.data
    return FlowTest(file, source, data["flow"], str(data.get("test") or path.stem), data, data["expect"])


def compare(test: FlowTest, came: Rehearsal) -> list[Difference]:
    """Every difference between what is expected and what came."""
    return [found for name, expected in test.expect.items() for found in _BY_NAME[name](expected, came, (name,))]


def _calls(expected: Json, came: Rehearsal, loc: Location) -> Iterator[Difference]:
    for index, call in enumerate(came.calls):
        at = f"{call.use} at {format_path(call.path)}"
        if index >= len(expected):
            yield Difference(loc, "no more calls", f"{at} with {call.inputs}")
            continue
        wanted = expected[index] if isinstance(expected[index], dict) else {"use": expected[index]}
        if wanted.get("use") != call.use or ("at" in wanted and wanted["at"] != format_path(call.path)):
            told = " at ".join(str(wanted[key]) for key in ("use", "at") if key in wanted)
            yield Difference((*loc, index), told, at)
        elif "with" in wanted:
            yield from differences(wanted["with"], call.inputs, (*loc, index, "with"), exact=True)
    for index in range(len(came.calls), len(expected)):
        yield Difference((*loc, index), expected[index], "no such call")


def _runs_statuses(expected: Json, came: Rehearsal, loc: Location) -> Iterator[Difference]:
    if not came.runs:
        yield Difference(loc, expected, f"no run: the event was {came.event.disposition}, {came.event.reason}")
    for run in came.runs:
        yield from differences(expected, str(run.run.status), loc, also=(run.run.error or {}).get("message"))


def _disposition(expected: Json, came: Rehearsal, loc: Location) -> Iterator[Difference]:
    yield from differences(expected, str(came.event.disposition), loc, also=came.event.reason)


def _count(expected: Json, came: Rehearsal, loc: Location) -> Iterator[Difference]:
    yield from differences(expected, len(came.runs), loc)


def _actions(expected: Json, came: Rehearsal, loc: Location) -> Iterator[Difference]:
    found = {format_path(each.path): each for run in came.runs for each in run.actions}
    for path, status in expected.items():
        if path not in found:
            yield missing((*loc, path), status, did_you_mean(path, found))
        else:
            yield from differences(
                status, str(found[path].status), (*loc, path), also=(found[path].error or {}).get("message")
            )


def _skipped(expected: Json, came: Rehearsal, loc: Location) -> Iterator[Difference]:
    because = {format_path(each.path): each.skipped_because or "" for run in came.runs for each in run.actions}
    for path, words in expected.items():
        if str(words) not in because.get(path, ""):
            yield Difference((*loc, path), words, because.get(path) or "it was not skipped")


def _outputs(expected: Json, came: Rehearsal, loc: Location) -> Iterator[Difference]:
    found = {format_path(each.path): each.outputs for run in came.runs for each in run.actions}
    for path, value in expected.items():
        if path not in found:
            yield missing((*loc, path), value, did_you_mean(path, found))
        else:
            yield from differences(value, found[path], (*loc, path))


def _output(expected: Json, came: Rehearsal, loc: Location) -> Iterator[Difference]:
    for run in came.runs:
        yield from differences(expected, run.run.output, loc, exact=True)


def _error(expected: Json, came: Rehearsal, loc: Location) -> Iterator[Difference]:
    for run in came.runs:
        found = run.run.error or {}
        rest = {name: value for name, value in expected.items() if name != "message"}
        yield from differences(rest, found, loc)
        if "message" in expected and str(expected["message"]) not in str(found.get("message")):
            yield Difference((*loc, "message"), expected["message"], found.get("message"))


def _response(expected: Json, came: Rehearsal, loc: Location) -> Iterator[Difference]:
    found = [response for run in came.runs for response in run.responses]
    if not found:
        yield Difference(loc, expected, "no response")
        return
    told = {"status": found[0].status, "headers": found[0].headers, "body": found[0].body}
    yield from differences(expected, told, loc)


_BY_NAME = {
    "status": _runs_statuses,
    "disposition": _disposition,
    "runs": _count,
    "calls": _calls,
    "actions": _actions,
    "skipped": _skipped,
    "outputs": _outputs,
    "output": _output,
    "error": _error,
    "response": _response,
}


def _mistakes(source: Source) -> Iterator[Finding]:
    data = source.data
    if not isinstance(data, dict):
        yield _finding(source, (), "a test is an object", f"its keys are {', '.join(KEYS)}")
        return
    yield from _unknown(source, (), data, KEYS)
    for key in ("flow", "expect"):
        if key not in data:
            yield _finding(source, (), f'"{key}" is missing', "a test names its flow and what to expect")
    for key in OBJECTS:
        if not isinstance(data.get(key, {}), dict):
            yield _finding(source, (key,), f"{key} must be an object of names and values")
    if "now" in data and _moment(data["now"]) is None:
        yield _finding(source, ("now",), "now must be a moment", "write it as 2026-03-02T09:00:00Z")
    if isinstance(data.get("answers"), dict):
        yield from _mistaken_answers(source, data["answers"])
    if isinstance(data.get("expect"), dict):
        yield from _mistaken_expectations(source, data["expect"])


def _mistaken_answers(source: Source, answers: Mapping[str, Json]) -> Iterator[Finding]:
    for key, value in answers.items():
        try:
            Script({key: value})
        except ValueError as error:
            yield _finding(source, ("answers", key), str(error))


def _mistaken_expectations(source: Source, expect: Mapping[str, Json]) -> Iterator[Finding]:
    yield from _unknown(source, ("expect",), expect, EXPECTED)
    for key in ("actions", "skipped", "outputs", "error"):
        if not isinstance(expect.get(key, {}), dict):
            yield _finding(source, ("expect", key), f"{key} must be an object of names and values")
    calls = expect.get("calls", [])
    if not isinstance(calls, list):
        yield _finding(source, ("expect", "calls"), "calls must be a list")
        return
    for index, call in enumerate(calls):
        if isinstance(call, dict):
            yield from _unknown(source, ("expect", "calls", index), call, ("use", "at", "with"))


def _unknown(source: Source, loc: Location, data: Mapping[str, Json], keys: tuple[str, ...]) -> Iterator[Finding]:
    for key in data:
        if key not in keys:
            place = source.key_span((*loc, key))
            yield Finding(source.file, place, RULE, f'unknown key "{key}"', did_you_mean(str(key), keys))


def _finding(source: Source, loc: Location, told: str, hint: str = "") -> Finding:
    return Finding(source.file, source.span(loc), RULE, told, hint)


def _moment(said: Json) -> datetime | None:
    moment = read_moment(said)
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
