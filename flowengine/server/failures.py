"""Errors as answers: a status and a document that says what is wrong, never a traceback."""

from __future__ import annotations

import logging

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from flowengine.errors import (
    ActionError,
    ConfigurationError,
    Conflict,
    FlowEngineError,
    InvalidFile,
    NotFound,
    StorageUnavailable,
)
from flowengine.server.context import Document
from flowengine.server.pages.render import error_page

log = logging.getLogger(__name__)


async def on_http_error(request: Request, error: Exception) -> Response:
    """The framework's own refusals: no such route, wrong method, a bad query."""
    assert isinstance(error, HTTPException)
    return _answer(request, error.status_code, "refused", error.detail)


async def on_engine_error(request: Request, error: Exception) -> Response:
    """What the engine says is wrong."""
    assert isinstance(error, FlowEngineError)
    status, code = kind(error)
    return _answer(request, status, code, error.message)


async def on_surprise(request: Request, error: Exception) -> Response:
    """A mistake of ours: logged in full, told in brief."""
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _answer(request, 500, "internal", "a mistake inside flowengine; the server's log has the details")


def kind(error: FlowEngineError) -> tuple[int, str]:
    """HTTP status and code of an error."""
    match error:
        case InvalidFile():
            return 422, "invalid_file"
        case NotFound():
            return 404, "not_found"
        case Conflict():
            return 409, "conflict"
        case ActionError():
            return 422, error.code
        case StorageUnavailable():
            return 503, "storage_unavailable"
        case ConfigurationError():
            return 500, "configuration"
        case _:
            return 500, "failed"


def _answer(request: Request, status: int, code: str, message: str) -> Response:
    """A page for browsers, a document for programs."""
    if "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/"):
        return error_page(request, status, message)
    return Document({"error": {"code": code, "message": message}}, status)
