"""What stands for a name or field that is not there: silent until it is used, then an error that lists what there is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from jinja2 import Undefined
from jinja2.exceptions import UndefinedError

from flowengine.findings import did_you_mean
from flowengine.types import Json


class MissingError(UndefinedError):
    """A missing value was used."""

    def __init__(self, missing: Missing, *, called: bool = False) -> None:
        self.missing = missing
        self.called = called
        super().__init__(missing.told())


class Missing(Undefined):
    """A missing value. Its fields are missing too, so that `| default(...)` works at any depth."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return str(self._undefined_name or "")

    @property
    def owner(self) -> Any:
        """The value that has no such field; Jinja's own marker for a name that no scope has."""
        return self._undefined_obj

    @property
    def is_name(self) -> bool:
        """Whether a whole name is missing rather than a field of something."""
        return self._undefined_hint is None and not isinstance(self.owner, Mapping | list | str | int | float | None)

    def told(self, owner: str = "", names: Iterable[str] = ()) -> str:
        """What is missing, in words; `owner` is the expression it was looked for in, `names` what could be meant."""
        if self._undefined_hint:
            return self._undefined_hint
        return _field_missing(self.name, self.owner, owner) if not self.is_name else _name_missing(self.name, names)

    def _fail(self, *_: Any, **__: Any) -> NoReturn:
        raise MissingError(self)

    def _fail_call(self, *_: Any, **__: Any) -> NoReturn:
        raise MissingError(self, called=True)

    def _fail_with_undefined_error(self, *_: Any, **__: Any) -> NoReturn:
        raise MissingError(self)

    __iter__ = __str__ = __len__ = __eq__ = __ne__ = __bool__ = __hash__ = __contains__ = _fail
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __div__ = __rdiv__ = _fail
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _fail
    __pos__ = __neg__ = __lt__ = __le__ = __gt__ = __ge__ = __int__ = __float__ = __complex__ = _fail
    __pow__ = __rpow__ = __getitem__ = _fail
    __call__ = _fail_call


def _name_missing(name: str, names: Iterable[str]) -> str:
    hint = did_you_mean(name, names)
    return f'there is no "{name}"' + (f"; {hint}" if hint else "")


def _field_missing(name: str, owner: Json, expression: str) -> str:
    where = expression or "it"
    match owner:
        case None:
            return f'{where} is null (nothing), so it has no "{name}"; write | default(...) where it may be missing'
        case dict() if not owner:
            return f'there is no "{name}" in {where}, which is empty'
        case dict():
            return f'there is no "{name}" in {where}; {did_you_mean(name, [str(key) for key in owner])}'
        case list() | tuple():
            return f"{where} is a list of {len(owner)}, {_of_list(name)}"
        case str():
            return f'{where} is text, so it has no "{name}"'
        case _:
            return f'{where} has no "{name}"'


def _of_list(name: str) -> str:
    if name.lstrip("-").isdecimal():
        return f"so there is no [{name}]"
    return f'so it has no "{name}"; take one with [0] or | first, or all with | map(attribute="{name}")'
