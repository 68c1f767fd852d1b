"""Who may call what: default-deny, every route times every role, foreign pages, rebinding."""

from __future__ import annotations

import asyncio

import httpx
import pytest
import pytest_asyncio

from flowengine.cli.server_client import running
from flowengine.config import Settings
from flowengine.errors import ConfigurationError
from flowengine.server.access import CHANGING, Role, needed_for, rule_of, rules_for
from flowengine.server.application import all_routes, roles
from flowengine.server.auth import check_reach
from flowengine.server.origin import foreign
from flowengine.store.access import COMMANDS
from tests.fakes.projects import make_project, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

RULES = rules_for(all_routes(), roles())

WAITING = """
    flow: Waiting
    trigger: {manual: true}
    actions: [{wait: 1 hour}]
    """

FORM = {"content-type": "application/x-www-form-urlencoded"}

JSON = {"content-type": "application/json"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(tmp_path_factory):
    """A server that trusts nobody, with a token for each role."""
    settings = make_project(tmp_path_factory.mktemp("project"), {"waiting": WAITING}, sign_in="always")
    async with served(settings) as (server, http):
        access = server.app.store.access
        tokens = {role: (await access.add_token(f"the {role}", role))[1] for role in Role}

        async def ask(method, path, token=None, **more):
            headers = more.pop("headers", {}) | ({"authorization": f"Bearer {token}"} if token else {})
            return await http.request(method, path, headers=headers, **more)

        ask.tokens, ask.app, ask.http, ask.url = tokens, server.app, http, server.url
        yield ask


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def local(tmp_path_factory):
    """A server on loopback as it is by default."""
    settings = make_project(tmp_path_factory.mktemp("project"), {"waiting": WAITING})
    async with served(settings) as (_, http):
        yield lambda method, path, **headers: http.request(
            method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )


def filled(path: str) -> str:
    return path.replace("{name:path}", "icon.svg").replace("{", "").replace("}", "")


ENDLESS = ("/runs/events", "/live/runs")
"""Streams: whoever is let in is answered for as long as he listens. The tests of live runs do."""
TABLE = [(rule.method, rule.path, rule.needed) for rule in RULES]


@pytest.mark.parametrize(("method", "path", "needed"), TABLE, ids=[f"{method} {path}" for method, path, _ in TABLE])
async def test_every_route_lets_in_the_roles_that_the_table_says_and_no_other(guarded, method, path, needed):
    statuses = {}
    for role, token in {None: None, **guarded.tokens}.items():
        if path.endswith(ENDLESS) and role and role.may(needed):
            continue
        answer = await guarded(method, filled(path), token, headers=JSON, content=b"{" if method in CHANGING else None)
        statuses[role] = answer.status_code
    for role, status in statuses.items():
        if needed is None or (role and role.may(needed)):
            assert status not in ((401, 403) if path != "/login" else ()), (role, statuses)
        else:
            assert status == (403 if role else 401), (role, statuses)


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "/runs", Role.VIEWER),
        ("POST", "/runs/{run}/resubmit", Role.OPERATOR),
        ("GET", "/somewhere/new", Role.VIEWER),
        ("POST", "/somewhere/new", Role.ADMIN),
        ("DELETE", "/somewhere/new", Role.ADMIN),
        ("POST", "/healthz", Role.ADMIN),
        ("GET", "/healthz", None),
    ],
)
async def test_a_route_without_a_rule_is_not_open(method, path, needed):
    assert needed_for(method, path, roles()) == needed


@pytest.mark.parametrize(
    "path", ["/healthz/../api/v1/runs", "/healthz/", "//healthz", "/approvals/a/b/c", "/static", "/loginx"]
)
async def test_paths_that_only_look_public_are_not(guarded, path):
    rule = rule_of(RULES, "GET", path)
    assert rule is None or rule.needed is not None
    assert (await guarded("GET", path)).status_code == 401


async def test_an_unknown_path_tells_strangers_nothing(guarded):
    assert (await guarded("GET", "/api/v1/nothing")).status_code == 401
    assert (await guarded("GET", "/api/v1/nothing", guarded.tokens[Role.VIEWER])).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "TRACE", "DELETE"])
async def test_a_method_that_is_not_there_is_told_to_those_who_may_come_in(guarded, method):
    assert (await guarded(method, "/api/v1/runs")).status_code == 401
    answer = await guarded(method, "/api/v1/runs", guarded.tokens[Role.VIEWER])
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert (await guarded(method, "/api/v1/nowhere", guarded.tokens[Role.ADMIN])).status_code in (404, 405)


async def test_a_wrong_token_is_refused_even_where_none_is_needed(local):
    assert (await local("GET", "/api/v1/runs")).status_code == 200
    assert (await local("GET", "/api/v1/runs", authorization="Bearer wrong")).status_code == 401
    assert (await local("GET", "/api/v1/runs", authorization="Basic dTpw")).status_code == 401


