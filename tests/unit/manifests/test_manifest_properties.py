"""apiProperties: connection parameters, ways to sign in, policies."""

from flowengine.manifests.policies import read_policies
from flowengine.manifests.properties import read_properties


def parameter(type_="string", *, required="true", **constraints):
    return {
        "type": type_,
        "uiDefinition": {
            "displayName": "Shown",
            "tooltip": "A tip.",
            "constraints": {"required": required, **constraints},
        },
    }


def test_connection_parameters():
    read = read_properties(
        {
            "properties": {
                "connectionParameters": {
                    "host": parameter(allowedValues=[{"text": "EU", "value": "eu"}, "us"]),
                    "key": parameter("securestring"),
                    "note": {"type": "string", "defaultValue": "x"},
                    "gone": parameter(hidden="true"),
                },
                "capabilities": ["actions"],
                "scriptOperations": ["Twist"],
                "publisher": "Somebody",
            }
        }
    )
    host, key, note, gone = read.connection.parameters
    assert (host.title, host.description, host.required, host.allowed) == ("Shown", "A tip.", True, ("eu", "us"))
    assert (host.secret, key.secret) == (False, True)
    assert (note.title, note.required, note.default) == ("note", False, "x")
    assert gone.hidden
    assert read.connection.missing({"host"}) == ("key",)
    assert read.connection.missing({"host", "key"}) == ()
    assert read.connection.parameter("key") is key
    assert read.connection.parameter("other") is None
    assert (read.capabilities, read.scripted, read.publisher) == (("actions",), frozenset({"Twist"}), "Somebody")


def test_the_root_may_be_the_properties_themselves():
    assert read_properties({"connectionParameters": {"a": {}}}).connection.parameters[0].type == "string"
    assert read_properties(None).connection.parameters == ()


def test_sign_ins_keep_their_addresses_and_are_never_missing():
    settings = {
        "identityProvider": "Oauth2Generic",
        "clientId": "abc",
        "scopes": ["read"],
        "redirectUrl": "https://example.com/back",
        "customParameters": {"tokenUrl": {"value": "https://example.com/token"}, "plain": "x"},
        "properties": {"IsFirstParty": "False"},
    }
    read = read_properties(
        {"connectionParameters": {"token": {**parameter("oauthSetting"), "oAuthSettings": settings}}}
    )
    oauth = read.connection.parameters[0].oauth
    assert (oauth.provider, oauth.client_id, oauth.scopes) == ("oauth2generic", "abc", ("read",))
    assert oauth.custom == {"tokenUrl": "https://example.com/token", "plain": "x"}
    assert (oauth.redirect_url, oauth.properties) == ("https://example.com/back", {"IsFirstParty": "False"})
    assert read.connection.missing(()) == ()


def test_of_several_ways_to_sign_in_one_is_enough():
    values = [
        {
            "name": "key",
            "uiDefinition": {"displayName": "Key", "description": "By key."},
            "parameters": {"key": parameter("securestring")},
        },
        {"name": "user", "parameters": {"name": parameter(), "password": parameter("securestring")}},
    ]
    spec = read_properties({"connectionParameterSets": {"values": values}}).connection
    assert [(one.name, one.required) for one in spec.parameters] == [
        ("key", False),
        ("name", False),
        ("password", False),
    ]
    assert spec.missing({"key"}) == ()
    assert spec.missing({"name"}) in (("password",), ("key",))
    assert spec.missing({"name", "password"}) == ()
    assert spec.to_json()["sets"][0] == {"name": "key", "title": "Key", "description": "By key.", "parameters": ["key"]}


def test_policies_keep_their_order_and_lose_microsofts_prefix():
    first, second, third = read_policies(
        [
            {
                "templateId": "setHeader",
                "title": "Say who",
                "parameters": {
                    "x-ms-apimTemplateParameter.name": "X-Who",
                    "x-ms-apimTemplateParameter.value": "@connectionParameters('who')",
                    "x-ms-apimTemplate-policySection": "Request",
                    "x-ms-apimTemplate-operationName": ["A", "B"],
                },
            },
            {
                "templateId": "setproperty",
                "parameters": {"x-ms-apimTemplate-policySection": "Response", "x-ms-apimTemplate-operationName": []},
            },
            {"templateId": "dynamichosturl"},
            {"title": "nothing"},
            "nothing",
        ]
    )
    assert (first.template, first.title, first.response) == ("setheader", "Say who", False)
    assert first.parameters == {"name": "X-Who", "value": "@connectionParameters('who')"}
    assert first.applies_to("A")
    assert not first.applies_to("C")
    assert second.response
    assert second.applies_to("anything")
    assert (third.template, third.parameters) == ("dynamichosturl", {})
