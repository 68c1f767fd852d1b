"""bad-moment: a moment that is written in the file and is none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flowengine.expressions.functions.moments import read_moment
from flowengine.findings import Finding
from flowengine.lint.conditions import conditions_of
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.spec import actions as records
from flowengine.spec.conditions import Comparison
from flowengine.spec.reading import describe, has_template
from flowengine.spec.source import Location
from flowengine.spec.times import parse_time_of_day
from flowengine.types import Json

_HINT = "write it as 2030-01-31T09:00:00Z"
_ROOT = re.compile(r"[a-z_]+(?:\.\w+)+")


def _check(context: Context) -> Iterator[Finding]:
    for action in context.actions:
        if isinstance(action, records.WaitUntil) and not _may_be_moment(action.moment, clock=True):
            hint = f"{_HINT}, as a time of day such as 09:30, or as a template"
            yield from _told(context, action.moment, (*action.loc, "wait_until"), hint)
    for condition in conditions_of(context.flow):
        if isinstance(condition, Comparison) and condition.operator in ("before", "after"):
            for name, value in (("value", condition.value), (condition.operator, condition.operand)):
                if not _may_be_moment(value, clock=False):
                    hint = f"{_HINT}, or as a template such as {{{{ now() }}}}"
                    yield from _told(context, value, (*condition.loc, name), hint)


def _told(context: Context, value: Json, loc: Location, hint: str) -> Iterator[Finding]:
    if isinstance(value, str) and _ROOT.fullmatch(value):
        hint = f'write it as a template: "{{{{ {value} }}}}"'
    yield context.at(loc, RULE.id, f"{describe(value)} is not a moment", hint)


def _may_be_moment(value: Json, *, clock: bool) -> bool:
    if has_template(value) or value in ("", None) or read_moment(value) is not None:
        return True
    if not clock or not isinstance(value, str):
        return False
    try:
        parse_time_of_day(value)
    except ValueError:
        return False
    return True


RULE = Rule(
    id="bad-moment",
    meaning="`wait_until`, `before` and `after` take moments: a day with its time, as ISO 8601 writes them.",
    wrong="wait_until: tomorrow",
    right='wait_until: "{{ addDays(now(), 1) }}"',
    check=_check,
)
