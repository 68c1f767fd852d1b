"""Why a list is empty, why nothing runs, and what is wrong where nothing can be read."""

import pytest

SIGNED = """\
flow: Signed
trigger: { webhook: { verify: { hmac: { header: X-Signature, algorithm: sha256, secret: shop } } } }
actions: [{ log: hi }]
"""


def test_a_flow_that_was_switched_off_is_said_to_be_off(hello, flowengine):
    flowengine("flows", "disable", "hello")
    for group in ("runs", "events"):
        said = flowengine(group, "list", "-f", "hello")
        assert said.code == 0
        assert f"No {group}. hello is off" in said.err
        assert "flowengine flows enable hello" in said.err
        assert "Off: hello" in flowengine(group, "list").err


def test_beside_what_it_did_before(hello, flowengine):
    flowengine("run", "hello")
    flowengine("flows", "disable", "hello")
    for group in ("runs", "events"):
        said = flowengine(group, "list", "-f", "hello")
        assert "hello" in said.out
        assert "hello is off" in said.err
        assert "is off" not in flowengine(group, "list").err
        document = flowengine(group, "list", "-f", "hello", "--json")
        assert len(document.json[group]) == 1
        assert document.err == ""
    flowengine("flows", "enable", "hello")
    assert "is off" not in flowengine("runs", "list", "-f", "hello").err


def test_a_file_that_says_so_itself(flow, flowengine):
    flow("never", "flow: Never\nenabled: false\ntrigger: { manual: true }\nactions: [{ log: hi }]\n")
    assert "its file says enabled: false" in flowengine("runs", "list", "-f", "never").err


def test_a_flow_that_is_not_there(hello, flowengine):
    said = flowengine("runs", "list", "-f", "helo")
    assert (said.code, said.out) == (0, "")
    assert 'There is no flow "helo"; did you mean "hello"?' in said.err
    assert flowengine("runs", "list", "-f", "helo", "--json").json == {"v": 1, "runs": [], "next": None}


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("nowhere/deep/flowengine.db", "no folder"),
        ("flows/hello.yaml/flowengine.db", "hello.yaml is not a folder"),
        ("flows/hello.yaml", "is not a database"),
        ("flows", "cannot be opened"),
    ],
)
def test_a_database_that_cannot_be_there(hello, flowengine, monkeypatch, project, place, told):
    monkeypatch.setenv("FLOWENGINE_DATABASE_URL", f"sqlite:///{project / place}")
    for command in (["runs", "list"], ["events", "list"], ["runs", "list", "--json"], ["runs", "show", "@last"]):
        said = flowengine(*command)
        assert (said.code, said.out) == (3, ""), command
        assert told in said.err


def test_a_server_that_is_not_there(hello, flowengine, monkeypatch):
    pytest.importorskip("psycopg")
    monkeypatch.setenv("FLOWENGINE_DATABASE_URL", "postgresql+psycopg://somebody:hidden@127.0.0.1:1/none")
    said = flowengine("runs", "list")
    assert said.code == 3
    assert "hidden" not in said.err


def test_a_webhook_whose_secret_is_not_stored(flow, flowengine):
    flow("signed", SIGNED)
    said = flowengine("check")
    assert said.code == 0
    assert 'signed: the secret "shop" is not set' in said.err
    assert "flowengine secrets set shop" in said.err
    checks = flowengine("doctor", "--json").json["checks"]
    (told,) = [each for each in checks if each["part"] == "secrets"]
    assert (told["verdict"], told["remedy"]) == ("warn", "flowengine secrets set shop")

    flowengine("secrets", "set", "shop", stdin="s3cret-value")

    assert "shop" not in flowengine("check").err
    assert not [each for each in flowengine("doctor", "--json").json["checks"] if each["part"] == "secrets"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x03\x04\xff\0", "but a ZIP file, as .docx and .xlsx are"),
        (b"%PDF-1.7\xff\0", "but a PDF"),
        (bytes(range(256)), "this is not a text file"),
    ],
)
def test_a_connections_file_that_is_none(hello, flowengine, project, content, told):
    (project / "connections.yaml").write_bytes(content)
    for command in (["check"], ["connections", "list"], ["run", "hello"]):
        said = flowengine(*command)
        assert said.code in (1, 2)
        text = said.out + said.err
        assert told in text
        assert "connections.yaml is a text file, written in YAML" in text
        assert "a flow is" not in text
