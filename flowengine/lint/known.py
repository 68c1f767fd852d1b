"""The shapes of the names that the engine itself makes visible, and of what actions and triggers give."""

from __future__ import annotations

from dataclasses import replace

from flowengine.errors import ExpressionError
from flowengine.lint.plain import references_of
from flowengine.lint.project import Project
from flowengine.lint.shapes import (
    BOOLEAN,
    MOMENT,
    NUMBER,
    TEXT,
    UNKNOWN,
    Missing,
    Shape,
    follow,
    list_of,
    merged,
    of_schema,
    of_value,
    record,
)
from flowengine.spec import actions as records
from flowengine.spec.flow import Flow, Input
from flowengine.spec.triggers import OperationTrigger, Poll, Schedule, Trigger
from flowengine.types import Json

EVENT = record(id=TEXT, received_at=MOMENT, headers=Shape("object"), source=UNKNOWN)
RUN = record(id=TEXT, started_at=MOMENT, link=TEXT)
FLOW = record(id=TEXT, name=TEXT, version=TEXT)
LOOP = record(index=NUMBER, index0=NUMBER, first=BOOLEAN, last=BOOLEAN, length=NUMBER)
ROUND = record(index=NUMBER, index0=NUMBER, first=BOOLEAN)
"""In a `repeat` nobody knows which round is the last."""
ERROR = record(
    action=TEXT,
    name=TEXT,
    code=TEXT,
    message=TEXT,
    status_code=UNKNOWN,
    body=UNKNOWN,
    line=UNKNOWN,
    column=UNKNOWN,
)
SCHEDULED = Shape("object", {"scheduled_at": MOMENT, "late": UNKNOWN})
"""The event of a schedule. A run by hand may bring another one, so there may be other fields."""
APPROVAL = record(links=UNKNOWN, url=TEXT)
CALLBACK = record(url=TEXT)
ANSWER = record(choice=TEXT, by=TEXT, comment=UNKNOWN, at=MOMENT)

RESERVED = frozenset(
    {
        "trigger",
        "event",
        "run",
        "flow",
        "inputs",
        "vars",
        "actions",
        "loop",
        "error",
        "approval",
        "callback",
        "secrets",
        "env",
    }
)
"""Names that `save_as` and `as` cannot take."""


def inputs_shape(flow: Flow) -> Shape:
    """`inputs`, with the declared types."""
    return Shape("object", {name: _input(one) for name, one in flow.inputs.items()}, closed=True)


def _input(one: Input) -> Shape:
    if not one.required and one.default is None:
        return UNKNOWN  # it may be empty, so nothing is said of its type
    return {"text": TEXT, "date": TEXT, "number": NUMBER, "boolean": BOOLEAN, "list": list_of(UNKNOWN)}.get(
        one.type, UNKNOWN
    )


def vars_shape(flow: Flow) -> Shape:
    """`vars`: the names are fixed; a value's type may change with every `set`."""
    return Shape("object", dict.fromkeys(flow.vars, UNKNOWN), closed=True)


def trigger_shape(flow: Flow, project: Project) -> Shape:
    """What `trigger` is in the flow's actions: what any of the triggers gives; known only where all of them are known."""
    return merged(one_trigger_shape(trigger, project) for trigger in flow.triggers)


def one_trigger_shape(trigger: Trigger, project: Project, *, before_split: bool = False) -> Shape:
    """What one trigger's events hold; after `split`, one item."""
    shape = _event_shape(trigger, project)
    if trigger.split is None or before_split:
        return shape
    found = _picked(trigger.split, {"trigger": shape})
    return found.settled().item or UNKNOWN


def _event_shape(trigger: Trigger, project: Project) -> Shape:
    match trigger:
        case OperationTrigger():
            operation = project.operation(trigger.connector, trigger.operation)
            connector = project.connector(trigger.connector)
            if operation is None or connector is None:
                return UNKNOWN
            shape = of_schema(operation.returns, connector)
            return shape.settled().item or UNKNOWN if operation.batch else shape
        case Poll():
            body = operation_shape(trigger.connector, trigger.operation, project)
            return _picked(trigger.items, {"body": body}).settled().item or UNKNOWN
        case Schedule():
            return SCHEDULED
        case _:
            return UNKNOWN


def operation_shape(connector: str, operation: str, project: Project) -> Shape:
    """The body that an operation answers with."""
    found, declared = project.operation(connector, operation), project.connector(connector)
    return of_schema(found.returns, declared) if found is not None and declared is not None else UNKNOWN


def _picked(template: Json, names: dict[str, Shape]) -> Shape:
    """The shape of what a template picks, when it is nothing but a chain of names."""
    if not isinstance(template, str):
        return of_value(template)
    try:
        chain = references_of(template).picks
    except ExpressionError:
        return UNKNOWN
    if chain is None or chain.open or chain.root not in names:
        return UNKNOWN
    found = follow(names[chain.root], chain.parts[1:])
    return UNKNOWN if isinstance(found, Missing) else found


def item_shape(items: Json, names: dict[str, Shape]) -> Shape:
    """An item of the list that a `for_each` goes through."""
    return _picked(items, names).settled().item or UNKNOWN


def result_shape(action: records.Action, project: Project) -> Shape:
    """What `save_as` names: the answer's body for operations."""
    match action:
        case records.OperationAction(paginate=None):
            return operation_shape(action.connector, action.operation, project)
        case records.Ask():
            chosen = Shape("string", choices=action.choices)
            return replace(ANSWER, fields={**(ANSWER.fields or {}), "choice": chosen})
        case records.ForEach() | records.Repeat():
            return list_of(of_value(action.output) if action.output is not None else UNKNOWN)
        case records.If() | records.Switch() | records.Try() if action.output is not None:
            return of_value(action.output)
        case _:
            return UNKNOWN


def action_shape(action: records.Action, project: Project) -> Shape:
    """`actions['Name']`: the long form of a result."""
    body = result_shape(action, project) if isinstance(action, records.OperationAction) else UNKNOWN
    fields = {
        "status": TEXT,
        "body": body,
        "status_code": UNKNOWN,
        "headers": UNKNOWN,
        "error": UNKNOWN,
        "attempts": UNKNOWN,
    }
    if not isinstance(action, records.OperationAction):
        fields["output"] = fields["outputs"] = UNKNOWN
    return Shape("object", fields, closed=True)
