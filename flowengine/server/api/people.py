"""`/api/v1/tokens`, `/audit`, `/me`: who may come in, and who changed what."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from flowengine.server.access import Role, caller_of
from flowengine.server.api.endpoint import BEFORE, LIMIT, PAGE_AT_MOST, SINCE, Body, Endpoint, Query, read
from flowengine.server.api.schemas import NEXT, TEXT, list_of, record, ref
from flowengine.server.context import Document, app_of, moment, number
from flowengine.store.documents import timestamp, token_document
from flowengine.types import JsonObject


class NewToken(Body):
    """A token to make."""

    name: str = Field(min_length=1, max_length=100, description="Whose or what it is, such as `ann` or `ci`.")
    role: str = Field(default="viewer", description="`viewer`, `operator` or `admin`.")
    days: float | None = Field(default=None, gt=0, le=3_650, description="How long it holds; for ever when left out.")


async def list_tokens(request: Request) -> Response:
    """Every token, without what makes it one."""
    return Document({"tokens": [token_document(one) for one in await app_of(request).store.access.tokens()]})


async def add_token(request: Request) -> Response:
    """Make a token. Its text is in this answer and can never be seen again."""
    app, body = app_of(request), await read(request, NewToken)
    if body.role not in list(Role):
        raise HTTPException(400, f'the field "role" must be one of: {", ".join(Role)}')
    if not body.name.isprintable():
        raise HTTPException(400, 'the field "name" must be printable')
    expires = None if body.days is None else app.clock.now() + timedelta(days=body.days)
    record_, text = await app.store.access.add_token(body.name, body.role, expires)
    request.scope["flowengine.audit"] = {"target": body.name, "role": body.role}
    return Document({"token": {**token_document(record_), "text": text}}, 201)


async def revoke_token(request: Request) -> Response:
    """End a token, named by its id or name, and every session that began with it."""
    found = await app_of(request).store.access.revoke(request.path_params["token"])
    return Document({"token": {"id": found.id, "name": found.name, "revoked": True}})


async def list_changes(request: Request) -> Response:
    """A page of the audit record, newest first."""
    app, query = app_of(request), request.query_params
    limit = number(request, "limit", 20, PAGE_AT_MOST)
    found = await app.store.audit.list(
        actor=query.get("actor"),
        action=query.get("action"),
        target=query.get("target"),
        since=moment(request, "since"),
        limit=limit + 1,
        before=query.get("before"),
    )
    page = found[:limit]
    documents: list[JsonObject] = [
        {
            "id": one.id,
            "at": timestamp(one.at),
            "actor": one.actor,
            "action": one.action,
            "target": one.target,
            "detail": dict(one.detail),
            "source": one.source,
        }
        for one in page
    ]
    return Document({"changes": documents, "next": page[-1].id if len(found) > limit else None})


async def show_me(request: Request) -> Response:
    """Who the server takes the caller for."""
    caller = caller_of(request)
    assert caller is not None, "the gate lets nobody pass unknown"
    return Document({"caller": {"name": caller.name, "role": str(caller.role), "kind": caller.kind}})


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/me",
        handler=show_me,
        role=Role.VIEWER,
        gives={"caller": record(name=TEXT, role=TEXT, kind=TEXT)},
    ),
    Endpoint(
        method="GET", path="/tokens", handler=list_tokens, role=Role.ADMIN, gives={"tokens": list_of(ref("Token"))}
    ),
    Endpoint(
        method="POST",
        path="/tokens",
        handler=add_token,
        role=Role.ADMIN,
        body=NewToken,
        gives={"token": ref("Token")},
        status=201,
    ),
    Endpoint(
        method="DELETE",
        path="/tokens/{token}",
        handler=revoke_token,
        role=Role.ADMIN,
        gives={"token": record(id=TEXT, name=TEXT)},
    ),
    Endpoint(
        method="GET",
        path="/audit",
        handler=list_changes,
        role=Role.ADMIN,
        query=(
            Query("actor", "Only this one's, such as `token:ci`."),
            Query("action", "Only this kind, such as `set_secret`."),
            Query("target", "Only what was done to this: a flow's or a run's id, a secret's or a token's name."),
            SINCE,
            LIMIT,
            BEFORE,
        ),
        gives={"changes": list_of(ref("Change")), "next": NEXT},
    ),
)
