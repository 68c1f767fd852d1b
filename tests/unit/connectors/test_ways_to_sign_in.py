"""What definitions and connections say about signing in, in all the ways that public definitions say it."""

import json
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from flowengine.connectors import oauth
from flowengine.connectors.connection import Connection
from flowengine.connectors.oauth import Tokens
from flowengine.connectors.sign_in import sign_in_of
from flowengine.connectors.tokens import standing
from flowengine.errors import Unauthorized
from tests.fakes.definitions import connector
from tests.fakes.signing_in import NOW, token

PATHS = {"/a": {"get": {"operationId": "Op"}}}

OF_MICROSOFT = "https://global.consent.azure-apim.net/redirect"


def made(parameters, **more):
    return connector("c", PATHS, connection=parameters, **more)


def way(parameters, given=None, authentication="", **more):
    account = Connection("acct", "c", {"client_id": "app", **(given or {})}, authentication=authentication)
    return sign_in_of(made(parameters, **more), account)


def query(sign_in):
    url = oauth.authorization_url(sign_in, redirect_url="http://127.0.0.1:1/callback", state="s", verifier="v")
    return dict(parse_qsl(urlsplit(url).query))


def test_parameters_of_the_connection_fill_the_templates():
    found = way(
        {
            "token": token(
                "oauth2generic",
                authorizationUrlTemplate="https://{customHost}/authorize",
                tokenUrlTemplate="https://{customHost}/token",
                tokenBodyTemplate="code={Code}&id={PartnerId}&secret={PartnerSecret}",
            ),
            "token:customHost": {"type": "string"},
            "token:PartnerId": {"type": "string"},
            "token:PartnerSecret": {"type": "securestring"},
        },
        {"token:customHost": "eu.example.com:8443", "token:PartnerId": "p/1", "PartnerSecret": "s&t"},
    )
    assert found.endpoint("authorization") == "https://eu.example.com:8443/authorize"
    request = oauth.code_request(found, code="c", redirect_url="r", verifier="v")
    assert (request.url, request.body) == ("https://eu.example.com:8443/token", b"code=c&id=p%2F1&secret=s%26t")


def test_a_parameter_that_an_address_needs_and_lacks_is_named():
    found = way({"token": token("oauth2generic", authorizationUrlTemplate="https://{region}.example.com/go")})
    with pytest.raises(Unauthorized, match='it lacks the parameter "region"'):
        found.endpoint("authorization")


def test_the_page_of_microsofts_gateway_is_replaced_by_ours():
    found = way(
        {
            "token": token(
                "oauth2generic",
                authorizationUrlTemplate="https://id.example.com/new",
                authorizationUrlQueryStringTemplate=f"/go?back={OF_MICROSOFT}&state={{State}}",
            )
        }
    )
    url = oauth.authorization_url(found, redirect_url="http://127.0.0.1:1/cb", state="s", verifier="v")
    assert url == "https://id.example.com/new/go?back=http%3A%2F%2F127.0.0.1%3A1%2Fcb&state=s"
    refreshed = way({"token": token(tokenUrl="https://id.example.com/token", refreshUrl=OF_MICROSOFT)})
    assert refreshed.endpoint("refresh") == "https://id.example.com/token"


@pytest.mark.parametrize("declared", ["<<Enter your client id>>", "[[CLIENT_ID]]", "dummy", "Please enter it", "{id}"])
def test_a_place_holder_is_no_application(declared):
    assert sign_in_of(made({"token": token(client_id=declared)}), Connection("a", "c")).client_id == ""
    assert way({"token": token(client_id=declared)}).client_id == "app"


def test_a_teams_own_definition_names_its_application():
    assert sign_in_of(made({"token": token(client_id="0a1b-2c3d")}), Connection("a", "c")).client_id == "0a1b-2c3d"
    declared = {"token": token(client_id="0a1b"), "token:clientId": {"type": "string"}}
    assert way(declared, {"token:clientId": "mine"}).client_id == "mine"


def test_entra_ignores_the_addresses_of_the_definition():
    scheme = {
        "o": {"type": "oauth2", "flow": "accessCode", "authorizationUrl": "https://wrong", "tokenUrl": "https://wrong"}
    }
    found = way(
        {"token": token("aad", resourceUri="https://api.example.com"), "token:TenantId": {"type": "string"}},
        {"token:TenantId": "acme", "token:resourceUri": "https://other.example.com"},
        security=scheme,
    )
    assert found.endpoint("token") == "https://login.microsoftonline.com/acme/oauth2/token"
    assert query(found)["resource"] == "https://other.example.com"


def test_well_known_providers_need_no_addresses():
    assert way({"token": token("facebook")}).endpoint("token") == "https://graph.facebook.com/oauth/access_token"
    assert way({"token": token("github")}).endpoint("authorization").startswith("https://github.com/login")


