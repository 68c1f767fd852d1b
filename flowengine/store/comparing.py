"""Where two runs part: the first action that did something else, and everything that differs after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flowengine.store.documents import error_document
from flowengine.store.records import ActionRecord, RunRecord
from flowengine.types import Json, JsonObject, Path, format_path

_NOT_THERE: Final = "(not there)"
_RUN: Final = "(run)"


def compare(
    a: RunRecord, a_actions: Sequence[ActionRecord], b: RunRecord, b_actions: Sequence[ActionRecord]
) -> JsonObject:
    """`{a, b, a_status, ..., first, differences: [{path, name, what, a, b}]}`; `first` is None when nothing differs."""
    found = _given(a, b) + _actions(a_actions, b_actions)
    paths = [tuple(str(each["path"]).split("/")) for each in found]
    # A container differs because something inside it does: what is inside tells more.
    telling = [
        each for each, path in zip(found, paths, strict=True) if not any(_inside(other, path) for other in paths)
    ]
    return {
        "a": a.id,
        "b": b.id,
        "a_status": str(a.status),
        "b_status": str(b.status),
        "a_version": a.flow_version,
        "b_version": b.flow_version,
        "first": telling[0] if telling else None,
        "differences": found,
    }


def _given(a: RunRecord, b: RunRecord) -> list[JsonObject]:
    pairs = (("flow", a.flow, b.flow), ("trigger", a.trigger, b.trigger), ("inputs", a.inputs, b.inputs))
    found = [_difference((), "", what, one, other) for what, one, other in pairs if one != other]
    return found[:1] if [each["what"] for each in found] == ["trigger", "inputs"] and a.trigger == a.inputs else found


def _actions(a: Sequence[ActionRecord], b: Sequence[ActionRecord]) -> list[JsonObject]:
    mine, its = {each.path: each for each in a}, {each.path: each for each in b}
    # In the order in which the first run came to them; what only the second did follows where it stands there.
    order = sorted(
        {*mine, *its},
        key=lambda path: (min(each.number for each in (mine.get(path), its.get(path)) if each), path_key(path)),
    )
    found = [_action(path, mine.get(path), its.get(path)) for path in order]
    return [each for each in found if each is not None]


def _action(path: Path, one: ActionRecord | None, other: ActionRecord | None) -> JsonObject | None:
    if one is None or other is None:
        only = one or other
        assert only is not None
        here, there = (str(only.status), _NOT_THERE) if one else (_NOT_THERE, str(only.status))
        return _difference(path, only.name, "status", here, there)
    pairs = (
        ("inputs", one.inputs, other.inputs),
        ("request", _request(one), _request(other)),
        ("status", str(one.status), str(other.status)),
        ("error", _error(one), _error(other)),
        ("outputs", _telling(one.outputs), _telling(other.outputs)),
    )
    return next((_difference(path, one.name, what, here, there) for what, here, there in pairs if here != there), None)


def _difference(path: Path, name: str, what: str, a: Json, b: Json) -> JsonObject:
    return {"path": format_path(path), "name": name, "what": what, "a": a, "b": b}


def _telling(outputs: Json) -> Json:
    """Without an answer's headers: dates and request ids always differ."""
    if isinstance(outputs, dict) and outputs.keys() == {"status_code", "headers", "body"}:
        return {"status_code": outputs["status_code"], "body": outputs["body"]}
    return outputs


def _request(action: ActionRecord) -> Json:
    """What was sent at last, without the run's own id: keys that are the run's differ always, and headers may."""
    sent = action.attempts[-1].request if action.attempts else None
    if sent is None:
        return None
    return {
        "method": sent.method,
        "url": sent.url.replace(action.run_id, _RUN),
        "body": sent.body and sent.body.replace(action.run_id, _RUN),
    }


def _error(action: ActionRecord) -> Json:
    error = error_document(action.error)
    return error and {name: error[name] for name in ("code", "message", "status_code")}


def _inside(path: tuple[str, ...], container: tuple[str, ...]) -> bool:
    return container != ("",) and len(path) > len(container) and path[: len(container)] == container


def path_key(path: Path) -> tuple[tuple[int, int | str], ...]:
    """Paths in an order of their own: iterations as numbers."""
    return tuple((0, part) if isinstance(part, int) else (1, part) for part in path)