async def test_on_loopback_only_this_machines_user_is_trusted(local):
    assert (await local("GET", "/api/v1/runs", host="localhost:8080")).status_code == 200
    assert (await local("GET", "/api/v1/runs", host="[::1]:8080")).status_code == 200
    for header in ("x_forwarded_for", "x_forwarded_proto", "via", "forwarded", "x_real_ip", "cf_connecting_ip"):
        assert (await local("GET", "/api/v1/runs", **{header: "203.0.113.7"})).status_code == 401


async def test_with_a_public_address_nobody_is_taken_for_this_machine_s_user(tmp_path):
    """A proxy beside the engine may leave no trace: what comes from anywhere looks as if it came from here."""
    settings = make_project(tmp_path, {"waiting": WAITING}, public_url="https://flows.example.com")
    async with served(settings) as (server, http):
        assert (await http.get("/api/v1/runs")).status_code == 401
        assert (await http.get("/api/v1/runs", headers={"host": "flows.example.com"})).status_code == 401
        # Commands of the project show that they can read its key.
        key = server.app.store.secrets.derive(COMMANDS)
        me = await http.get("/api/v1/me", headers={"authorization": f"Bearer {key}"})
        assert me.json()["caller"] == {"name": "local", "role": "admin", "kind": "local"}
        found = await asyncio.to_thread(running(settings).ask, "GET", "/me")
        assert found["caller"]["role"] == "admin"
    near = make_project(tmp_path / "near", {}, public_url="http://127.0.0.1:8080")
    async with served(near) as (_, http):
        assert (await http.get("/api/v1/runs")).status_code == 200


@pytest.mark.parametrize("host", ["attacker.example", "127.0.0.1.attacker.example:8080", "[", "203.0.113.7"])
async def test_another_servers_name_is_refused(local, host):
    assert (await local("GET", "/api/v1/runs", host=host)).status_code == 403
    assert (await local("GET", "/login", host=host)).status_code == 403


async def test_a_change_must_be_json_or_a_form_of_our_own_pages(local):
    async def status(**headers):
        return (await local("POST", "/api/v1/flows/waiting/enable", **headers)).status_code

    assert await status() == 415
    assert await status(content_type="text/plain") == 415
    assert await status(content_type=FORM["content-type"]) == 415
    assert await status(content_type="application/json", origin="https://attacker.example") == 403
    assert await status(content_type="application/json", origin="null") == 403
    assert await status(content_type="application/json", sec_fetch_site="cross-site") == 403
    assert await status(content_type=FORM["content-type"], sec_fetch_site="same-site") == 403
    assert await status(content_type="application/json; charset=utf-8") == 200


async def test_a_link_on_another_site_may_lead_here_but_its_scripts_may_not_read():
    assert not foreign({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "host": "ours"})
    assert foreign({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "host": "ours"})
    assert foreign({"origin": "https://attacker.example", "host": "ours"})


async def test_changes_are_on_record_with_who_made_them(guarded):
    admin, operator = guarded.tokens[Role.ADMIN], guarded.tokens[Role.OPERATOR]
    made = await guarded("POST", "/api/v1/runs", operator, json={"flow": "waiting"})
    await guarded("PUT", "/api/v1/secrets/team", admin, json={"value": "hidden value"})
    await guarded("PUT", "/api/v1/secrets/team", operator, json={"value": "refused"})
    found = (await guarded("GET", "/api/v1/audit?limit=100", admin)).json()["changes"]
    (secret,) = [one for one in found if one["action"] == "set_secret"]
    (run,) = [one for one in found if one["action"] == "submit_run"]
    assert (secret["actor"], secret["target"]) == ("token:the admin", "team")
    assert (run["actor"], run["target"]) == ("token:the operator", made.json()["run"]["id"])
    assert "hidden" not in str(found)


async def test_a_revoked_token_lets_nobody_in(guarded):
    admin = guarded.tokens[Role.ADMIN]
    made = (await guarded("POST", "/api/v1/tokens", admin, json={"name": "ci", "role": "viewer"})).json()["token"]
    assert (await guarded("GET", "/api/v1/me", made["text"])).json()["caller"]["role"] == "viewer"
    listed = (await guarded("GET", "/api/v1/tokens", admin)).json()["tokens"]
    assert made["text"] not in str(listed)
    assert next(one for one in listed if one["name"] == "ci")["last_used_at"]
    assert (await guarded("DELETE", "/api/v1/tokens/ci", admin)).status_code == 200
    assert (await guarded("GET", "/api/v1/me", made["text"])).status_code == 401
    assert (await guarded("DELETE", "/api/v1/tokens/ci", admin)).status_code == 404


async def test_tokens_are_not_in_the_database_in_clear(guarded):
    folder = guarded.app.settings.state
    kept = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file() and "ballast" not in path.name)
    assert all(token.encode() not in kept for token in guarded.tokens.values())


