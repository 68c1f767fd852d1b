"""Reading triggers."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from flowengine.spec import triggers as records
from flowengine.spec.forms import OPERATION, read_text
from flowengine.spec.language import DAYS, TRIGGER_COMMON, TRIGGERS, VERIFY, VERIFY_METHODS, Construct, Form, Key
from flowengine.spec.places import Location
from flowengine.spec.read_conditions import read_condition, read_conditions
from flowengine.spec.read_keys import read_keys, suggest_key
from flowengine.spec.reading import REFUSED, Reader, Reading, describe, has_template, one_of
from flowengine.spec.schedules import read_schedule, read_zone
from flowengine.spec.times import parse_time_of_day
from flowengine.types import Json

_OWNERS = {
    key.name: [kind for kind, one in TRIGGERS.items() if any(key.name == other.name for other in one.keys)]
    for construct in TRIGGERS.values()
    for key in construct.keys
}


def read_triggers(reading: Reading, loc: Location, value: Json, _key: Key) -> Any:
    """One trigger or a list of them, with keys that stay the same as long as the list's order does."""
    if isinstance(value, dict):
        return _numbered([_trigger(reading, loc, value)])
    if not isinstance(value, list) or not value:
        hint = f'write "{value}: true"' if value == "manual" else f"write one of: {', '.join(TRIGGERS)}"
        if isinstance(value, str) and OPERATION.fullmatch(value):
            hint = f'write "use: {value}"'
        return reading.wrong_type(loc, "a trigger, or a list of them", value, hint)
    read = [_trigger(reading, (*loc, index), item) for index, item in enumerate(value)]
    return _numbered(read)


def _numbered(read: list[tuple[str, dict[str, Any]] | None]) -> tuple[records.Trigger, ...]:
    seen: Counter[str] = Counter()
    triggers = []
    for one in read:
        if one is None:
            continue
        kind, fields = one
        seen[kind] += 1
        number = seen[kind]
        triggers.append(_build(kind, {**fields, "key": kind if number == 1 else f"{kind}_{number}"}))
    return tuple(triggers)


def _trigger(reading: Reading, loc: Location, value: Json) -> tuple[str, dict[str, Any]] | None:
    construct = _construct(reading, loc, value)
    if construct is None:
        return None
    belongs = f'a trigger with "{construct.key}"'
    keys = (*construct.keys, *TRIGGER_COMMON)
    own = {name: item for name, item in value.items() if name == construct.key or name not in TRIGGERS}
    elsewhere = {name: f"it belongs to {one_of(owners)}" for name, owners in _OWNERS.items()}
    read = read_keys(reading, loc, own, keys, _READERS, belongs=belongs, elsewhere=elsewhere, kind=construct.key)
    common = {name: read.get(name) for name in ("connection", "split", "dedupe")}
    place = {"loc": loc, "span": reading.source.span(loc), "conditions": read.get("conditions", ())}
    return construct.key, {**common, **place, **_fields(reading, loc, construct.key, read)}


def _construct(reading: Reading, loc: Location, value: Json) -> Construct | None:
    if not isinstance(value, dict):
        reading.wrong_type(loc, "a trigger with its keys", value, f"write one of: {', '.join(TRIGGERS)}")
        return None
    kinds = [name for name in value if name in TRIGGERS]
    for extra in kinds[1:]:
        told = f'"{extra}" stands beside "{kinds[0]}": a trigger is one thing'
        reading.report((*loc, extra), "two-kinds", told, 'make it a list and begin each trigger with "- "', key=True)
    if kinds:
        return TRIGGERS[kinds[0]]
    common = [key.name for key in TRIGGER_COMMON]
    unknown = [name for name in value if name not in _OWNERS and name not in common][:20]
    for name in unknown:
        called = isinstance(value[name], str) and OPERATION.fullmatch(str(value[name]))
        hint = 'did you mean "use"?' if called else suggest_key(name, [*TRIGGERS, *common])
        reading.report((*loc, name), "unknown-key", f'a trigger has no key "{name}"', hint, key=True)
    if not unknown:
        hint = f"add one of: {', '.join(TRIGGERS)}"
        if "every" in value:
            hint = f'write "schedule: {_every(value["every"])}", or add what is asked so often: "poll: connector.Operation"'
        reading.report(loc, "missing-key", "this trigger does not say what starts a run", hint)
    return None


def _fields(reading: Reading, loc: Location, kind: str, read: dict[str, Any]) -> dict[str, Any]:
    match kind:
        case "use":
            connector, operation = read.get("use", ("", ""))
            return {
                "connector": connector,
                "operation": operation,
                "inputs": read.get("with", {}),
                "every": read.get("every"),
            }
        case "poll":
            return _poll(reading, loc, read)
        case "schedule":
            return _timing(reading, loc, read)
        case "webhook":
            return {"verify": read.get("webhook", {}).get("verify", records.Verify("none"))}
        case _:
            return {}


def _poll(reading: Reading, loc: Location, read: dict[str, Any]) -> dict[str, Any]:
    connector, operation = read.get("poll", ("", ""))
    every = read.get("every", timedelta(minutes=5))
    if every < timedelta(seconds=1):
        reading.report(
            (*loc, "every"),
            "bad-time",
            "a service cannot be asked more often than once a second",
            "write 1 minute or more",
        )
    given: dict[str, Any] = {name: read[name] for name in ("items", "item_id", "cursor") if name in read}
    return {"connector": connector, "operation": operation, "every": every, "inputs": read.get("with", {}), **given}


