"""Files far larger than a person writes are answered in a time that grows with them, not with their square."""

import time

import pytest

from flowengine.lint.linter import Project, check_flow
from flowengine.manifests.catalog import Catalog, shipped_connectors

PROJECT = Project(Catalog([shipped_connectors()]))
HEAD = "flow: X\ntrigger: { use: livechat.WebhookTicketCreated }\nvars: { n: 0 }\n"
ITEM = "      k{}: {}\n"
WITH = f"{HEAD}actions:\n  - use: http.post\n    with:\n      url: https://example.com\n      body:\n"


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "actions:\n  - use: http.get\n" + "".join(f"    k{number}: 1\n" for number in range(20_000)),
        HEAD + "actions:\n  - use: livechat.CreateTicket\n    with:\n" + "".join(ITEM.format(n, 1) for n in range(20_000)),
        WITH + "".join(f"  {ITEM.format(n, chr(34) + '{{ trigger.ticket.subject | replace(1, ' + str(n) + ') }}' + chr(34))}" for n in range(5_000)),
        HEAD + "actions:\n  - set:\n" + "".join(ITEM.format(n, 1) for n in range(20_000)),
    ],
    ids=["unknown keys", "unknown parameters", "many templates", "unknown variables"],
)  # fmt: skip
def test_a_huge_file_is_answered_soon(text):
    began = time.process_time()
    found = check_flow(text, "a.yaml", PROJECT)
    assert found
    assert len(found) <= 1000
    assert time.process_time() - began < 4  # seconds of a slow and busy processor; a second where nothing else runs
