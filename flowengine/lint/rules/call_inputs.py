"""call-inputs: `call` with inputs that the other flow does not declare, or without one that it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flowengine.expressions.functions.moments import read_moment
from flowengine.expressions.functions.numbers import number_of
from flowengine.findings import Finding, Severity, did_you_mean, nearest
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.spec import actions as records
from flowengine.spec.flow import Input
from flowengine.spec.reading import describe, has_template
from flowengine.spec.source import Location
from flowengine.spec.triggers import Manual
from flowengine.types import Json

_TYPES = {
    "text": ("string", "number", "integer", "boolean"),
    "number": ("string", "number", "integer"),
    "boolean": ("string", "boolean"),
    "date": ("string",),
    "list": ("array", "string"),
    "object": ("object", "string"),
}
"""Which types an input reads; a text may say a number, a list as JSON, and so on."""
_READS: dict[str, Callable[[str], bool]] = {
    "number": lambda text: number_of(text) is not None,
    "boolean": lambda text: text.strip().lower() in ("true", "false"),
    "date": lambda text: read_moment(text) is not None,
}


def _check(context: Context) -> Iterator[Finding]:
    for action in context.actions:
        called = context.project.flows.get(action.flow) if isinstance(action, records.Call) else None
        if called is None or not isinstance(action, records.Call):
            continue
        for name in action.inputs:
            loc = (*action.loc, "with", name)
            if name not in called.inputs:
                told = f'the flow "{called.id}" has no input "{name}"'
                hint = did_you_mean(name, called.inputs) if called.inputs else "it declares none"
                yield context.at_key(loc, RULE.id, told, hint)
            else:
                yield from _value(context, called.inputs[name], loc, action.inputs[name])
        near = [name for name in action.inputs if name not in called.inputs]
        for name, one in called.inputs.items():
            if one.required and one.default is None and name not in action.inputs and not nearest(name, near):
                told = f'the flow "{called.id}" needs the input "{name}"'
                loc = (*action.loc, "with" if action.inputs else "call")
                yield context.at_key(loc, RULE.id, told, f'add "{name}:" under "with"')
        if not any(isinstance(trigger, Manual) for trigger in called.triggers):
            told = f'the flow "{called.id}" has no trigger for calls'
            hint = f'add "- manual: true" to the triggers of {called.id}.yaml'
            yield context.at((*action.loc, "call"), RULE.id, told, hint, Severity.WARNING)


def _value(context: Context, declared: Input, loc: Location, value: Json) -> Iterator[Finding]:
    """An input that is written out, or a template known to give something else, held against the declared type."""
    given = context.shape_of(value, loc)
    kind = "string" if isinstance(value, str) and not has_template(value) else given.type
    if value is None or kind is None:
        return
    if declared.type in ("number", "boolean", "date") and kind == "string" and not has_template(value):
        fits = _READS[declared.type](str(value))
    else:
        fits = kind in _TYPES[declared.type]
    if not fits:
        said = describe(value) if not has_template(value) else f"what this gives: {given.words}"
        yield context.at(loc, RULE.id, f'the input "{loc[-1]}" takes a {declared.type}, not {said}')
    elif declared.choices and not has_template(value) and str(value) not in [str(one) for one in declared.choices]:
        hint = did_you_mean(str(value), [str(one) for one in declared.choices])
        yield context.at(loc, RULE.id, f'the input "{loc[-1]}" cannot be {describe(value)}', hint)


RULE = Rule(
    id="call-inputs",
    meaning="A called flow takes the inputs that it declares under `inputs`.",
    wrong="call: refund\nwith: { tickt: 17 }",
    right="call: refund\nwith: { ticket: 17 }",
    check=_check,
)
