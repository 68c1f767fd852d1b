"""Frozen records on the hot path: guarded by the type checker, as quick to make as plain objects at run time.

A frozen dataclass sets each field through `object.__setattr__`, which costs six times the making of a plain one, and
`dataclasses.replace` looks at every field anew. A run makes some fifty records, so here the type checker alone forbids
assignment. All else is a dataclass with slots: equality, hash, `dataclasses.fields`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import dataclass as record
    from dataclasses import replace
else:
    from dataclasses import dataclass, fields

    # Made when first asked for: commands that only read need none.
    _COPIERS: dict[type, Callable[[Any, dict[str, Any]], Any]] = {}

    def record(*, frozen: bool, slots: bool, kw_only: bool = False) -> Callable[[type], type]:
        """A class whose instances nobody changes."""
        assert frozen
        assert slots

        def made(kind: type) -> type:
            return dataclass(slots=True, kw_only=kw_only, unsafe_hash=True)(kind)

        return made

    def replace(one: T, /, **changes: Any) -> T:
        """A copy with other values for some of its fields."""
        kind = one.__class__
        copied = _COPIERS.get(kind) or _COPIERS.setdefault(kind, _copier(kind))
        return copied(one, changes)

    def _copier(kind: type) -> Callable[[T, dict[str, Any]], T]:
        """Copying written out field by field, as `dataclass` writes `__init__`: a loop would cost four times as much."""
        lines = ["def copied(one, changes):", " copy = new(kind)"]
        lines += [f" copy.{field.name} = one.{field.name}" for field in fields(kind)]
        lines += [" for name, value in changes.items():", "  setattr(copy, name, value)", " return copy"]
        names: dict[str, Any] = {"new": object.__new__, "kind": kind}
        exec("\n".join(lines), names)  # noqa: S102  # the text is made of field names
        return names["copied"]


__all__ = ["record", "replace"]
