import pytest

from flowengine.connectors.policy_expressions import Call, Context, accessors_of, evaluate, evaluate_json, parse

CONTEXT = Context(
    connection_parameter={"api_key": "k-1", "index": "docs", "env": "us", "token:region": ".eu"}.get,
    header={"Authorization": "abc", "TenantName": "acme"}.get,
    query_parameter={"host": "h.example.com"}.get,
    body={"team": {"id": 7}, "gifts": {"sum": 3}, "@odata.id": "x", "items": [{"a": 1}, {"a": 2}]},
    trigger_body={"data": [{"id": "n1"}]},
    method="PATCH",
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain text", "plain text"),
        ("@connectionParameters('api_key')", "k-1"),
        ("Bearer @connectionParameters('api_key')", "Bearer k-1"),
        ("@CONNECTIONPARAMETERS('api_key')", "k-1"),
        ("@connectionParameters('none', 'https://api.example.com')", "https://api.example.com"),
        ("@connectionParameters('none','')", ""),
        ("@connectionParameters('none')", None),
        ("a@connectionParameters('none')b", "ab"),
        (
            "https://@connectionParameters('index').svc.@connectionParameters('env').example.com",
            "https://docs.svc.us.example.com",
        ),
        ("https://api@connectionParameters('token:region')/", "https://api.eu/"),
        ("https://@headers('TenantName').example.com", "https://acme.example.com"),
        ("@headers()['Authorization']", "abc"),
        ("https://@queryParameters('host')/xcent", "https://h.example.com/xcent"),
        ("@body().team.id", 7),
        ("@body()['@odata.id']", "x"),
        ("@body().items[1].a", 2),
        ("@body().items[9].a", None),
        ("team @body().team", 'team {"id": 7}'),
        ("@{triggerBody().data[0].id}", "n1"),
        ("@Request.OriginalHTTPMethod", "PATCH"),
        ("@odata.nextLink", "@odata.nextLink"),
        ("someone@example.com", "someone@example.com"),
        ("@{body().team.id", "@{body().team.id"),
        ("@body(1)", "@body(1)"),
    ],
)
def test_expressions_stand_anywhere_in_a_text(text, value):
    assert evaluate(text, CONTEXT) == value


def test_a_text_for_json_takes_values_in():
    assert evaluate_json("[{@body().gifts}]", CONTEXT) == [{"sum": 3}]
    assert evaluate_json('[ { "k": {@body().team} } ]', CONTEXT) == [{"k": {"id": 7}}]
    assert evaluate_json("card", CONTEXT) == "card"
    assert evaluate_json("@body().team", CONTEXT) == {"id": 7}


def test_a_place_in_the_body():
    assert accessors_of("body()") == ()
    assert accessors_of("@body().gift['payments']") == ("gift", "payments")
    assert accessors_of("@item().x") == ("x",)
    assert accessors_of("@headers('x')") is None


def test_parts_are_read_once():
    assert parse("a @body().b c") == ("a ", Call("body", (), ("b",)), " c")
