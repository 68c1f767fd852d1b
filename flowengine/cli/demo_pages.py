"""The demo's words, for someone who sees flowengine for the first time."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from flowengine.cli import output
from flowengine.cli.events import reason_text
from flowengine.cli.run_page import MARKS, log_text
from flowengine.types import Disposition, JsonObject, Status, format_path

if TYPE_CHECKING:
    from flowengine.cli.demo_told import Told
    from flowengine.store.records import ActionRecord, EventRecord, RunRecord

INDENT = 10
"""Columns that stand before and between the parts of an action's line."""

TITLES = {
    "livechat": "LiveChat: tickets, agents, chats (Microsoft's LiveChat connector)",
    "livechat-agent": "LiveChat: the agent's chat (Agent Chat API 3.6)",
    "comm100": "Comm100: the chat server (API 4)",
}


def introduce(told: Told) -> None:
    """Who takes part."""
    output.say("A flow is a YAML file: what starts it, and what it does at which service. Here are some at work.")
    _head("1  Three services and an engine, all on this machine")
    for name, url in told.services.items():
        output.say(f"   {url}  a stand-in of {TITLES[name]}")
    output.say(f"   {told.engine}  the engine, with the flows in {told.folder}/flows")
    _head(f"2  {len(told.flows)} flows are on; the engine told the services where to send what happens")
    for flow, states in told.flows.items():
        output.say(f"   {flow:<26} {', or '.join(_starts(state) for state in states)}")
    for state in told.registered():
        if state["detail"]:
            output.tell(f"   {state['name']}: {output.clean(state['detail'])}")
    _head("3  Now things happen at the services")


def _starts(state: JsonObject) -> str:
    """What starts the flow, for people."""
    match state["kind"]:
        case "use":
            return f"on {state['name']}"
        case "webhook":
            return "on a call of its own web address"
        case "schedule":
            return f"by the clock (next: {output.moment(state['next_at'])})" if state["next_at"] else "by the clock"
        case "poll":
            return f"on anything new in {state['name']}"
        case _:
            return "by hand"


def happened(service: str, told: str) -> None:
    """One thing that a person did."""
    output.say(f"   {service:<15} {output.clean(told)}")


def conclude(told: Told) -> None:
    """What the engine made of it: every event with why, every run with what it did, and where to look."""
    started = [(event, runs) for event, runs in told.events if runs]
    others = [event for event, runs in told.events if not runs]
    _head(
        f"4  {len(told.events)} events reached the engine; {len(started)} started a run, and this is what the runs did"
    )
    for run, actions in told.runs:
        _print_run(told, run, actions)
    if others:
        _head(f"5  {len(others)} events started nothing, and the history says why")
        for event in others:
            _print_unstarted(event)
    good = sum(run.status is Status.SUCCEEDED for run, _ in told.runs)
    _head(f"{len(told.runs)} runs: {good} succeeded, {len(told.runs) - good} did not. Look further:")
    lines = _commands(told)
    width = max(len(command) for command, _ in lines)
    for command, what in lines:
        output.say(f"   {command:<{width}}   {what}")


def _print_run(told: Told, run: RunRecord, actions: list[ActionRecord]) -> None:
    event = next((each for each, _ in told.events if each.id == run.event_id), None)
    came = f"{event.trigger_name}, {subject(event)}" if event else run.trigger_name
    took = output.duration(output.took(run.started_at, run.finished_at))
    name = output.paint(output.clean(run.flow), "bold")
    output.say(f"   {name}: {output.shown(output.status(run.status))} after {took}, started by {output.clean(came)}")
    for action in actions:
        if action.status is not Status.SKIPPED:
            mark = output.paint(MARKS.get(action.status, " "), output.STYLES.get(action.status, ""))
            output.say(f"     {mark} {_did(told, run, action)}")
    if run.error:
        output.say(f"     {output.paint('failed', 'red')}: {output.clean(run.error.get('message'))}")


