"""Reading a group of keys against the language's table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flowengine.findings import did_you_mean, nearest
from flowengine.spec.document import MISTAKES
from flowengine.spec.forms import PLAIN
from flowengine.spec.language import ACTIONS, MEANT, Form, Key
from flowengine.spec.places import Location
from flowengine.spec.reading import REFUSED, Reader, Reading, colon_hint
from flowengine.types import Json


def read_keys(
    reading: Reading,
    loc: Location,
    value: Json,
    keys: Iterable[Key],
    readers: Mapping[Form, Reader],
    *,
    belongs: str,
    elsewhere: Mapping[str, str] | None = None,
    kind: str | None = None,
) -> dict[str, Any]:
    """Read a mapping against its keys; what could not be read is left out, and reported.

    `belongs` says what the keys belong to (`a flow`); `elsewhere` tells, for keys of other constructs, where they belong; `kind` is
    the key that makes an action or trigger what it is, where a missing key is told.
    """
    table = {key.name: key for key in keys}
    if not isinstance(value, dict):
        wanted = "a group of keys" if belongs == f'"{loc[-1]}"' else f"{belongs} with its keys"
        reading.wrong_type(loc, wanted, value, f"write its keys: {', '.join(list(table)[:6])}")
        return {}
    above, beside = _beside(value, table)
    if beside:
        told = f'"{beside[0]}" stands beside "{above}:", which has nothing below it'
        reading.report((*loc, beside[0]), "unknown-key", told, f'indent it deeper than "{above}:"', key=True)
    for name in value:
        if name not in table and name not in beside and not reading.full:
            _unknown_key(reading, (*loc, name), table, belongs, elsewhere or {})
    strays = [name for name in value if name not in table][:MISTAKES]
    for key in table.values():
        if key.required and key.name not in value and not any(_means(name, key.name) for name in strays):
            _missing(reading, (*loc, kind) if kind and kind in value else loc, key, belongs)
    known = {name: item for name, item in value.items() if name in table and (name != above or not beside)}
    read = {name: read_value(reading, (*loc, name), item, table[name], readers) for name, item in known.items()}
    return {name: item for name, item in read.items() if item is not REFUSED}


_GROUPS = frozenset({Form.KEYS, Form.VALUES, Form.VARIABLES, Form.INPUTS, Form.CASES, Form.RETRY, Form.TRIGGERS})


def _beside(value: Mapping[str, Json], table: Mapping[str, Key]) -> tuple[str, list[str]]:
    """A key that awaits keys below it and has none, and the strangers right behind it: they lack indentation."""
    above, found = "", list[str]()
    for name, item in value.items():
        if name in table and found:
            break
        if name in table:
            above = name if item is None and table[name].form in _GROUPS else ""
        elif above:
            found.append(name)
    return (above, found) if found else ("", [])


def _missing(reading: Reading, loc: Location, key: Key, belongs: str) -> None:
    reading.report(
        loc, "missing-key", f'{belongs} needs the key "{key.name}"', f'add "{key.name}:" {_about(key)}', key=True
    )


def _about(key: Key) -> str:
    return f"with {key.form}"


def _means(name: str, key: str) -> bool:
    """Whether a key that does not exist is most likely this one, so that only the spelling is to be told."""
    return nearest(name, [key]) is not None or MEANT.get(name.lower().replace("-", "_")) == key


def _unknown_key(
    reading: Reading, loc: Location, table: Mapping[str, Key], belongs: str, elsewhere: Mapping[str, str]
) -> None:
    name = str(loc[-1])
    if name in elsewhere:
        reading.report(loc, "misplaced-key", f'"{name}" does not belong to {belongs}', elsewhere[name], key=True)
        return
    reading.report(loc, "unknown-key", f'{belongs} has no key "{name}"', _meant(name, table), key=True)


def _meant(name: str, table: Mapping[str, Key]) -> str:
    if colon := colon_hint(name):
        return colon
    holder = next((key.name for key in table.values() if any(inner.name == name for inner in key.inside)), None)
    if holder is not None:
        return f'it belongs under "{holder}:"'
    hint = suggest_key(name, table)
    return (
        f'the parameters of an operation belong under "with:"; {hint}'
        if "with" in table and hint.startswith("there")
        else hint
    )


def suggest_key(name: str, names: Iterable[str]) -> str:
    """What the author may have meant: a near spelling, the word another tool uses, or what there is."""
    allowed = list(names)
    meant = MEANT.get(name.lower().replace("-", "_"))
    if meant in allowed and not nearest(name, allowed):
        return f'did you mean "{meant}"?'
    if not nearest(name, allowed) and len(allowed) > 12:
        return f"there is: {', '.join(allowed)}"
    return did_you_mean(name, allowed)


def read_value(reading: Reading, loc: Location, value: Json, key: Key, readers: Mapping[Form, Reader]) -> Any:
    """Read one value by its key's form. A key with nothing after its colon is a mistake, except where anything goes."""
    if value is None and (key.form is not Form.VALUE or key.name in ACTIONS):
        reading.report(loc, "wrong-type", f'there is nothing after "{loc[-1]}:"', f"write {key.form}", key=True)
        return REFUSED
    reader = readers.get(key.form) or PLAIN.get(key.form)
    assert reader is not None, key.form
    return reader(reading, loc, value, key)
