"""Tables as a terminal shows them."""

import pytest

from flowengine.cli import output


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(output, "on_terminal", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")


def test_lists_on_a_terminal(flowengine, hello, terminal):
    flowengine("run", "hello")
    assert "1 run" in flowengine("events", "list").out
    assert "hello" in flowengine("runs", "list").out
    assert "livechat" in flowengine("connectors", "list").out
