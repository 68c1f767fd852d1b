"""Records that only the type checker keeps from being changed."""

from dataclasses import field, fields

import pytest

from flowengine.record import record, replace


@record(frozen=True, slots=True, kw_only=True)
class Point:
    x: int
    y: int = 0
    tags: list[str] = field(default_factory=list, hash=False)


def test_a_copy_has_the_new_values_and_keeps_the_others():
    before = Point(x=1, tags=["a"])
    after = replace(before, y=2)
    assert after == Point(x=1, y=2, tags=["a"])
    assert (before.y, after.tags is before.tags) == (0, True)


def test_a_field_that_does_not_exist_cannot_be_replaced():
    with pytest.raises(AttributeError):
        replace(Point(x=1), z=3)


def test_a_record_is_an_ordinary_dataclass_otherwise():
    assert [each.name for each in fields(Point)] == ["x", "y", "tags"]
    assert hash(Point(x=1)) == hash(Point(x=1))
    assert repr(Point(x=1)) == "Point(x=1, y=0, tags=[])"


def test_an_optional_field_does_not_appear_from_nowhere():
    with pytest.raises(TypeError):
        Point(x=1, z=2)  # type: ignore[call-arg]
