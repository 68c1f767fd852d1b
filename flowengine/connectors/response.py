"""From an answer to outputs, or to an error that says in the service's own words what went wrong."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import orjson

from flowengine.connectors.bodies import is_json
from flowengine.connectors.draft import Answer
from flowengine.connectors.inputs import operation_takes_file
from flowengine.connectors.spelled import forms_of
from flowengine.errors import OperationFailed, Throttled, Unauthorized
from flowengine.manifests.definition import Connector
from flowengine.manifests.extensions import Conversions
from flowengine.manifests.operation import Operation
from flowengine.types import Json, is_deeper

_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_WORDS: Final = (
    "message",
    "Message",
    "detail",
    "error_description",
    "description",
    "title",
    "reason",
    "errorMessage",
    "msg",
)
_HOLDERS: Final = ("error", "errors", "Error", "fault", "odata.error", "messages")
_LONGEST_WORDS = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STRUCK_OUT = "***"


def body_of(connector: Connector, operation: Operation, answer: Answer, *, depth: int = 64) -> Json:
    """The answer's body as data: JSON as it is, text and XML as text, anything else as Microsoft's file envelope.

    Raises `OperationFailed` for JSON that cannot be read or is nested deeper than `depth`.
    """
    if not answer.body:
        return None
    content_type = answer.headers.get("content-type", "")
    if operation_takes_file(connector.resolve(operation.returns)):
        return envelope(answer.body, content_type)
    if is_json(content_type):
        return _json(operation, answer, depth)
    kind = content_type.split(";", 1)[0].strip().lower()
    if not kind:
        return _guess(answer, depth, operation)
    if kind.startswith("text/") or kind.endswith("xml") or kind == "application/x-www-form-urlencoded":
        return _declared_json(connector, operation, answer, depth)
    return envelope(answer.body, content_type)


def envelope(content: bytes, content_type: str) -> Json:
    """A file as Microsoft's flows carry it."""
    kind = content_type or "application/octet-stream"
    return {"$content-type": kind, "$content": base64.b64encode(content).decode("ascii")}


def _json(operation: Operation, answer: Answer, depth: int) -> Json:
    try:
        value = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        value = _lenient_json(operation, answer)
    if is_deeper(value, depth):
        raise OperationFailed(
            f"{_place(operation)} was answered with data nested deeper than {depth} levels", status_code=answer.status
        )
    return value


