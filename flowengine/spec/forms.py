"""The plain forms of values: texts, numbers, times, names, lists of words."""

from __future__ import annotations

import re
from typing import Any

from flowengine.findings import did_you_mean, nearest
from flowengine.spec.language import Form, Key
from flowengine.spec.places import Location
from flowengine.spec.reading import FLOW_ID, NAME, REFUSED, Reader, Reading, has_template, one_of, subject
from flowengine.spec.times import parse_duration
from flowengine.types import Json

_RETRY_WORD = re.compile(r"[1-5]\d\d|[1-5]xx|timeout|unreachable")
_CHAIN = re.compile(r"[A-Za-z_]\w*(?:\.\w+|\[[^\]]*\])*")
OPERATION = re.compile(r"([\w-]+)\.(\S(?:[^\r\n]*\S)?)")


def read_text(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    """A plain text; a number is taken as the text that was typed."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        return reading.wrong_type(loc, "a text", value, "put quotes around it" if isinstance(value, bool) else "")
    if not value.strip():
        return reading.wrong_type(loc, "a text", None)
    if has_template(value):
        reading.report(
            loc, "no-template-here", f'"{loc[-1]}" is fixed when the file is read; it cannot hold a template', key.doc
        )
        return REFUSED
    return value.strip()


def _template(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    if isinstance(value, dict | list):
        return reading.wrong_type(loc, str(key.form), value)
    return value if isinstance(value, str) else _as_text(value)


def _as_text(value: Json) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _value(_reading: Reading, _loc: Location, value: Json, _key: Key) -> Any:
    return value


def _list_or_template(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    if isinstance(value, list) or has_template(value):
        return value
    return reading.wrong_type(loc, str(key.form), value, _as_list(value) if isinstance(value, str) and value else "")


def _as_list(text: str) -> str:
    """What to write for a text that stands where a list should: names are meant as a template, anything else as one item."""
    if _CHAIN.fullmatch(text):
        return f'write it as a template: "{{{{ {text} }}}}"'
    return f'write it as a list: ["{text}"]'


def _boolean(reading: Reading, loc: Location, value: Json, _key: Key) -> Any:
    if isinstance(value, bool):
        return value
    meant = {"yes": "true", "on": "true", "no": "false", "off": "false", "true": "true", "false": "false"}.get(
        str(value).lower()
    )
    hint = f"write {meant} without quotes" if meant else ""
    return reading.wrong_type(loc, "true or false", value, hint)


def _true(reading: Reading, loc: Location, value: Json, _key: Key) -> Any:
    return (
        True if value is True else reading.wrong_type(loc, "true", value, f'write "{loc[-1]}: true", or leave it out')
    )


def _count(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        return reading.wrong_type(loc, "a whole number", value)
    if not key.minimum <= value <= key.maximum:
        told = f'"{loc[-1]}" must be from {key.minimum} to {key.maximum}, not {value}'
        reading.report(loc, "not-allowed", told)
        return REFUSED
    return value


def read_duration(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    """A fixed time; a template cannot stand here."""
    if has_template(value):
        reading.report(
            loc, "no-template-here", f'"{loc[-1]}" is fixed when the file is read; it cannot hold a template'
        )
        return REFUSED
    if isinstance(value, bool | list | dict):
        return reading.wrong_type(loc, str(key.form), value, _time_meant(value))
    try:
        return parse_duration(str(value))
    except ValueError as error:
        until = key.name == "wait" and str(value).lower().startswith("until ")
        reading.report(loc, "bad-time", f'"{value}" is not a time', _UNTIL if until else str(error))
        return REFUSED


_UNTIL = 'for a moment write "wait_until:" and the moment'


def _time_meant(value: Json) -> str:
    """For a time in pieces, as other tools write it."""
    if not isinstance(value, dict):
        return ""
    if "until" in value:
        return _UNTIL
    pieces = [f"{amount} {unit}" for unit, amount in value.items() if isinstance(amount, int | float)]
    try:
        parse_duration(" ".join(pieces))
    except ValueError:
        return ""
    return f'write "{" ".join(pieces)}"'


def _duration_or_template(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    if has_template(value):
        return value
    return REFUSED if read_duration(reading, loc, value, key) is REFUSED else str(value)


def read_choice(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    """One of a few words; nothing else, in any spelling."""
    text = _as_text(value) if not isinstance(value, dict | list) else None
    if text is None:
        return reading.wrong_type(loc, one_of(key.choices), value)
    if text not in key.choices:
        reading.report(loc, "not-allowed", f'{subject(loc)} cannot be "{text}"', _choices_hint(text, key.choices))
        return REFUSED
    return text


def _choices_hint(text: str, choices: tuple[str, ...]) -> str:
    found = nearest(text, choices)
    return f'did you mean "{found}"?' if found else f"write {one_of(choices)}"


def _choices(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    if isinstance(value, str):
        one = read_choice(reading, loc, value, key)
        return REFUSED if one is REFUSED else frozenset({one})
    if not isinstance(value, list):
        return reading.wrong_type(loc, f"a list of {one_of(key.choices)}", value)
    read = [read_choice(reading, (*loc, index), item, key) for index, item in enumerate(value)]
    return frozenset(item for item in read if item is not REFUSED)


def read_name(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    """A name that templates can use."""
    if not isinstance(value, str):
        return reading.wrong_type(loc, str(key.form), value)
    if not NAME.fullmatch(value):
        meant = re.sub(r"\W+", "_", value, flags=re.ASCII).strip("_").lower()
        hint = f'write it like "{meant}"' if NAME.fullmatch(meant) else "begin it with a letter"
        reading.report(loc, "bad-name", f'"{value}" cannot be used as a name in templates', hint)
        return REFUSED
    return value


def _operation(reading: Reading, loc: Location, value: Json, _key: Key) -> Any:
    if not isinstance(value, str):
        return reading.wrong_type(loc, "connector.Operation", value)
    match = OPERATION.fullmatch(value.strip())
    if match is None:
        hint = 'write the connector, a dot and the operation, such as "livechat.ListAgents"'
        reading.report(loc, "bad-operation", f'"{value}" does not name an operation', hint)
        return REFUSED
    return match[1], match[2]


def _flow_id(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    text = read_text(reading, loc, value, key)
    if text is REFUSED or FLOW_ID.fullmatch(text):
        return text
    hint = "a flow's id is its file's name without .yaml: lower-case letters, digits and -"
    reading.report(loc, "bad-name", f'"{text}" is not the id of a flow', hint)
    return REFUSED


def _values(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    return (
        value
        if isinstance(value, dict)
        else reading.wrong_type(loc, str(key.form), value, 'write each as "name: value"')
    )


def _variables(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    if not isinstance(value, dict):
        return reading.wrong_type(loc, str(key.form), value, 'write each as "name: value"')
    for name in value:
        if not NAME.fullmatch(name):
            reading.report(
                (*loc, name), "bad-name", f'"{name}" cannot be used as a name in templates', _name_hint(name), key=True
            )
    return value


def _name_hint(name: str) -> str:
    meant = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower()
    return f'write it like "{meant}"' if NAME.fullmatch(meant) else "use letters, digits and _"


def _texts(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    if not isinstance(value, list) or not value:
        return reading.wrong_type(loc, "a list of texts", value, "write it in brackets: [Yes, No]")
    read = [read_text(reading, (*loc, index), item, key) for index, item in enumerate(value)]
    return tuple(item for item in read if item is not REFUSED)


def _durations(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    if not isinstance(value, dict):
        return reading.wrong_type(loc, str(key.form), value, 'write each as "succeeded: 7 days"')
    read = {}
    for name, item in value.items():
        if name not in key.choices:
            reading.report(
                (*loc, name), "unknown-key", f'there is no outcome "{name}"', did_you_mean(name, key.choices), key=True
            )
            continue
        read[name] = read_duration(reading, (*loc, name), item, Key(name, Form.DURATION, key.doc))
    return {name: item for name, item in read.items() if item is not REFUSED}


def _retry_on(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    if not isinstance(value, list):
        return reading.wrong_type(
            loc,
            str(key.form),
            value,
            f"write it in brackets: [{_as_text(value)}]" if isinstance(value, str | int) else "",
        )
    words = [_as_text(item) if not isinstance(item, dict | list) else "" for item in value]
    for index, word in enumerate(words):
        if not _RETRY_WORD.fullmatch(word):
            hint = "write status codes (429), classes of them (5xx), timeout or unreachable"
            reading.report((*loc, index), "not-allowed", f'"{word}" is not a failure that can be tried again', hint)
    return tuple(word for word in words if _RETRY_WORD.fullmatch(word))


PLAIN: dict[Form, Reader] = {
    Form.TEXT: read_text,
    Form.TEMPLATE: _template,
    Form.VALUE: _value,
    Form.LIST_OR_TEMPLATE: _list_or_template,
    Form.BOOLEAN: _boolean,
    Form.TRUE: _true,
    Form.COUNT: _count,
    Form.DURATION: read_duration,
    Form.DURATION_OR_TEMPLATE: _duration_or_template,
    Form.CHOICE: read_choice,
    Form.CHOICES: _choices,
    Form.NAME: read_name,
    Form.OPERATION: _operation,
    Form.FLOW_ID: _flow_id,
    Form.VALUES: _values,
    Form.VARIABLES: _variables,
    Form.TEXTS: _texts,
    Form.DURATIONS: _durations,
    Form.RETRY_ON: _retry_on,
}
