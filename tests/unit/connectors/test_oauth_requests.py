"""What is asked of authorization servers, and what their answers mean."""

import json
from datetime import timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from flowengine.connectors import oauth
from flowengine.connectors.oauth import Tokens
from flowengine.connectors.sign_in import sign_in_of
from flowengine.errors import Unauthorized
from tests.fakes.signing_in import NOW, account, made


def sign_in(provider="oauth2", given=None, **custom):
    found = sign_in_of(made(provider, **custom), given or account())
    assert found is not None
    return found


def query_of(url):
    return dict(parse_qsl(urlsplit(url).query))


URLS = {"authorizationUrl": "https://id.example.com/auth?x=1", "tokenUrl": "https://id.example.com/token"}


def test_the_address_to_sign_in_at_carries_pkce_and_state():
    url = oauth.authorization_url(
        sign_in(**URLS),
        redirect_url="http://127.0.0.1:1/cb",
        state="s",
        verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    )
    assert url.startswith("https://id.example.com/auth?x=1&")
    assert query_of(url) == {
        "x": "1",
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": "http://127.0.0.1:1/cb",
        "state": "s",
        "scope": "read write",
        # The example of RFC 7636, appendix B.
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    assert len(oauth.new_verifier()) >= 43


def test_codes_refreshes_and_client_credentials():
    way = sign_in(**URLS, refreshUrl="https://id.example.com/refresh")
    code = oauth.code_request(way, code="c/1", redirect_url="http://127.0.0.1:1/cb", verifier="v")
    refresh = oauth.refresh_request(way, "r")
    own = oauth.client_credentials_request(way)
    assert [request.url for request in (code, refresh, own)] == [
        URLS["tokenUrl"],
        "https://id.example.com/refresh",
        URLS["tokenUrl"],
    ]
    assert parse_qs(code.body.decode()) == {
        "grant_type": ["authorization_code"],
        "code": ["c/1"],
        "redirect_uri": ["http://127.0.0.1:1/cb"],
        "code_verifier": ["v"],
        "client_id": ["app"],
        "client_secret": ["canary-secret"],
    }
    assert parse_qs(refresh.body.decode())["refresh_token"] == ["r"]
    assert parse_qs(own.body.decode())["scope"] == ["read write"]


def test_entra_signs_in_for_a_resource():
    way = sign_in(
        "aad",
        account(tenantId="acme"),
        loginUri="https://login.example.com",
        tenantId="common",
        resourceUri="https://api.example.com",
    )
    url = oauth.authorization_url(way, redirect_url="http://127.0.0.1:1/cb", state="s", verifier="v")
    assert url.startswith("https://login.example.com/acme/oauth2/authorize?")
    assert query_of(url)["resource"] == "https://api.example.com"
    assert oauth.refresh_request(way, "r").url == "https://login.example.com/acme/oauth2/token"


def test_generic_templates_are_filled():
    way = sign_in(
        "oauth2generic",
        AuthorizationUrlTemplate="https://id.example.com/go",
        authorizationUrlQueryStringTemplate="?client={ClientId}&back={RedirectUrl}&scope={Scopes}&state={State}&keep={Other}",
        tokenUrlTemplate="https://id.example.com/t",
        tokenUrlQueryStringTemplate="?id={ClientId}",
        tokenBodyTemplate="code={Code}&secret={ClientSecret}",
        refreshUrlTemplate="https://id.example.com/r",
        refreshBodyTemplate="token={RefreshToken}",
        ScopeListDelimiter=",",
    )
    url = oauth.authorization_url(way, redirect_url="http://127.0.0.1:1/cb", state="a b", verifier="v")
    assert (
        url
        == "https://id.example.com/go?client=app&back=http%3A%2F%2F127.0.0.1%3A1%2Fcb&scope=read%2Cwrite&state=a%20b&keep={Other}"
    )
    code = oauth.code_request(way, code="c&1", redirect_url="x", verifier="v")
    assert (code.url, code.body) == ("https://id.example.com/t?id=app", b"code=c%261&secret=canary-secret")
    assert oauth.refresh_request(way, "r").body == b"token=r"


def test_a_way_without_addresses_says_so():
    with pytest.raises(Unauthorized, match="no token URL is known"):
        oauth.refresh_request(sign_in(), "r")


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        (b'{"access_token": "a", "refresh_token": "r", "expires_in": 60}', ("a", "r", NOW + timedelta(seconds=60))),
        (b'{"access_token": "a", "expires_in": "3600"}', ("a", "old", NOW + timedelta(hours=1))),
        (b'{"access_token": "a"}', ("a", "old", None)),
        (b"access_token=a&expires_in=60", ("a", "old", NOW + timedelta(seconds=60))),
    ],
)
def test_answers_of_token_endpoints(body, tokens):
    found = oauth.read_tokens(body, NOW, before="old")
    assert (found.access_token, found.refresh_token, found.expires_at) == tokens
    kept = Tokens.from_json(json.loads(json.dumps(found.to_json())))
    assert kept == found


@pytest.mark.parametrize("body", [b"", b"[]", b'{"error": "canary"}', b"\xff"])
def test_an_answer_without_a_token(body):
    with pytest.raises(Unauthorized, match="holds no access token") as caught:
        oauth.read_tokens(body, NOW)
    assert "canary" not in caught.value.message


def test_freshness_leaves_a_minute():
    assert Tokens("a").fresh(NOW)
    assert Tokens("a", None, NOW + timedelta(seconds=61)).fresh(NOW)
    assert not Tokens("a", None, NOW + timedelta(seconds=60)).fresh(NOW)
