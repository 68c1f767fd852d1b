"""What a flow answers a webhook with cannot leave its place: no header of its own making, no page of ours."""

from __future__ import annotations

import pytest
import pytest_asyncio

from tests.fakes.projects import make_project, served

ECHO = """
    flow: Echo
    trigger: {webhook: {verify: none}}
    actions:
      - respond:
          status: 200
          headers: {content-type: "{{ trigger.kind }}", x-said: "{{ trigger.said }}", transfer-encoding: chunked, connection: keep-alive}
          body: "{{ trigger.body }}"
    """
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory):
    async with served(make_project(tmp_path_factory.mktemp("project"), {"echo": ECHO})) as (server, http):
        http.address = server.app.hooks.address("echo", "webhook")
        yield http


async def answered(site, **given):
    return await site.post(site.address, json={"kind": "text/html", "said": "hello", "body": "<b>hi</b>", **given})


async def test_the_answer_is_what_the_flow_says(site):
    answer = await answered(site)
    assert (answer.status_code, answer.text, answer.headers["x-said"]) == (200, "<b>hi</b>", "hello")
    assert answer.headers["content-length"] == "9"
    assert "transfer-encoding" not in answer.headers


@pytest.mark.parametrize("said", ["a\r\nset-cookie: flowengine=stolen", "a\nx: y", "a\0b", "a\r\n\r\n<script>"])
async def test_a_header_is_one_header(site, said):
    answer = await answered(site, said=said)
    assert "set-cookie" not in answer.headers
    assert "<script>" not in answer.text
    assert answer.headers.get("x-said", "").isprintable()


async def test_a_page_that_a_flow_answers_with_is_none_of_this_server_s(site):
    answer = await answered(site, body="<script>fetch('/api/v1/runs')</script>")
    policy = answer.headers["content-security-policy"]
    assert "sandbox" in policy
    assert "allow-same-origin" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
