"""The eighteen error types of the Agent Chat API, in its envelope `{"error": {"type", "message", "data"}}`.

LiveChat documents types and messages; the HTTP statuses beside them are this stand-in's reading where the document
gives none.
"""

from __future__ import annotations

from typing import Final

from flowengine.sandbox.messages import Answer, Refused, json_answer
from flowengine.types import JsonObject

TYPES: Final[dict[str, tuple[int, str]]] = {
    "agent_offline": (422, "Agent offline"),
    "authentication": (401, "Authentication error"),
    "authorization": (403, "Authorization error"),
    "chat_inactive": (422, "Chat is inactive"),
    "entity_too_large": (413, "Upload limit exceeded (10MB)."),
    "internal": (500, "Internal server error"),
    "license_expired": (402, "License expired"),
    "license_not_found": (404, "License not found"),
    "limit_reached": (422, "Limit reached"),
    "misdirected_request": (421, "Wrong region"),
    "missing_access": (403, "Missing access"),
    "not_found": (404, "Not found"),
    "request_timeout": (504, "Request timed out"),
    "service_unavailable": (503, "Service unavailable"),
    "too_many_requests": (429, "Too many requests"),
    "unsupported_version": (400, "Cannot call unsupported API versions."),
    "validation": (400, "Wrong format of request"),
    "wrong_product_version": (400, "Wrong product version"),
}
_BY_STATUS: Final = {status: kind for kind, (status, _) in reversed(TYPES.items())} | {
    400: "validation",
    403: "authorization",
    404: "not_found",
    408: "request_timeout",
}


def error(kind: str, more: str = "", *, data: JsonObject | None = None, status: int | None = None) -> Answer:
    """The answer for one of the types; `more` says what exactly is wrong."""
    usual, message = TYPES[kind]
    told: JsonObject = {"type": kind, "message": f"{message}: {more}" if more else message}
    if data is not None:
        told["data"] = data
    return json_answer({"error": told}, status or usual)


def refused(kind: str, more: str = "", *, data: JsonObject | None = None) -> Refused:
    """The same as an exception."""
    return Refused(error(kind, more, data=data))


def error_of(status: int, region: str) -> Answer:
    """The error that goes best with an HTTP status; `region` is where a misdirected request belongs."""
    kind = _BY_STATUS.get(status, "internal")
    return error(kind, data={"region": region} if kind == "misdirected_request" else None, status=status)
