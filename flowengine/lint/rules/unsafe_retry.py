"""unsafe-retry: a write that would be tried again although the service may have acted."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flowengine.findings import Finding, Severity
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.manifests.catalog import HTTP
from flowengine.manifests.operation import Operation
from flowengine.spec.source import Location

_MAY_HAVE_ACTED = re.compile(r"timeout|5xx|5(?!03)\d\d|408")


def _check(context: Context) -> Iterator[Finding]:
    for action in context.operations():
        operation = context.project.operation(action.connector, action.operation)
        if action.retry is None or operation is None or operation.reads or _recognised(operation):
            continue
        if operation.method in ("PUT", "DELETE") or action.retry.times == 0:
            continue
        for loc, word in _unsafe(action.loc, action.retry.on or (), action.retry.on_unknown):
            told = f'after "{word}" the service may have acted already; trying again may do it twice'
            hint = "leave it out: refused connections, 429 and 503 with Retry-After are tried again safely"
            yield context.at(loc, RULE.id, told, hint, Severity.WARNING)


def _recognised(operation: Operation) -> bool:
    """Whether the service knows a repeated call by its key. The built-in calls send one, too, but any service may ignore it."""
    return operation.idempotency is not None and operation.connector != HTTP


def _unsafe(loc: Location, words: tuple[str, ...], on_unknown: str | None) -> Iterator[tuple[Location, str]]:
    if on_unknown == "retry":
        yield (*loc, "retry", "on_unknown"), "on_unknown: retry"
    for index, word in enumerate(words):
        if _MAY_HAVE_ACTED.fullmatch(word):
            yield (*loc, "retry", "on", index), word


RULE = Rule(
    id="unsafe-retry",
    severity=Severity.WARNING,
    meaning=(
        "POST and PATCH create or change something each time they are sent. When no answer came, or a server error, the service "
        "may have acted; a second try then makes a second ticket, message or payment."
    ),
    wrong="use: http.post\nwith: { url: https://example.com, body: Hello }\nretry: { times: 3, on: [timeout] }",
    right="use: http.post\nwith: { url: https://example.com, body: Hello }\nretry: { times: 3 }",
    check=_check,
)