def _timing(reading: Reading, loc: Location, read: dict[str, Any]) -> dict[str, Any]:
    zone = read.get("timezone", "UTC")
    try:
        zone = read_zone(zone).key
    except ValueError as error:
        reading.report((*loc, "timezone"), "bad-timezone", f'"{zone}" is not a time zone', str(error))
        zone = "UTC"
    recurrence = read.get("schedule", records.Recurrence(words="every day at 00:00"))
    return {"recurrence": recurrence, "timezone": zone, "if_missed": read.get("if_missed", "run_once")}


def _schedule(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    recurrence = _recurrence(reading, loc, value, key)
    if recurrence is REFUSED:
        return REFUSED
    place = (*loc, "cron") if recurrence.cron and isinstance(value, dict) else loc
    try:
        read_schedule(recurrence)
    except ValueError as error:
        shown = recurrence.words or recurrence.cron
        told = f'the schedule "{shown}" cannot be read' if shown else "this schedule cannot be read"
        reading.report(place, "bad-schedule", told, str(error))
        return REFUSED
    return recurrence


def _recurrence(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    if isinstance(value, dict):
        return _recurrence_keys(reading, loc, value, key)
    text = read_text(reading, loc, value, key)
    if text is REFUSED:
        return REFUSED
    return records.Recurrence(cron=text) if text.startswith("@") else records.Recurrence(words=text)


def _outside(value: dict[str, Json]) -> dict[str, str]:
    """For keys that are written into a schedule: where they belong."""
    beside = dict.fromkeys(("timezone", "if_missed"), 'it stands beside "schedule:", one level further out')
    return {**beside, "every": f'the words stand right behind it: "schedule: {_every(value.get("every"))}"'}


def _every(given: Json) -> str:
    text = " ".join(str(given).split())
    return text if text.startswith("every ") else f"every {text:.40}"


def _recurrence_keys(reading: Reading, loc: Location, value: dict[str, Json], key: Key) -> Any:
    read = read_keys(reading, loc, value, key.inside, {}, belongs='"schedule"', elsewhere=_outside(value))
    if "cron" in value:
        for extra in [name for name in read if name != "cron"]:
            reading.report(
                (*loc, extra), "misplaced-key", f'"{extra}" cannot stand beside "cron"', "keep one of the two", key=True
            )
        return records.Recurrence(cron=read["cron"]) if "cron" in read else REFUSED
    if "frequency" not in value:
        if set(value) <= {one.name for one in key.inside}:
            reading.report(
                loc,
                "missing-key",
                '"schedule" needs "cron" or "frequency"',
                'write words such as "every weekday at 09:00"',
            )
        return REFUSED
    on = _days(reading, (*loc, "on"), read.get("on", []))
    at = _clock_times(reading, (*loc, "at"), read.get("at", []))
    if "frequency" not in read:
        return REFUSED
    return records.Recurrence(frequency=read["frequency"], interval=read.get("interval", 1), on=on, at=at)


def _days(reading: Reading, loc: Location, value: Json) -> tuple[str | int, ...]:
    names = {day.lower(): day for day in DAYS}
    days: list[str | int] = []
    for index, item in enumerate(value if isinstance(value, list) else []):
        if isinstance(item, str) and item.lower() in names:
            days.append(names[item.lower()])
        elif isinstance(item, int) and not isinstance(item, bool) and 1 <= item <= 31:
            days.append(item)
        else:
            reading.report(
                (*loc, index),
                "bad-schedule",
                f"{describe(item)} is not a day",
                f"write {one_of(DAYS)}, or a day of the month",
            )
    return tuple(days)


def _clock_times(reading: Reading, loc: Location, value: Json) -> tuple[str, ...]:
    times = []
    for index, item in enumerate(value if isinstance(value, list) else []):
        try:
            times.append(parse_time_of_day(str(item)).strftime("%H:%M"))
        except ValueError as error:
            reading.report((*loc, index), "bad-schedule", f"{describe(item)} is not a time of day", str(error))
    return tuple(times)


def _verify(reading: Reading, loc: Location, value: Json, _key: Key) -> Any:
    if value == "none":
        return records.Verify("none")
    if isinstance(value, str):
        known = value in VERIFY
        hint = f"write its keys below it: {value}: {{ ... }}" if known else suggest_key(value, VERIFY_METHODS)
        reading.report(
            loc, "not-allowed", f'"{value}" needs its keys' if known else f'there is no verification "{value}"', hint
        )
        return REFUSED
    if not isinstance(value, dict) or len(value) != 1:
        return reading.wrong_type(loc, f"none, or one of {one_of(VERIFY)} with its keys", value)
    method, inner = next(iter(value.items()))
    if method not in VERIFY:
        reading.report(
            (*loc, method),
            "unknown-key",
            f'there is no verification "{method}"',
            suggest_key(method, VERIFY_METHODS),
            key=True,
        )
        return REFUSED
    read = read_keys(reading, (*loc, method), inner, VERIFY[method], {}, belongs=f'"{method}"')
    if method == "header" and "name" in read:
        read["header"] = read.pop("name")
    return records.Verify(method, **read)


def _webhook(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    if value is True or has_template(value):
        hint = "write { verify: none }, or say how the sender is verified"
        return reading.wrong_type(loc, 'its key "verify"', value, hint)
    return read_keys(reading, loc, value, key.inside, _READERS, belongs='"webhook"')


def _build(kind: str, fields: dict[str, Any]) -> records.Trigger:
    trigger: records.Trigger = _RECORDS[kind](**fields)
    return trigger


_RECORDS: dict[str, type[Any]] = {
    "use": records.OperationTrigger,
    "poll": records.Poll,
    "schedule": records.Schedule,
    "webhook": records.Webhook,
    "manual": records.Manual,
}
_READERS: dict[Form, Reader] = {
    Form.CONDITION: read_condition,
    Form.CONDITIONS: read_conditions,
    Form.SCHEDULE: _schedule,
    Form.KEYS: _webhook,
    Form.VERIFY: _verify,
}
