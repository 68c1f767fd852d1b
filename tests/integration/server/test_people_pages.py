"""The pages of tokens and of the audit record: a token's text is seen once, revoking holds at once, and changes are found again."""

import re
from types import SimpleNamespace

import httpx
import pytest
import pytest_asyncio

from tests.fakes.projects import make_project, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUICK = """
    flow: Quick
    trigger: {manual: true}
    actions: [{name: Say it, log: it}]
    """


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory):
    settings = make_project(tmp_path_factory.mktemp("project"), {"quick": QUICK}, sign_in="always")
    async with served(settings) as (server, http):
        _, token = await server.app.store.access.add_token("boss", "admin")
        headers = {"accept": "text/html,*/*", "origin": server.url, "authorization": f"Bearer {token}"}
        http.headers.update(headers)
        yield SimpleNamespace(app=server.app, http=http, url=server.url)


def status_with(site, token):
    return httpx.AsyncClient(base_url=site.url, headers={"authorization": f"Bearer {token}"})


async def made(site, **form):
    answer = await site.http.post("/tokens", data={"role": "viewer", "lasts": "", **form})
    found = re.search(r'id="token-text"[^>]*>(fe_[\w-]+)<', answer.text)
    return answer, found and found[1]


async def test_a_token_is_shown_once_lets_in_as_its_scope_says_and_is_never_shown_again(site):
    answer, token = await made(site, name="ann", role="operator", lasts="30")
    assert answer.status_code == 201
    assert "shown this once" in answer.text
    async with status_with(site, token) as ann:
        assert (await ann.get("/api/v1/me")).json()["caller"] == {"name": "ann", "role": "operator", "kind": "token"}
        assert (await ann.get("/tokens")).status_code == 403
        assert (await ann.get("/audit")).status_code == 403
        assert ">Tokens<" not in (await ann.get("/flows")).text
    listed = (await site.http.get("/tokens")).text
    assert token not in listed
    assert "(yours)" in listed
    assert "ann" in listed


async def test_a_revoked_token_lets_nobody_in_and_is_told_as_ended(site):
    _, token = await made(site, name="leaver")
    record = next(one for one in await site.app.store.access.tokens() if one.name == "leaver")
    answer = await site.http.post(f"/tokens/{record.id}/revoke")
    assert (answer.status_code, answer.headers["location"]) == (303, "/tokens?told=revoked")
    async with status_with(site, token) as leaver:
        assert (await leaver.get("/api/v1/me")).status_code == 401
    assert "revoked just now" in re.sub(r"<[^>]+>", "", (await site.http.get("/tokens")).text)
    assert (await site.http.post(f"/tokens/{record.id}/revoke")).status_code == 404


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"name": ""}, 422, "The name must be"),
        ({"name": "a\x07b"}, 422, "The name must be"),
        ({"name": "x" * 101}, 422, "The name must be"),
        ({"name": "odd", "role": "owner"}, 422, "The role must be"),
        ({"name": "odd", "lasts": "5000"}, 422, "Choose how long"),
        ({"name": "boss"}, 409, "there is a token"),
    ],
)
async def test_a_form_that_does_not_fit_makes_no_token_and_says_why(site, form, status, said):
    before = await site.app.store.access.tokens()
    answer, token = await made(site, **form)
    assert (answer.status_code, token) == (status, None)
    assert said in answer.text
    assert await site.app.store.access.tokens() == before


async def test_changes_are_on_the_audit_page_by_whom_and_what_with_a_link_to_it(site):
    assert (await site.http.post("/flows/quick/disable")).status_code == 303
    assert (await site.http.post("/flows/quick/enable")).status_code == 303
    started = await site.http.post("/flows/quick/run", data={})
    run = started.headers["location"].split("/")[2].split("?")[0]
    whole = (await site.http.get("/audit")).text
    assert f'<a href="/runs/{run}">' in whole
    only = (await site.http.get("/audit?actor=token:boss&action=disable_flow&since=1h")).text
    assert '<a href="/flows/quick">quick</a>' in only
    assert "<b>submit run</b>" not in only
    assert "flowengine audit list --actor token:boss --action disable_flow --since 1h" in only
    to_it = (await site.http.get(f"/audit?target={run}")).text
    assert "<b>submit run</b>" in to_it
    assert "<b>enable flow</b>" not in to_it
    assert f"flowengine audit list --target {run}" in to_it
    assert "Nothing on record fits" in (await site.http.get("/audit?actor=nobody")).text


async def test_the_audit_record_is_leafed_through_by_key(site):
    for number in range(60):
        await site.app.store.audit.add("cli:tester", "set_secret", f"secret-{number}")
    first = (await site.http.get("/audit?actor=cli:tester")).text
    older = re.search(r'href="([^"]+)" rel="next"', first)[1].replace("&amp;", "&")
    second = (await site.http.get(older)).text
    assert "secret-59" in first
    assert "secret-9<" not in first
    assert "secret-9<" in second
    assert ">Newest<" in second