async def test_signing_in_with_a_browser_and_out_again(guarded):
    async with httpx.AsyncClient(base_url=guarded.url, verify=False) as browser:
        sent = await browser.get("/runs?status=failed", headers={"accept": "text/html"})
        assert (sent.status_code, sent.headers["location"]) == (303, "/login?next=%2Fruns%3Fstatus%3Dfailed")
        shown = await browser.get(sent.headers["location"])
        assert 'value="/runs?status=failed"' in shown.text
        ours = {"origin": guarded.url, **FORM}
        form = {"token": guarded.tokens[Role.VIEWER], "next": "/runs?status=failed"}
        refused = await browser.post("/login", data={**form, "token": "wrong"}, headers=ours)
        assert (refused.status_code, "set-cookie" in refused.headers) == (401, False)
        foreign_form = await browser.post("/login", data=form, headers={**ours, "origin": "https://attacker.example"})
        assert foreign_form.status_code == 403
        entered = await browser.post("/login", data=form, headers=ours)
        assert (entered.status_code, entered.headers["location"]) == (303, "/runs?status=failed")
        cookie = entered.headers["set-cookie"].lower()
        assert all(word in cookie for word in ("httponly", "samesite=lax", "path=/", "max-age=43200"))
        assert (await browser.get("/api/v1/me")).json()["caller"] == {
            "name": "the viewer",
            "role": "viewer",
            "kind": "person",
        }
        assert (await browser.get("/")).status_code == 200
        assert (await browser.post("/api/v1/runs", json={"flow": "waiting"})).status_code == 403
        assert (
            await browser.post("/logout", headers={**ours, "origin": "https://attacker.example"})
        ).status_code == 403
        assert (await browser.post("/logout", headers=ours)).status_code == 303
        assert (await browser.get("/api/v1/me")).status_code == 401


async def test_the_end_of_a_token_is_the_end_of_its_sessions(guarded):
    _, text = await guarded.app.store.access.add_token("leaver", Role.VIEWER)
    async with httpx.AsyncClient(base_url=guarded.url, verify=False) as browser:
        await browser.post("/login", data={"token": text}, headers={"origin": guarded.url, **FORM})
        assert (await browser.get("/api/v1/me")).status_code == 200
        await guarded.app.store.access.revoke("leaver")
        assert (await browser.get("/api/v1/me")).status_code == 401


@pytest.mark.parametrize(
    "wanted",
    [
        "//attacker.example",
        "https://attacker.example",
        "/\\attacker.example",
        "/login",
        "javascript:alert(1)",
        "/\t/x",
        "/a\r\nb",
    ],
)
async def test_signing_in_leads_nowhere_else(guarded, wanted):
    async with httpx.AsyncClient(base_url=guarded.url, verify=False) as browser:
        form = {"token": guarded.tokens[Role.VIEWER], "next": wanted}
        entered = await browser.post("/login", data=form, headers={"origin": guarded.url, **FORM})
        assert entered.headers["location"] == "/"


async def test_guessing_is_slowed_down(tmp_path):
    settings = make_project(tmp_path, {}, token="the server's own token")
    async with served(settings) as (_, http):
        wrong = {"authorization": "Bearer guess"}
        statuses = [(await http.get("/api/v1/me", headers=wrong)).status_code for _ in range(12)]
        assert (statuses[0], statuses[-1]) == (401, 429)
        form = await http.post("/login", data={"token": "guess"}, headers={"origin": str(http.base_url), **FORM})
        assert form.status_code in (403, 429)


async def test_one_who_guesses_locks_nobody_else_out(guarded):
    """Behind a proxy everybody comes from the same address."""
    for _ in range(12):
        last = await guarded("GET", "/api/v1/me", "guess")
    assert last.status_code == 429
    assert (await guarded("GET", "/api/v1/me", guarded.tokens[Role.VIEWER])).status_code == 200
    form = {"token": guarded.tokens[Role.VIEWER]}
    entered = await guarded.http.post("/login", data=form, headers={"origin": guarded.url, **FORM})
    assert entered.status_code == 303


async def test_another_server_token_ends_the_sessions_of_the_one_before(tmp_path):
    cookies = {}
    for token, expected in (("first", 200), ("first", 200), ("second", 401)):
        async with served(make_project(tmp_path, {}, token=token)) as (_, http):
            if not cookies:
                headers = {"origin": str(http.base_url), **FORM}
                entered = await http.post("/login", data={"token": token}, headers=headers)
                cookies = dict(entered.cookies)
            http.cookies.update(cookies)
            assert (await http.get("/api/v1/me")).status_code == expected


async def test_behind_https_the_cookie_is_for_this_host_and_https_only(tmp_path):
    settings = make_project(tmp_path, {}, token="t0ken", public_url="https://flows.example.com")
    ours = {"host": "flows.example.com", "origin": "https://flows.example.com", **FORM}
    async with served(settings) as (_, http):
        entered = await http.post("/login", data={"token": "t0ken"}, headers=ours)
        cookie = entered.headers["set-cookie"]
    assert cookie.startswith("__Host-flowengine=")
    assert "Secure" in cookie


async def test_serving_other_machines_needs_a_token(tmp_path):
    check_reach(Settings(host="127.0.0.1"))
    check_reach(Settings(host="0.0.0.0", token="x"))
    check_reach(Settings(host="0.0.0.0"), tokens=True)
    with pytest.raises(ConfigurationError, match="flowengine tokens add"):
        async with served(make_project(tmp_path, {}, host="0.0.0.0")):
            pass
