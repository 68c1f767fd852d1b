"""Signing in with an organisation, at a provider on a real socket."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson
import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import RSAKey

from flowengine.config import Settings
from flowengine.server.access import Role
from flowengine.server.oidc import name_of, role_of
from tests.fakes.projects import make_project, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
OTHER = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})


class OpenIdProvider:
    """Answers as a provider does; `claims` and `key` are what its next token says and is signed with."""

    def __init__(self):
        self.url = ""
        self.claims = {}
        self.key, self.header = KEY, {"alg": "RS256", "kid": "one"}
        self.asked = {}

    async def __call__(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1]
        length = next((int(line.split(":")[1]) for line in head.lower().splitlines() if "content-length" in line), 0)
        body = (await reader.readexactly(length)).decode()
        found = orjson.dumps(self.answer(path, head, parse_qs(body)))
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
            % len(found)
            + found
        )
        await writer.drain()
        writer.close()

    def answer(self, path, head, form):
        if path.endswith("openid-configuration"):
            return {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
            }
        if path == "/keys":
            return {"keys": [KEY.as_dict(private=False)]}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"][0].encode()).digest())
        assert challenge.rstrip(b"=").decode() == self.asked["code_challenge"][0]
        assert "authorization: basic " in head.lower()
        return {"id_token": jwt.encode(self.header, self.claims, self.key, algorithms=[self.header["alg"]])}

    def token_for(self, **claims):
        import time

        now = int(time.time())
        self.claims = {
            "iss": self.url,
            "aud": "flowengine",
            "sub": "17",
            "email": "ann@example.com",
            "iat": now,
            "exp": now + 300,
            "nonce": self.asked["nonce"][0],
            "groups": ["support", "others"],
            **claims,
        }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def organisation(tmp_path_factory):
    provider = OpenIdProvider()
    server = await asyncio.start_server(provider, "127.0.0.1", 0)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    settings = make_project(
        tmp_path_factory.mktemp("project"),
        {},
        sign_in="always",
        oidc_issuer=provider.url,
        oidc_client_id="flowengine",
        oidc_client_secret="hidden",
        oidc_roles={"support": "operator", "guests": "viewer"},
    )
    async with served(settings) as (serving, _):
        yield provider, serving.url
    server.close()


@pytest_asyncio.fixture(loop_scope="module")
async def signing_in(organisation):
    """The provider, and a browser of its own for each test."""
    provider, url = organisation
    provider.key = KEY
    async with httpx.AsyncClient(base_url=url, verify=False) as http:
        yield provider, http


async def begun(provider, http):
    sent = await http.get("/login/oidc?next=/runs")
    place = urlsplit(sent.headers["location"])
    assert sent.headers["location"].startswith(f"{provider.url}/authorize?")
    provider.asked = parse_qs(place.query)
    return provider.asked["state"][0]


async def came_back(http, state, code="c0de"):
    return await http.get("/login/oidc/return", params={"state": state, "code": code})


async def test_a_person_of_the_organisation_comes_in_with_the_role_of_their_group(signing_in):
    provider, http = signing_in
    state = await begun(provider, http)
    provider.token_for()
    entered = await came_back(http, state)
    assert (entered.status_code, entered.headers["location"]) == (303, "/runs")
    me = (await http.get("/api/v1/me")).json()["caller"]
    assert me == {"name": "ann@example.com", "role": "operator", "kind": "person"}
    assert (await came_back(http, state)).status_code == 400


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"groups": ["others"]}, 403),
        ({"groups": None}, 403),
        ({"nonce": "another"}, 403),
        ({"aud": "somebody-else"}, 403),
        ({"aud": ["flowengine", "other"]}, 403),
        ({"iss": "https://login.example.com"}, 403),
        ({"exp": 1}, 403),
        ({"iat": 99_999_999_999}, 403),
        ({"exp": "soon"}, 403),
    ],
)
async def test_nobody_else_does(signing_in, claims, status):
    provider, http = signing_in
    state = await begun(provider, http)
    provider.token_for(**claims)
    assert (await came_back(http, state)).status_code == status
    assert (await http.get("/api/v1/me")).status_code == 401


async def test_a_token_that_the_provider_did_not_sign(signing_in):
    provider, http = signing_in
    state = await begun(provider, http)
    provider.token_for()
    provider.key = OTHER
    assert (await came_back(http, state)).status_code == 403


async def test_another_browser_cannot_finish_what_this_one_began(signing_in):
    provider, http = signing_in
    state = await begun(provider, http)
    provider.token_for()
    async with httpx.AsyncClient(base_url=http.base_url, verify=False) as other:
        assert (await came_back(other, state)).status_code == 400
    assert (await came_back(http, "guess")).status_code == 400


async def test_a_provider_that_is_not_there(tmp_path):
    settings = make_project(tmp_path, {}, oidc_issuer="http://127.0.0.1:1", oidc_client_id="flowengine")
    async with served(settings) as (_, http):
        answer = await http.get("/login/oidc")
        assert (answer.status_code, "could not be asked" in answer.text) == (502, True)


async def test_without_a_provider_there_is_nothing_to_sign_in_with(tmp_path):
    async with served(make_project(tmp_path, {})) as (_, http):
        assert (await http.get("/login/oidc")).status_code == 404
        assert (await http.get("/login/oidc/return")).status_code == 404


async def test_the_highest_role_counts():
    settings = Settings(oidc_roles={"*": "viewer", "ops": "admin", "team": "operator"})
    assert role_of({"groups": ["team", "ops"]}, settings) is Role.ADMIN
    assert role_of({"groups": "team"}, settings) is Role.OPERATOR
    assert role_of({}, settings) is Role.VIEWER
    assert role_of({}, Settings()) is None
    assert name_of({"sub": "1\u202e7"}) == "17"