def _did(told: Told, run: RunRecord, action: ActionRecord) -> str:
    """An action in one line: what it did at the service, or what it said."""
    name = output.clean(action.name)
    if action.kind == "log":
        return f'{name}: "{output.clean(output.json_text(log_text(action), 200))}"'
    if action.kind != "use":
        return name
    plain = format_path(tuple(part for part in action.path if isinstance(part, str)))
    use = told.operations.get((run.flow, plain), "")
    answer = action.attempts[-1].status_code if action.attempts else None
    line = f"{name}: {use} answered {answer or 'nothing'}"
    return f"{line}  {_given(action.inputs, _width() - len(line) - INDENT)}".rstrip()


def _width() -> int:
    """Columns of the terminal; in a pipe as many as are read with ease."""
    return shutil.get_terminal_size((140, 24)).columns if output.on_terminal() else 140


def _given(inputs: object, room: int) -> str:
    """An action's inputs in a few words."""
    if not isinstance(inputs, dict):
        return ""
    text = ", ".join(f"{name}: {_short(value)}" for name, value in inputs.items())
    text = " ".join(output.clean(text).split())
    return text if len(text) <= room else text[: max(0, room - 3)] + "..." * (room > 20)


def _short(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_short(inner)}" for name, inner in value.items()) + "}"
    return output.json_text(value)


def subject(event: EventRecord) -> str:
    """What an event is about, in a few words: a ticket's subject, a visitor's name, else nothing."""
    from flowengine.store.documents import readable

    body = readable(event.body)
    for path in (("ticket", "subject"), ("visitor", "name"), ("payload", "chat", "id"), ("topic",), ("id",)):
        found = body
        for part in path:
            found = found.get(part) if isinstance(found, dict) else None
        if isinstance(found, str):
            return f'"{found}"'
    return "an event"


def _print_unstarted(event: EventRecord) -> None:
    word = output.shown(output.Styled(str(event.disposition), output.STYLES[event.disposition]))
    what = output.clean(f"{event.trigger_name}, {subject(event)}")
    output.say(f"   {output.paint(output.clean(event.flow), 'bold')}: {word}, {what}")
    if reason := reason_text(event.reason):
        output.say(f"     - {output.clean(reason)}")


def commands(told: Told) -> list[str]:
    """The commands that tell more."""
    return [command for command, _ in _commands(told)]


def _commands(told: Told) -> list[tuple[str, str]]:
    prefix = f"flowengine -C {told.folder}"
    found = [(f"{prefix} runs list", "every run")]
    if told.runs:
        found.append((f"{prefix} runs show {_telling_run(told).id}", "one run, action by action"))
    filtered = next((event for event, _ in told.events if event.disposition is Disposition.FILTERED), None)
    if filtered:
        found.append((f"{prefix} events show {filtered.id}", "why a flow did not run"))
    found.append((f"{prefix} flows show assign-refund-tickets", "what a flow does"))
    if not told.stays:
        found.append(("flowengine demo --serve", "the same again, and it stays up for you to play with"))
    return found


def _telling_run(told: Told) -> RunRecord:
    """A failed run if there is one; else the one that did most."""
    failed = [run for run, _ in told.runs if run.status in (Status.FAILED, Status.TIMED_OUT)]
    return failed[0] if failed else max(told.runs, key=lambda each: len(each[1]))[0]


def stay(told: Told) -> None:
    """What can be done while it stays up."""
    _head(f"The engine stays up until Ctrl-C. Open {told.engine} in a browser:")
    output.say("   one flow fails there on purpose, and two refunds wait for your answer.")
    output.say("   Make something happen yourself, and see it come in on the page:")
    url = told.services["livechat"]
    body = '{"subject": "Refund, please"}'
    output.say(f"   curl -X POST {url}/_sandbox/ticket -H 'content-type: application/json' -d '{body}'")
    output.say(f"   flowengine -C {told.folder} events list")


def _head(text: str) -> None:
    output.say(f"\n{output.paint(text, 'bold')}")
