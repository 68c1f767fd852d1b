"""Lists and objects. Nothing is changed in place: each function gives a new value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from jinja2 import Undefined

from flowengine.errors import ExpressionError
from flowengine.expressions.functions.table import Table
from flowengine.expressions.missing import Missing
from flowengine.expressions.values import kind_of, shown, sized, text_of
from flowengine.types import Json, JsonObject

TABLE = Table("lists")
add = TABLE.add


@add("first(list)", "The first item, or character.", "{{ first(['a', 'b']) }}", "a")
def first(items: Json) -> Json:
    for item in _items(items):
        return item
    return Missing(hint="the list is empty, so it has no first item; write | default(...) where that may be")


@add("last(list)", "The last item, or character.", "{{ ['a', 'b'] | last }}", "b")
def last(items: Json) -> Json:
    listed = list(_items(items))
    if listed:
        return listed[-1]
    return Missing(hint="the list is empty, so it has no last item; write | default(...) where that may be")


@add("length(value)", "How many items, fields or characters.", "{{ length('refund') }}", 6)
@add("count(value)", "The same.", "{{ [1, 2] | count }}", 2, is_function=False)
def length(value: Json) -> int:
    if isinstance(value, str | list | tuple | Mapping):
        return len(value)
    return len(list(_items(value)))


@add("join(list, separator?)", "The items as one text.", "{{ ['a', 'b'] | join(', ') }}", "a, b")
def join(items: Json, separator: str = "", attribute: str | None = None) -> str:
    texts = [text_of(_field(item, attribute)) for item in _items(items)]
    between = text_of(separator)
    sized(sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)


@add("skip(list, count)", "The list without its first items.", "{{ skip([1, 2, 3], 1) }}", [2, 3])
def skip(items: Json, count: int) -> Json:
    return items[max(count, 0) :] if isinstance(items, str) else list(_items(items))[max(count, 0) :]


@add("take(list, count)", "The first items only.", "{{ take([1, 2, 3], 2) }}", [1, 2])
def take(items: Json, count: int) -> Json:
    return items[: max(count, 0)] if isinstance(items, str) else list(islice(_items(items), max(count, 0)))


@add("reverse(list)", "The other way round.", "{{ reverse([1, 2, 3]) }}", [3, 2, 1])
def reverse(items: Json) -> Json:
    return items[::-1] if isinstance(items, str) else list(_items(items))[::-1]


@add("sort(list, by?)", "Sorted, by a field if named.", "{{ sort([3, 1, 2]) }}", [1, 2, 3], is_filter=False)
def sort(items: Json, by: str | None = None) -> list[Json]:
    listed = list(_items(items))
    try:
        return sorted(listed, key=lambda item: _folded(_field(item, by)))
    except TypeError:
        raise ExpressionError(f"{shown(listed)} mixes kinds of values, which have no order") from None


@add("chunk(list, size)", "Lists of at most so many items.", "{{ chunk([1, 2, 3], 2) }}", [[1, 2], [3]])
def chunk(items: Json, size: int) -> list[Json]:
    if size < 1:
        raise ExpressionError(f"chunk: the size must be 1 or more, not {size}")
    listed = items if isinstance(items, str) else list(_items(items))
    return [listed[start : start + size] for start in range(0, len(listed), size)]


@add("union(a, b, ...)", "Everything that is in any list, once.", "{{ union([1, 2], [2, 3]) }}", [1, 2, 3])
def union(*lists: Json) -> Json:
    if lists and all(isinstance(one, Mapping) for one in lists):
        return {key: value for one in lists for key, value in one.items()}
    return _once(item for items in lists for item in _items(items))


@add("intersection(a, b, ...)", "What is in every list.", "{{ intersection([1, 2], [2, 3]) }}", [2])
def intersection(one: Json, *others: Json) -> list[Json]:
    keys = [{_key(item) for item in _items(other)} for other in others]
    return _once(item for item in _items(one) if all(_key(item) in known for known in keys))


@add("createArray(a, b, ...)", "A list of the values.", "{{ createArray('a', 1) }}", ["a", 1], is_filter=False)
def create_array(*values: Json) -> list[Json]:
    return list(values)


@add("array(value)", "A list of one.", "{{ array('a') }}", ["a"])
def array(value: Json) -> list[Json]:
    return [value]


@add("keys(object)", "The names of an object's fields.", "{{ keys({'a': 1, 'b': 2}) }}", ["a", "b"])
def keys(value: JsonObject) -> list[str]:
    return list(_object(value))


@add(
    "setProperty(object, name, value)",
    "The object with one field changed or added.",
    "{{ setProperty({'a': 1}, 'a', 2) }}",
    {"a": 2},
)
def set_property(value: JsonObject, name: str, new: Json) -> JsonObject:
    return {**_object(value), text_of(name): new}


@add(
    "addProperty(object, name, value)",
    "The object with one more field.",
    "{{ addProperty({'a': 1}, 'b', 2) }}",
    {"a": 1, "b": 2},
)
def add_property(value: JsonObject, name: str, new: Json) -> JsonObject:
    if name in _object(value):
        raise ExpressionError(f'the object has a "{name}" already; setProperty changes it')
    return {**value, text_of(name): new}


@add(
    "removeProperty(object, name)",
    "The object without a field.",
    "{{ removeProperty({'a': 1, 'b': 2}, 'b') }}",
    {"a": 1},
)
def remove_property(value: JsonObject, name: str) -> JsonObject:
    return {key: item for key, item in _object(value).items() if key != name}


def _items(value: Json) -> Iterable[Json]:
    if isinstance(value, Undefined):
        str(value)  # raises, naming what is missing
    if value is None or isinstance(value, int | float | bool):
        raise ExpressionError(f"a list is expected, not {kind_of(value)}")
    items: Iterable[Json] = value
    return items


def _object(value: Json) -> JsonObject:
    if not isinstance(value, Mapping):
        raise ExpressionError(f"an object is expected, not {kind_of(value)}: {shown(value)}")
    return dict(value)


def _field(item: Json, name: str | None) -> Json:
    if name is None:
        return item
    for part in name.split("."):
        if not isinstance(item, Mapping) or part not in item:
            raise ExpressionError(f'{shown(item)} has no "{part}"')
        item = item[part]
    return item


def _folded(value: Json) -> Json:
    return value.lower() if isinstance(value, str) else value


def _key(item: Json) -> str:
    kind = "number" if isinstance(item, int | float) and not isinstance(item, bool) else type(item).__name__
    return f"{kind}:{text_of(item)}"


def _once(items: Iterable[Json]) -> list[Json]:
    found: dict[str, Json] = {}
    for item in items:
        found.setdefault(_key(item), item)
    return list(found.values())