def test_the_definition_alone_is_enough():
    scheme = {
        "type": "oauth2",
        "flow": "accessCode",
        "authorizationUrl": "https://id.example.com/go",
        "tokenUrl": "https://id.example.com/token",
        "scopes": {"read": "", "write": ""},
    }
    found = way({}, security={"o": scheme})
    assert (found.scopes, found.endpoint("token"), found.by_itself) == (
        "read write",
        "https://id.example.com/token",
        False,
    )


def test_scopes_are_filled_and_can_be_overridden():
    declared = {"token": token(scopes=["{Scope}", "more"]), "token:Scope": {"type": "string"}}
    assert way(declared, {"token:Scope": "mine"}).scopes == "mine more"
    assert way(declared, {"scopes": "only"}).scopes == "only"


@pytest.mark.parametrize(
    ("parameters", "given", "by_itself"),
    [
        ({"token": token("aad")}, {}, False),
        ({"token": token("aad", grantType="code")}, {}, False),
        ({"token": token("aad", grantType="client_credentials")}, {}, True),
        ({"token": token("aad")}, {"token:grantType": "client_credentials"}, True),
        ({"token": token("aad"), "token:grantType": {"type": "string", "defaultValue": "clientCredentials"}}, {}, True),
        ({"token": token(tokenUrl="https://id.example.com/token")}, {}, True),
        ({"token": token(tokenUrl="https://x", authorizationUrl="https://y")}, {}, False),
    ],
)
def test_who_signs_in(parameters, given, by_itself):
    assert way(parameters, given).by_itself is by_itself


SETS = [
    {
        "name": "key",
        "parameters": {"api_key": {"type": "securestring", "uiDefinition": {"constraints": {"required": "true"}}}},
    },
    *(
        {
            "name": f"oauth-{region}",
            "parameters": {
                "token:host": {
                    "type": "string",
                    "uiDefinition": {
                        "constraints": {"required": "true", "allowedValues": [{"value": f"{region}.example.com"}]}
                    },
                },
                "token": token(tokenUrl=f"https://{region}.example.com/token", authorizationUrl="https://{host}/go"),
            },
        }
        for region in ("eu", "us")
    ),
]


@pytest.fixture
def several(tmp_path):
    from flowengine.manifests.definition import load_connector

    document = {
        "swagger": "2.0",
        "info": {"title": "c", "version": "1"},
        "host": "api.example.com",
        "paths": {"/a": {"get": {"operationId": "Op", "responses": {"200": {"description": "fine"}}}}},
        "securityDefinitions": {
            "key": {"type": "apiKey", "in": "header", "name": "api_key"},
            "o": {"type": "oauth2", "flow": "accessCode", "authorizationUrl": "https://a", "tokenUrl": "https://t"},
        },
        "security": [{"key": []}, {"o": []}],
    }
    (tmp_path / "apiDefinition.swagger.json").write_text(json.dumps(document))
    (tmp_path / "apiProperties.json").write_text(
        json.dumps({"properties": {"connectionParameterSets": {"values": SETS}}})
    )
    return load_connector(tmp_path)


def test_a_way_is_chosen_by_name_or_by_what_is_given(several):
    assert sign_in_of(several, Connection("a", "c", {"api_key": "k"})) is None
    by_value = sign_in_of(several, Connection("a", "c", {"token:host": "us.example.com"}))
    assert by_value.endpoint("token") == "https://us.example.com/token"
    by_name = sign_in_of(several, Connection("a", "c", {}, authentication="oauth-us"))
    # The only choice that the definition leaves needs no saying.
    assert by_name.endpoint("authorization") == "https://us.example.com/go"


def test_how_connections_stand(several):
    key = Connection("a", "c", {"api_key": "k"})
    assert standing(several, key, None, NOW).state == "ready"
    assert (
        standing(several, Connection("a", "c", {}, authentication="oauth-eu"), None, NOW).why == "it lacks token:host"
    )
    person = Connection("a", "c", {"token:host": "eu.example.com"}, authentication="oauth-eu")
    assert standing(several, person, None, NOW).why == "nobody has signed in yet"
    record = Tokens("t", None, NOW + timedelta(hours=1)).to_json()
    assert standing(several, person, record, NOW).until == NOW + timedelta(hours=1)
    assert standing(several, person, record, NOW + timedelta(hours=2)).why == "its token has expired"
    renewable = Tokens("t", "r", NOW).to_json()
    assert standing(several, person, renewable, NOW).state == "ready"


def test_what_a_connection_lacks_is_told():
    parameters = {"api_key": {"type": "securestring", "uiDefinition": {"constraints": {"required": "true"}}}}
    assert standing(made(parameters), Connection("a", "c"), None, NOW).why == "it lacks api_key"
    for given in ({"API_KEY": "k"}, {"header X-Key": "k"}):
        assert standing(made(parameters), Connection("a", "c", given), None, NOW).state == "ready"
    application = made({"token": token(tokenUrl="https://id.example.com/token")})
    assert standing(application, Connection("a", "c"), None, NOW).state == "incomplete"


def account(server, **given):
    given = {"client_id": "app", "client_secret": server.client_secret, **given}
    return Connection("acct", "c", given, base_url=server.url, allow_private_network=True)
