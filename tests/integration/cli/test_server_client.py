"""Asking a running engine: its answers become documents or the errors they stand for."""

import json
from http.server import BaseHTTPRequestHandler
from types import SimpleNamespace

import pytest

from flowengine.cli import server_client
from flowengine.cli.errors import NotReady
from flowengine.cli.server_client import Server, running
from flowengine.errors import Conflict, FlowEngineError, NotFound
from tests.fakes.beside import answered_by


@pytest.fixture
def engine():
    """An API that answers what the path says: `/404/no such run`."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            seen.append((self.path, dict(self.headers), body))
            _, _, _, status, kind = self.path.split("/", 4)
            answer = {
                "object": {"error": {"message": "told"}},
                "text": {"error": "told"},
                "fine": {"v": 1, "run": {"id": "1"}},
            }.get(kind)
            content = json.dumps(answer).encode() if answer else b"<html>"
            self.send_response(int(status))
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST  # noqa: N815 - the name that the library calls

    with answered_by(Handler) as url:
        yield Server(url, 42, "tok"), seen


def test_a_document_comes_back_and_the_token_goes_along(engine):
    server, seen = engine
    assert server.ask("POST", "/200/fine", {"a": 1}) == {"v": 1, "run": {"id": "1"}}
    path, headers, body = seen[0]
    assert (path, headers["Authorization"], json.loads(body)) == ("/api/v1/200/fine", "Bearer tok", {"a": 1})


@pytest.mark.parametrize(
    ("path", "error", "told"),
    [
        ("/404/object", NotFound, "told"),
        ("/409/text", Conflict, "told"),
        ("/401/object", NotReady, "FLOWENGINE_TOKEN"),
        ("/500/other", FlowEngineError, "the engine answered 500"),
    ],
)
def test_a_refusal_becomes_the_error_it_stands_for(engine, path, error, told):
    with pytest.raises(error, match=told):
        engine[0].ask("GET", path)


def test_an_answer_that_is_no_document_is_an_empty_one(engine):
    assert engine[0].ask("GET", "/200/other") == {}


def test_an_engine_that_does_not_answer():
    with pytest.raises(NotReady, match=r"process 7\) does not answer"):
        Server("http://127.0.0.1:9", 7).ask("GET", "/runs")


def test_the_token_is_never_shown():
    assert "hush" not in repr(Server("http://127.0.0.1:1", 1, "hush"))


@pytest.mark.parametrize(("held", "found"), [(None, None), ({"pid": 3, "url": None}, None)])
def test_no_engine_to_ask(monkeypatch, tmp_path, held, found):
    monkeypatch.setattr("flowengine.store.lock.holder", lambda url: held)
    assert running(SimpleNamespace(database=f"sqlite:///{tmp_path}/x.db", token="", server="")) is found


def test_the_engine_that_holds_the_database(monkeypatch):
    monkeypatch.setattr("flowengine.store.lock.holder", lambda url: {"pid": 3, "url": "http://127.0.0.1:1"})
    assert server_client.running(SimpleNamespace(database="x", token="t", server="")) == Server(
        "http://127.0.0.1:1", 3, "t"
    )
