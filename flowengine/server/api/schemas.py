"""The documents of the API as JSON Schema. Fields may be added to a document; none that is here goes away."""

from __future__ import annotations

from typing import Final

from flowengine.types import Disposition, JsonObject, Status

TEXT: Final[JsonObject] = {"type": "string"}
NUMBER: Final[JsonObject] = {"type": "number"}
WHOLE: Final[JsonObject] = {"type": "integer"}
YES: Final[JsonObject] = {"type": "boolean"}
ANY: Final[JsonObject] = {}
OBJECT: Final[JsonObject] = {"type": "object"}
MOMENT: Final[JsonObject] = {"type": "string", "format": "date-time"}


def ref(name: str) -> JsonObject:
    """One of `DOCUMENTS`."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(item: JsonObject) -> JsonObject:
    return {"type": "array", "items": item}


def or_null(schema: JsonObject) -> JsonObject:
    return {"anyOf": [schema, {"type": "null"}]}


def record(**fields: JsonObject) -> JsonObject:
    """An object that has all of these fields."""
    return {"type": "object", "properties": fields, "required": list(fields)}


RUN: Final = ref("Run")
EVENT: Final = ref("Event")
NEXT: Final = {**or_null(TEXT), "description": "The `before` of the next page; null on the last."}

DOCUMENTS: Final[dict[str, JsonObject]] = {
    "Error": record(error={**record(code=TEXT, message=TEXT), "description": "What is wrong, for a person to read."}),
    "Run": {
        **record(
            id=TEXT,
            flow=TEXT,
            flow_version=TEXT,
            status={"type": "string", "enum": [str(one) for one in Status]},
            trigger=record(kind=TEXT, name=TEXT),
            event=or_null(record(id=TEXT, body=ANY)),
            created_at=MOMENT,
            started_at=or_null(MOMENT),
            finished_at=or_null(MOMENT),
            duration_ms=or_null(NUMBER),
            due_at=or_null(MOMENT),
            error=or_null(ref("ActionError")),
            output=ANY,
            inputs=OBJECT,
            resubmitted_from=or_null(TEXT),
        ),
        "description": "One run of one flow version. `actions` are there when one run is asked for.",
    },
    "Action": record(
        path=TEXT,
        name=TEXT,
        kind=TEXT,
        status={"type": "string", "enum": [str(one) for one in Status]},
        started_at=or_null(MOMENT),
        finished_at=or_null(MOMENT),
        duration_ms=or_null(NUMBER),
        attempts=list_of(ref("Attempt")),
        inputs=ANY,
        outputs=ANY,
        error=or_null(ref("ActionError")),
        skipped_because=or_null(TEXT),
    ),
    "Attempt": record(
        number=WHOLE,
        started_at=MOMENT,
        duration_ms=NUMBER,
        status_code=or_null(WHOLE),
        error=or_null(record(code=TEXT, message=TEXT)),
        request=or_null(ref("Sent")),
    ),
    "Sent": {
        **record(
            method=TEXT,
            url=TEXT,
            headers={"type": "object", "additionalProperties": TEXT},
            body=or_null(TEXT),
            left_out=or_null(TEXT),
        ),
        "description": "What was sent, without credentials. `left_out` says in words what of the body is not there.",
    },
    "ActionError": record(
        action=or_null(TEXT),
        code=or_null(TEXT),
        message=or_null(TEXT),
        status_code=or_null(WHOLE),
        body=ANY,
        line=or_null(WHOLE),
        column=or_null(WHOLE),
    ),
    "Event": {
        **record(
            id=TEXT,
            flow=TEXT,
            trigger=record(kind=TEXT, name=TEXT, key=TEXT),
            received_at=MOMENT,
            disposition={"type": "string", "enum": [str(one) for one in Disposition]},
            reason=ANY,
            dedupe_key=or_null(TEXT),
            source=TEXT,
            runs=list_of(TEXT),
        ),
        "description": "Something that came in, and why it did or did not start a run. `headers` and `body` are there when one is asked for.",
    },
    "Finding": record(
        file=TEXT,
        line=WHOLE,
        column=WHOLE,
        end_line=WHOLE,
        end_column=WHOLE,
        severity={"type": "string", "enum": ["error", "warning"]},
        rule=TEXT,
        message=TEXT,
        hint=TEXT,
    ),
    "Flow": record(
        id=TEXT,
        name=TEXT,
        description=TEXT,
        file=TEXT,
        valid=YES,
        enabled=YES,
        version=or_null(TEXT),
        triggers=list_of(
            record(key=TEXT, kind=TEXT, name=TEXT, state=TEXT, detail=TEXT, next_at=or_null(MOMENT), address=TEXT)
        ),
        findings=list_of(ref("Finding")),
    ),
    "Version": record(version=TEXT, saved_at=MOMENT),
    "Source": record(flow=TEXT, file=TEXT, text=TEXT, hash=TEXT),
    "Connector": record(name=TEXT, title=TEXT, version=TEXT, actions=WHOLE, triggers=WHOLE, source=TEXT),
    "Connection": {**record(name=TEXT, connector=TEXT), "description": "Names and standing; never a value."},
    "Token": record(
        id=TEXT,
        name=TEXT,
        role={"type": "string", "enum": ["viewer", "operator", "admin"]},
        created_at=MOMENT,
        expires_at=or_null(MOMENT),
        last_used_at=or_null(MOMENT),
        revoked_at=or_null(MOMENT),
    ),
    "Change": record(id=TEXT, at=MOMENT, actor=TEXT, action=TEXT, target=TEXT, detail=OBJECT, source=TEXT),
}