def _lenient_json(operation: Operation, answer: Answer) -> Json:
    """JSON in another charset, with a byte-order mark or lone surrogates; never NaN or infinity."""
    try:
        return json.loads(text_of(answer).lstrip("\ufeff"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise OperationFailed(
            f"{_place(operation)} was answered {answer.status}, but the body is not the JSON it says it is",
            status_code=answer.status,
        ) from None


def _refuse_constant(name: str) -> Json:
    raise ValueError(name)


def text_of(answer: Answer) -> str:
    """The body as text in the charset that the answer names; what does not fit is replaced."""
    found = _CHARSET.search(answer.headers.get("content-type", ""))
    try:
        return answer.body.decode(found[1] if found else "utf-8", errors="replace")
    except LookupError:
        return answer.body.decode("utf-8", errors="replace")


def _declared_json(connector: Connector, operation: Operation, answer: Answer, depth: int) -> Json:
    """Many services send JSON and call it text: where the definition promises data, it is read as data."""
    declared = connector.resolve(operation.returns).get("type")
    if declared in ("object", "array") and answer.body.lstrip()[:1] in (b"{", b"["):
        try:
            return _json(operation, answer, depth)
        except OperationFailed:
            pass
    return text_of(answer)


def _guess(answer: Answer, depth: int, operation: Operation) -> Json:
    if answer.body.lstrip()[:1] in (b"{", b"["):
        return _json(operation, answer, depth)
    try:
        return answer.body.decode("utf-8")
    except UnicodeDecodeError:
        return envelope(answer.body, "")


def convert(conversions: Conversions | None, body: Json) -> Json:
    """What the manifest says about how this service's answers differ from what it promises."""
    if conversions is None:
        return body
    if conversions.root and isinstance(body, dict) and conversions.root in body:
        body = body[conversions.root]
    for path in conversions.epoch_to_datetime:
        body = _at_each(body, path.split("."))
    return body


def _at_each(value: Json, path: list[str]) -> Json:
    """The value with epoch seconds at `path` as RFC 3339 text; lists are passed through."""
    match value:
        case list():
            return [_at_each(item, path) for item in value]
        case dict() if path and path[0] in value:
            return {**value, path[0]: _at_each(value[path[0]], path[1:])}
        case int() | float() if not path and not isinstance(value, bool):
            return (_EPOCH + timedelta(seconds=value)).isoformat().replace("+00:00", "Z")
        case str() if not path and value.isdecimal():
            return _at_each(int(value), path)
        case _:
            return value


def failure(
    operation: Operation, status: int, headers: Mapping[str, str], body: Json, now: datetime
) -> OperationFailed:
    """The error of an answer that is not a success."""
    told = f"{_place(operation)} was answered {status}{_phrase(status)}"
    words = words_of(body) or _declared_words(operation, status)
    message = f"{told}: {words}" if words else told
    wait = retry_after(headers, now)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(message, status_code=status, body=body, retry_after=wait)
    if status == HTTPStatus.UNAUTHORIZED:
        return Unauthorized(message, status_code=status, body=body)
    if 300 <= status < 400:
        where = f", which points to {location.split('?', 1)[0]}" if (location := headers.get("location")) else ""
        message = f"{told}{where}; redirects are not followed: write the right address"
    return OperationFailed(message, status_code=status, body=body, retry_after=wait)


def _declared_words(operation: Operation, status: int) -> str:
    """What the definition says about an error of that status, for services that say nothing themselves."""
    declared = operation.answers.get(str(status)) or {}
    told = declared.get("description")
    return _short(told) if isinstance(told, str) and told.strip().lower() != _phrase(status).strip().lower() else ""


def _place(operation: Operation) -> str:
    return f"{operation.connector or 'http'}.{operation.id}"


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def words_of(body: Json) -> str:
    """The service's own words about an error, with its type when it names one."""
    match body:
        case str():
            return _short(re.sub(r"<[^>]+>", " ", body))
        case list() if body:
            return words_of(body[0])
        case dict():
            return _words_of_object(body)
        case _:
            return ""


def _words_of_object(body: Mapping[str, Json]) -> str:
    for name in _HOLDERS:
        inner = body.get(name)
        if isinstance(inner, dict | list) and (words := words_of(inner)):
            return words
    for name in _WORDS:
        if isinstance(body.get(name), str) and body[name].strip():
            kind = body.get("type") or body.get("code") or body.get("error")
            return _short(body[name]) + (f" ({kind})" if isinstance(kind, str) and kind != body[name] else "")
    if isinstance(body.get("error"), str):
        return _short(body["error"])
    inner = next((value for value in body.values() if isinstance(value, list) and value), None)
    return words_of(inner) if inner and isinstance(inner[0], str) else ""


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_WORDS else f"{text[:_LONGEST_WORDS]}..."


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that the service asks to wait: `Retry-After` in seconds or as a date (RFC 9110), never negative."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value)) if value.replace(".", "", 1).isdecimal() else _until(value, now)
    except (ValueError, TypeError, OverflowError):
        return None


def _until(value: str, now: datetime) -> float:
    moment = parsedate_to_datetime(value)
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())


def strike_out(answer: Answer, secrets: Iterable[str]) -> Answer:
    """The answer without the connection's secrets: some services repeat them in their errors."""
    body, headers = answer.body, answer.headers
    for secret in secrets:
        for form in forms_of(secret):
            if form in body:
                body = body.replace(form, STRUCK_OUT.encode("ascii"))
        if any(secret in value for value in headers.values()):
            headers = {name: value.replace(secret, STRUCK_OUT) for name, value in headers.items()}
    return answer if body is answer.body and headers is answer.headers else Answer(answer.status, headers, body)
