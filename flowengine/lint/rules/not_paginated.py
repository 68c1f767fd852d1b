"""not-paginated: `paginate` on an operation whose answers have no pages."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule


def _check(context: Context) -> Iterator[Finding]:
    for action in context.operations():
        operation = context.project.operation(action.connector, action.operation)
        if action.paginate is None or operation is None:
            continue
        if operation.pagination is None and operation.next_link is None:
            told = f'the answers of "{action.use}" have no pages'
            yield context.at_key((*action.loc, "paginate"), RULE.id, told, 'remove "paginate"')


RULE = Rule(
    id="not-paginated",
    meaning="`paginate` follows an answer's pages; the manifest says which operations have them.",
    wrong="use: http.get\nwith: { url: https://example.com }\npaginate: { max_items: 100 }",
    right="use: http.get\nwith: { url: https://example.com }",
    check=_check,
)
