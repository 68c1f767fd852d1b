"""One run as a page: straight to the failure, then the actions, then the commands that tell more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flowengine.cli import output, place
from flowengine.cli.sources import caret_lines
from flowengine.errors import NotFound
from flowengine.findings import Span, did_you_mean
from flowengine.types import JsonObject, Status, format_path

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.store import Store
    from flowengine.store.records import ActionRecord, Attempt, EventRecord, RunRecord
    from flowengine.types import Sent

LONGEST = 24
"""Lines of an action's inputs or of an answer that the page of a run shows."""

MARKS = {
    "succeeded": "+",
    "failed": "x",
    "timed_out": "x",
    "skipped": "-",
    "cancelled": "-",
    "running": ">",
    "waiting": "~",
    "queued": ".",
}


@dataclass(frozen=True, slots=True)
class Found:
    """A run with everything that is known about it."""

    run: RunRecord
    actions: tuple[ActionRecord, ...]
    event: EventRecord | None
    text: str
    """The flow file's text in the version that ran; empty when it is gone."""
    file: str

    def document(self) -> JsonObject:
        from flowengine.store.documents import run_document

        made: JsonObject = run_document(self.run, actions=self.actions, event=self.event, flow_file=self.file)
        return made


async def read(here: Settings, reference: str) -> Found:
    """Look a run up. Raises `NotFound` or `Conflict` (several begin so)."""
    async with place.require_history(here) as store:
        return await read_from(store, here, await store.runs.find(reference))


async def read_from(store: Store, here: Settings, run: RunRecord) -> Found:
    """Everything the store has about a run."""
    event = await store.events.get(run.event_id) if run.event_id else None
    try:
        text = await store.flows.version_text(run.flow, run.flow_version)
    except NotFound:
        text = ""
    return Found(run, tuple(await store.runs.actions(run.id)), event, _as_text(text), file_name(here, run.flow))


def _as_text(text: str | bytes | None) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text or ""


def file_name(here: Settings, flow: str) -> str:
    """The flow's file as people in the project folder write it."""
    suffix = ".yml" if (here.flows / f"{flow}.yml").is_file() else ".yaml"
    return f"flows/{flow}{suffix}"


def print_run(found: Found, *, inputs: bool = False, outputs: bool = False) -> None:
    """The whole page."""
    run = found.run
    output.say(f"Run {run.id} of {output.clean(run.flow)}: {output.shown(output.status(run.status))}")
    output.say(
        f"  started   {output.moment(run.started_at or run.created_at)} by {output.clean(run.trigger_name)}, {_length(run)}"
    )
    output.say(f"  flow      {found.file}, version {run.flow_version}")
    if run.event_id:
        output.say(f"  event     {run.event_id}")
    if run.due_at and not run.status.finished:
        output.say(f"  goes on   {output.moment(run.due_at)}")
    if run.error:
        print_failure(found, run.error)
    output.say("\nWhat it did:" if found.actions else "\nIt did nothing yet.")
    for action in found.actions:
        _print_line(action, inputs, outputs)
    if run.output is not None:
        output.say("\nIt gave back:")
        output.say(output.indented(run.output, "  "))
    _next_commands(found)


def _length(run: RunRecord) -> str:
    milliseconds = output.took(run.started_at, run.finished_at)
    return "still going on" if milliseconds is None else f"took {output.duration(milliseconds)}"


def print_failure(found: Found, error: JsonObject) -> None:
    """What failed, where in the file, and how often it was tried."""
    path = str(error.get("action") or "")
    name = str(error.get("name") or path)
    where = f' at "{output.clean(name)}"{_iteration(path)}' if name else ""
    output.say(f"\n{output.paint('Failed', 'red')}{where}: {output.clean(error.get('message'), lines=True)}")
    if error.get("line"):
        line, column = int(error["line"]), int(error.get("column") or 1)
        output.say(f"  {found.file}:{line}:{column}")
        for shown in caret_lines(found.text, _rest_of_line(found.text, line, column), "    "):
            output.say(shown)
    failed = next((each for each in found.actions if format_path(each.path) == path), None)
    if failed is not None and len(failed.attempts) > 1:
        _print_attempts(failed.attempts, "  ")
    if failed is not None and failed.inputs:
        output.say("  it was given:")
        output.say(_shortened(output.indented(failed.inputs, "    ")))
    if error.get("body") is not None:
        output.say("  the service answered:")
        output.say(_shortened(output.indented(error["body"], "    ")))
    if also := error.get("on_failure"):
        output.say(f"  and on_failure failed, too: {output.clean(output.json_text(also))}")


def _shortened(text: str) -> str:
    """At most so many lines; the whole is one command away."""
    lines = text.splitlines()
    rest = len(lines) - LONGEST
    return text if rest <= 0 else "\n".join([*lines[:LONGEST], f"    ... {rest} more lines, see --action"])


def _rest_of_line(text: str, line: int, column: int) -> Span:
    lines = text.splitlines()
    end = len(lines[line - 1].rstrip()) + 1 if line <= len(lines) else column + 1
    return Span(line, column, line, max(end, column + 1))


def _iteration(path: str) -> str:
    """` (item 4 of notify_all)` for an action inside loops."""
    parts = path.split("/")
    rounds = [f"item {int(part) + 1} of {parts[at - 1]}" for at, part in enumerate(parts) if part.isdecimal() and at]
    return f" ({', '.join(rounds)})" if rounds else ""


