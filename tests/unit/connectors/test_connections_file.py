import pytest

from flowengine.connectors.connection import Connection, read_connections
from flowengine.connectors.spelled import secret_values
from flowengine.errors import Unauthorized
from flowengine.findings import Severity

ENVIRON = {"LOGIN": "a@example.com", "DESK_URL": "http://127.0.0.1:9101/"}
SECRETS = {"desk_key": "canary-key"}


def read(text):
    return read_connections(text, ENVIRON, SECRETS.get)


def problems(text):
    return [(f.span.line, f.span.column, f.rule, str(f)) for f in read(text)[1]]


DESK = """\
desk:
  connector: livechat
  parameters: { username: "{{ env.LOGIN }}", apikey: "{{ secrets.desk_key }}", port: 8 }
  base_url: "{{ env.DESK_URL }}"
  limits: { calls: 100, period: 60 seconds }
  allow_private_network: true
"""


def test_a_connection_as_people_write_it():
    connections, findings = read(DESK)
    desk = connections["desk"]
    assert findings == []
    assert (desk.name, desk.connector, desk.base_url) == ("desk", "livechat", "http://127.0.0.1:9101")
    assert (desk.limits, desk.allow_private_network) == (((100, 60.0),), True)
    assert [desk.parameter(name) for name in ("username", "APIKEY", "port", "other")] == [
        "a@example.com",
        "canary-key",
        "8",
        None,
    ]
    assert desk.secret_names == {"apikey"}
    assert secret_values(desk, desk.secret_names) == ("canary-key",)


def test_values_are_in_no_representation():
    connections, _ = read(DESK)
    assert "canary" not in f"{connections!r} {connections['desk'].parameters!r} {connections}"


def test_secrets_are_read_when_they_are_used():
    rotating = {"k": "old-value"}
    connections, _ = read_connections('a:\n  connector: c\n  parameters: {key: "{{ secrets.k }}"}', {}, rotating.get)
    rotating["k"] = "new-value"
    assert connections["a"].parameter("key") == "new-value"
    rotating.clear()
    with pytest.raises(
        Unauthorized, match='"a" cannot be used: there is no secret "k"; set it: flowengine secrets set k'
    ):
        connections["a"].parameter("key")


def test_nothing_is_no_connection():
    assert read("") == ({}, [])
    assert read("# nothing yet\n") == ({}, [])


@pytest.mark.parametrize(
    ("text", "line", "column", "rule", "told"),
    [
        ("- a\n", 1, 1, "wrong-type", "connections by name"),
        ("a: text\n", 1, 4, "wrong-type", "must be an object"),
        ("a:\n  parameters: {}\n", 1, 1, "missing-key", "does not say which connector"),
        ("a:\n  connector: c\n  paramters: {}\n", 3, 3, "unknown-key", 'did you mean "parameters"?'),
        ("a:\n  connector: c\n  parameters: [1]\n", 3, 15, "wrong-type", "must be an object"),
        ("a:\n  connector: c\n  parameters: {x: [1]}\n", 3, 19, "wrong-type", "must be text"),
        ("a:\n  connector: c\n  base_url: example.com\n", 3, 13, "connection-address", "http://"),
        ("a:\n  connector: c\n  limits: {calls: 5}\n", 3, 11, "connection-limits", "calls and period"),
        ("a:\n  connector: c\n  limits: {calls: 0, period: 5}\n", 3, 19, "wrong-type", "above 0"),
        ("a:\n  connector: c\n  limits: {calls: 5, period: soon}\n", 3, 30, "connection-limits", "calls: 100"),
        ("a:\n  connector: c\n  allow_private_network: maybe\n", 3, 26, "wrong-type", "true or false"),
        (
            'a:\n  connector: c\n  parameters: {x: "{{ vars.y }}"}\n',
            3,
            19,
            "connection-template",
            "environment variables and secrets only",
        ),
        ('a:\n  connector: c\n  parameters: {x: "{{ env.A | upper }}"}\n', 3, 19, "connection-template", "env.NAME"),
        ("'a b':\n  connector: c\n", 1, 1, "connection-name", "letters"),
    ],
)
def test_mistakes_and_their_places(text, line, column, rule, told):
    found = problems(text)
    assert [entry[:3] for entry in found] == [(line, column, rule)]
    assert told in found[0][3]
    assert read(text)[0] == {}


def test_a_secret_in_clear_is_a_warning_at_its_line_that_does_not_repeat_it():
    connections, findings = read("desk:\n  connector: livechat\n  parameters:\n    username: me\n    apikey: canary\n")
    (finding,) = findings
    assert (finding.span.line, finding.rule, finding.severity) == (5, "secret-in-clear", Severity.WARNING)
    assert "flowengine secrets set desk_apikey" in finding.hint
    assert "canary" not in str(finding)
    assert connections["desk"].parameter("apikey") == "canary"


def test_a_connectors_own_secret_parameters_decide_when_they_are_known():
    text = "a:\n  connector: c\n  parameters: {code: canary, token_name: shown}\n"
    _, findings = read_connections(
        text, {}, SECRETS.get, lambda connector: frozenset({"code"}) if connector == "c" else frozenset()
    )
    assert [finding.message for finding in findings] == ['"code" is a secret and stands here in clear']


def test_what_is_not_set_is_a_warning():
    found = problems('a:\n  connector: c\n  base_url: "{{ env.NONE }}"\n  parameters: {x: "{{ secrets.gone }}"}\n')
    assert [(entry[0], entry[2]) for entry in sorted(found)] == [(3, "missing-value"), (4, "missing-value")]


def test_several_limits():
    connections, _ = read("a:\n  connector: c\n  limits: [{calls: 5, period: 1}, {calls: 100, period: 1 minute}]\n")
    assert connections["a"].limits == ((5, 1.0), (100, 60.0))


def test_a_path_is_read_and_a_missing_one_is_told(tmp_path):
    path = tmp_path / "connections.yaml"
    path.write_text(DESK)
    assert list(read_connections(path, ENVIRON, SECRETS.get)[0]) == ["desk"]
    connections, (finding,) = read_connections(tmp_path / "none.yaml", ENVIRON, SECRETS.get)
    assert (connections, finding.rule) == ({}, "not-readable")


def test_parameters_of_a_sign_in_may_have_its_prefix():
    account = Connection("a", "c", {"customHost": "h", "flag": True, "none": None})
    assert [account.parameter(name) for name in ("token:customHost", "flag", "none")] == ["h", "true", None]
