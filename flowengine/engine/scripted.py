"""Answers from a script: what stands in for services, people and called flows when a run is rehearsed.

A script is an object. Its keys name actions by path (`notify_all/0/send_mail`), by path without turns
(`notify_all/send_mail`), by name (`Send mail`), or all calls of an operation (`livechat.ListAgents`); the first of these that
is there answers. Its values are

- a body, or `{status_code, headers, body}`; a status of 400 or more fails as the service's answer would;
- `{error: timeout | unreachable | timed_out, message}`: no answer comes;
- `{sequence: [...]}`: one answer after another, the last of which stays;
- for an `ask` the choice, or `{choice, by, comment}`; for `wait_for` the body of the POST; for `call` the flow's output.

Any of the objects may say how long it `takes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from flowengine.errors import ActionError, OperationFailed, OutcomeUnknown, ServiceUnreachable, Throttled, Unauthorized
from flowengine.findings import did_you_mean
from flowengine.spec.times import parse_duration
from flowengine.types import Json, JsonObject, Outputs, Path, format_path

FIELDS = frozenset({"status_code", "headers", "body", "error", "message", "takes"})
"""An object with these keys and no others is an answer; every other value is a body."""
ERRORS = ("timeout", "unreachable", "timed_out")


@dataclass(frozen=True, slots=True)
class Scripted:
    """One answer."""

    body: Json = None
    status_code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    message: str = ""
    takes: timedelta = timedelta()

    def outputs(self) -> Outputs:
        """What a call gives. Raises the `ActionError` that the answer stands for."""
        if self.error == "unreachable":
            raise ServiceUnreachable(self.message)
        if self.error:
            raise OutcomeUnknown(self.message)
        if self.status_code < 400:
            return Outputs(self.status_code, self.headers, self.body)
        raise self._failure()

    def _failure(self) -> ActionError:
        kind = {401: Unauthorized, 429: Throttled}.get(self.status_code, OperationFailed)
        after = self.headers.get("retry-after", "")
        message = self.message or f"the service answered {self.status_code}"
        return kind(
            message,
            status_code=self.status_code,
            body=self.body,
            retry_after=float(after) if after.isdecimal() else None,
        )


class Script:
    """Gives the answers in the order they are asked for. Raises `ValueError` for a script that cannot be one."""

    def __init__(self, answers: Mapping[str, Json]) -> None:
        self._answers = {key: list(_sequence(key, value)) for key, value in answers.items()}
        self._used: dict[str, int] = {}

    def take(self, path: Path, name: str, use: str = "") -> Scripted | None:
        """The next answer for this action; None when the script has none."""
        key = next((key for key in _keys(path, name, use) if key in self._answers), None)
        if key is None:
            return None
        answers = self._answers[key]
        turn = self._used[key] = self._used.get(key, -1) + 1
        return answers[min(turn, len(answers) - 1)]

    @property
    def unused(self) -> list[str]:
        """The keys that nothing asked for."""
        return [key for key in self._answers if key not in self._used]


def _keys(path: Path, name: str, use: str) -> Iterator[str]:
    yield format_path(path)
    yield format_path(tuple(part for part in path if isinstance(part, str)))
    yield name
    if use:
        yield use


def _sequence(key: str, value: Json) -> Iterator[Scripted]:
    if isinstance(value, dict) and set(value) == {"sequence"}:
        if not isinstance(value["sequence"], list) or not value["sequence"]:
            raise ValueError(f'the answer "{key}": sequence needs a list of answers')
        for one in value["sequence"]:
            yield _scripted(key, one)
    else:
        yield _scripted(key, value)


def _scripted(key: str, value: Json) -> Scripted:
    if not isinstance(value, dict) or not value or not set(value) <= FIELDS:
        return Scripted(value)
    error = value.get("error", "")
    if error not in ("", *ERRORS):
        hint = did_you_mean(str(error), ERRORS)
        raise ValueError(f'the answer "{key}": there is no error "{error}"; {hint}')
    return Scripted(
        body=value.get("body"),
        status_code=_status(key, value.get("status_code", 200)),
        headers=_headers(value.get("headers") or {}),
        error=error,
        message=str(value.get("message") or (f"the script says: {error}" if error else "")),
        takes=_takes(key, value.get("takes")),
    )


def _status(key: str, value: Json) -> int:
    if isinstance(value, int) and 100 <= value <= 599:
        return value
    raise ValueError(f'the answer "{key}": status_code must be a number from 100 to 599, not {value!r}')


def _headers(value: JsonObject) -> dict[str, str]:
    return {str(name).lower(): str(one) for name, one in value.items()}


def _takes(key: str, value: Json) -> timedelta:
    try:
        return parse_duration(str(value)) if value is not None else timedelta()
    except ValueError as error:
        raise ValueError(f'the answer "{key}": takes: {error}') from None
