"""Editing flows: what is wrong with a text, what could be written at a place, and saving it over nobody's change."""

from __future__ import annotations

import asyncio
from typing import Final

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from flowengine.app import App
from flowengine.app.files import ChangedMeanwhile, FlowText, read_flow_text, write_flow_text
from flowengine.app.shipped import description, templates
from flowengine.findings import Finding, Severity
from flowengine.lint.editor.complete import complete
from flowengine.lint.editor.help import Help, help_at
from flowengine.lint.project import Project
from flowengine.server.access import Role
from flowengine.server.api.endpoint import Body, Endpoint, read
from flowengine.server.api.flows import diff, entry_of, flow_document
from flowengine.server.api.schemas import TEXT, WHOLE, list_of, or_null, record, ref
from flowengine.server.context import Document, app_of
from flowengine.types import JsonObject

COMPLETIONS: Final = 200
"""As many as anybody looks through."""


class Check(Body):
    """A text to check, as the file of a flow."""

    text: str
    flow: str = Field(default="flow", description="The flow's id: what the file would be called.")


class Place(Body):
    """A place in a text that is being written. Lines and columns count from 1, in characters."""

    text: str
    line: int = Field(ge=1)
    column: int = Field(ge=1)
    flow: str = "flow"


class Save(Body):
    """A new text for a flow's file."""

    text: str
    hash: str | None = Field(description="The `hash` of the text that was edited; null for a new flow.")
    anyway: bool = Field(default=False, description="Save a text with errors; what ran before stays in force.")


class Compare(Body):
    """A text to compare with the flow's file."""

    text: str


async def check_text(request: Request) -> Response:
    """What is wrong with a text. Nothing is stored."""
    app, body = app_of(request), await read(request, Check)
    findings = await asyncio.to_thread(_findings, app, body.text, body.flow)
    return Document({"findings": [one.to_json() for one in findings], "summary": _summary(findings)})


async def complete_text(request: Request) -> Response:
    """What could be written at a place: keys, operations, parameters, words, names and fields inside templates."""
    app, body = app_of(request), await read(request, Place)
    found = await asyncio.to_thread(_completions, body, app.linted())
    return Document({"completions": found})


async def help_with_text(request: Request) -> Response:
    """What helps at a place: the word there explained in Markdown, and the operation and parameter that the cursor is in."""
    app, body = app_of(request), await read(request, Place)
    found = await asyncio.to_thread(_help, body, app.linted())
    return Document({"about": found.about, "use": found.use, "parameter": found.parameter})


async def list_templates(_: Request) -> Response:
    """What a new flow can begin with: each template's text, and what it says of itself."""
    return Document({"templates": await asyncio.to_thread(_templates)})


async def show_source(request: Request) -> Response:
    """A flow's file as it stands on disk, with the hash that saving a change needs."""
    app = app_of(request)
    found = read_flow_text(app.settings.flows, request.path_params["flow"])
    return Document({"source": _source_document(app, found)})


async def compare_text(request: Request) -> Response:
    """What saving a text would change, as a unified diff."""
    app, body = app_of(request), await read(request, Compare)
    found = read_flow_text(app.settings.flows, request.path_params["flow"])
    return Document({"diff": diff(found.text, body.text, f"{found.path.name} on disk", f"{found.path.name} as edited")})


async def save_flow(request: Request) -> Response:
    """Save a text as the flow's file and put it in force. A file that changed meanwhile is left alone: 409, with both texts."""
    app, body, flow_id = app_of(request), await read(request, Save), request.path_params["flow"]
    findings = await asyncio.to_thread(_findings, app, body.text, flow_id)
    if not body.anyway and any(one.severity is Severity.ERROR for one in findings):
        return _refused(findings)
    async with app.editing:
        try:
            saved = await asyncio.to_thread(write_flow_text, app.settings.flows, flow_id, body.text, body.hash)
        except ChangedMeanwhile as error:
            return _conflict(app, error)
        await app.triggers.refresh()
    request.scope["flowengine.audit"] = {"target": flow_id, "hash": saved.hash, "before": body.hash}
    entry = entry_of(app, flow_id)
    return Document({"source": _source_document(app, saved), "flow": flow_document(app, entry)})