def _print_attempts(attempts: tuple[Attempt, ...], indent: str) -> None:
    output.say(f"{indent}tried {len(attempts)} time{'s' if len(attempts) > 1 else ''}:")
    for each in attempts:
        answer = str(each.status_code or "-")
        error = output.clean((each.error or {}).get("message", "")) if each.error else "succeeded"
        output.say(
            f"{indent}  {each.number}. {output.moment(each.started_at)}  {output.duration(each.duration_ms):>7}  {answer:>3}  {error}"
        )
        if each.request:
            output.say(f"{indent}     {output.clean(each.request.line)}")


def _print_line(action: ActionRecord, inputs: bool, outputs: bool) -> None:
    milliseconds = output.took(action.started_at, action.finished_at)
    style = output.STYLES.get(action.status, "")
    head = f"  {output.paint(MARKS.get(action.status, ' '), style)} {output.paint(f'{action.status:<9}', style)}  {output.clean(format_path(action.path))}"
    output.say(f"{head}  {_told(action, milliseconds)}".rstrip())
    if inputs and action.inputs is not None:
        output.say("      was given:")
        output.say(output.indented(action.inputs, "        "))
    if outputs and action.outputs is not None:
        output.say("      gave back:")
        output.say(output.indented(action.outputs, "        "))


def _told(action: ActionRecord, milliseconds: float | None) -> str:
    """The end of an action's line: why it was skipped, what it said, or how long it took."""
    if action.skipped_because:
        return f"({output.clean(action.skipped_because)})"
    if action.error:
        return output.clean(action.error.get("message", ""))
    if action.kind == "log":
        return f'"{output.clean(output.json_text(log_text(action), 200))}"'
    if action.finished_at is None and action.due_at and action.attempts and (error := action.attempts[-1].error):
        again = f"try {action.attempts[-1].number + 1} at {output.moment(action.due_at)}"
        return f"{again}; the last one: {output.clean(error.get('message', ''))}"
    tried = f", {len(action.attempts)} tries" if len(action.attempts) > 1 else ""
    return f"{output.duration(milliseconds)}{tried}" if action.kind == "use" else ""


def log_text(action: ActionRecord) -> Any:
    """What a `log` action said."""
    said = action.outputs if action.outputs is not None else action.inputs
    if isinstance(said, dict) and len(said) == 1:
        return next(iter(said.values()))
    return said


def _next_commands(found: Found) -> None:
    run = found.run
    path = (run.error or {}).get("action")
    lines = []
    if path:
        lines.append(f"flowengine runs show {run.id} --action {path}")
    elif found.actions:
        lines.append(f"flowengine runs show {run.id} --inputs --outputs")
    if run.event_id:
        lines.append(f"flowengine events show {run.event_id}")
    if not run.status.finished:
        lines.append(f"flowengine runs watch {run.id}")
    if lines:
        output.tell("\nMore: " + "\n      ".join(lines))


def print_action(found: Found, path: str) -> None:
    """One action in full: attempts, inputs, outputs, error. A path ending in `*` takes all that begin so."""
    for each in _chosen(found, path):
        _print_in_full(each)


def print_requests(found: Found, path: str) -> None:
    """What an action sent, each time it was tried: the request as HTTP writes it, without credentials."""
    chosen = _chosen(found, path)
    sent = [(each, attempt) for each in chosen for attempt in each.attempts if attempt.request]
    if not sent:
        output.tell("Nothing was sent.")
    for number, (action, attempt) in enumerate(sent):
        output.tell(f"{chr(10) * bool(number)}{output.clean(format_path(action.path))}, try {attempt.number}:")
        assert attempt.request is not None
        _print_request(attempt.request)


def _print_request(request: Sent) -> None:
    output.say(output.clean(request.line))
    for name, value in request.headers.items():
        output.say(output.clean(f"{name}: {value}"))
    if request.body is not None:
        output.say(f"\n{output.clean(request.body, lines=True)}")
    if request.left_out is not None:
        output.say(f"{'' if request.body is not None else chr(10)}({request.left_out})")


def _chosen(found: Found, path: str) -> list[ActionRecord]:
    paths = [format_path(each.path) for each in found.actions]
    pattern = re.compile(re.escape(path.strip("/")).replace(r"\*", ".*"))
    chosen = [each for each in found.actions if pattern.fullmatch(format_path(each.path)) or each.name == path]
    if not chosen:
        raise NotFound(f'run {found.run.id} has no action "{path}"; {did_you_mean(path, paths)}')
    return chosen


def _print_in_full(action: ActionRecord) -> None:
    output.say(
        f'{output.clean(format_path(action.path))}  "{output.clean(action.name)}"  {output.shown(output.status(action.status))}'
    )
    output.say(f"  started   {output.moment(action.started_at)}")
    output.say(f"  finished  {output.moment(action.finished_at)}")
    if action.skipped_because:
        output.say(f"  skipped because {output.clean(action.skipped_because)}")
    if action.attempts:
        _print_attempts(action.attempts, "  ")
    for title, value in (("it was given", action.inputs), ("it gave back", action.outputs), ("error", action.error)):
        if value is not None:
            output.say(f"  {title}:")
            output.say(output.indented(value, "    "))


def log_lines(found: Found) -> Iterator[dict[str, Any]]:
    """Log lines and the end of every action, by time."""
    for action in sorted(found.actions, key=_ended):
        text = (
            log_text(action)
            if action.kind == "log" and action.status == Status.SUCCEEDED
            else _told(action, output.took(action.started_at, action.finished_at))
        )
        yield {
            "at": _ended(action),
            "path": format_path(action.path),
            "kind": action.kind,
            "status": str(action.status),
            "text": text if isinstance(text, str) else output.json_text(text),
        }


def _ended(action: ActionRecord) -> datetime:
    return action.finished_at or action.started_at