def _completions(body: Place, project: Project) -> list[JsonObject]:
    """What fits the words before the place, with the column from which on each takes their place."""
    if body.line > body.text.count("\n") + 1:
        return []
    offset, column = _offset(body)
    return [
        {
            "label": one.label,
            "insert": one.insert or one.label,
            "kind": one.kind,
            "detail": one.about or one.detail,
            "from_column": column - one.replaces,
        }
        for one in complete(body.text, offset, f"flows/{body.flow}.yaml", project)
        if body.text[offset - one.replaces : offset].lower() in one.label.lower()
    ][:COMPLETIONS]


def _templates() -> list[JsonObject]:
    return [
        {"name": name, "description": description(path), "text": path.read_text(encoding="utf-8")}
        for name, path in templates().items()
    ]


def _offset(body: Place) -> tuple[int, int]:
    """Where the place is in the text, and its column; both kept inside the text and the line."""
    lines = body.text.split("\n")
    line = min(body.line, len(lines))
    column = min(body.column, len(lines[line - 1]) + 1)
    return sum(len(each) + 1 for each in lines[: line - 1]) + column - 1, column


def _help(body: Place, project: Project) -> Help:
    return help_at(body.text, _offset(body)[0], f"flows/{body.flow}.yaml", project)


def _findings(app: App, text: str, flow_id: str) -> list[Finding]:
    try:
        raw = text.encode("utf-8")
    except UnicodeEncodeError:
        raise HTTPException(400, "the text holds half a character (a lone surrogate)") from None
    return app.check(raw, f"flows/{flow_id}.yaml", flow_id)[1]


def _summary(findings: list[Finding]) -> JsonObject:
    errors = sum(one.severity is Severity.ERROR for one in findings)
    return {"files": 1, "errors": errors, "warnings": len(findings) - errors}


def _source_document(app: App, found: FlowText) -> JsonObject:
    return {
        "flow": found.flow,
        "file": f"{app.settings.flows.name}/{found.path.name}",
        "text": found.text,
        "hash": found.hash,
    }


def _refused(findings: list[Finding]) -> Response:
    told = "the text has mistakes and was not saved; mend them, or save it anyway: what ran before then stays in force"
    error = {"code": "invalid_file", "message": told}
    return Document({"error": error, "findings": [one.to_json() for one in findings]}, 422)


def _conflict(app: App, error: ChangedMeanwhile) -> Response:
    theirs = _source_document(app, error.theirs) if error.theirs else None
    told = {"code": "changed_meanwhile", "message": error.message}
    return Document({"error": told, "yours": error.yours, "theirs": theirs}, 409)


_COMPLETION = record(label=TEXT, insert=TEXT, kind=TEXT, detail=TEXT, from_column=WHOLE)
ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/check",
        handler=check_text,
        role=Role.VIEWER,
        body=Check,
        gives={"findings": list_of(ref("Finding")), "summary": record(files=WHOLE, errors=WHOLE, warnings=WHOLE)},
    ),
    Endpoint(
        method="POST",
        path="/complete",
        handler=complete_text,
        role=Role.VIEWER,
        body=Place,
        gives={"completions": list_of(_COMPLETION)},
    ),
    Endpoint(
        method="POST",
        path="/help",
        handler=help_with_text,
        role=Role.VIEWER,
        body=Place,
        gives={"about": TEXT, "use": TEXT, "parameter": TEXT},
    ),
    Endpoint(
        method="GET",
        path="/templates",
        handler=list_templates,
        role=Role.VIEWER,
        gives={"templates": list_of(record(name=TEXT, description=TEXT, text=TEXT))},
    ),
    Endpoint(
        method="GET",
        path="/flows/{flow}/source",
        handler=show_source,
        role=Role.VIEWER,
        gives={"source": ref("Source")},
    ),
    Endpoint(
        method="PUT",
        path="/flows/{flow}/source",
        handler=save_flow,
        role=Role.ADMIN,
        body=Save,
        gives={"source": ref("Source"), "flow": or_null(ref("Flow"))},
    ),
    Endpoint(
        method="POST",
        path="/flows/{flow}/compare",
        handler=compare_text,
        role=Role.VIEWER,
        body=Compare,
        gives={"diff": TEXT},
    ),
)
