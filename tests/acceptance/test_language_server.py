"""The language server as an editor meets it: a process, with messages over its stdin and stdout."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FLOW = """\
flow: X
trigger: { use: livechat.WebhookTicketCreated }
actions:
  - use: livechat.ListAgents
    save_as: agents
  - log: "é𝄞 {{ trigger.ticket.subjekt }} {{ agents | length }}"
"""


class Editor:
    """Speaks the protocol, one message at a time."""

    def __init__(self, project: Path) -> None:
        command = [sys.executable, "-m", "flowengine", "-C", str(project), "lsp"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=project
        )
        self.asked = 0

    def tell(self, method: str, params: Any = None, **more: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def heard(self) -> Any:
        assert self.process.stdout is not None
        length = 0
        while (line := self.process.stdout.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return json.loads(self.process.stdout.read(length))

    def ask(self, method: str, params: Any = None) -> Any:
        self.asked += 1
        self.tell(method, params, id=self.asked)
        answer = self.heard()
        assert answer["id"] == self.asked, answer
        return answer["result"]

    def at(self, method: str, uri: str, line: int, character: int) -> Any:
        place = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
        return self.ask(f"textDocument/{method}", place)


@pytest.fixture
def editor(tmp_path):
    (tmp_path / "flows").mkdir()
    speaking = Editor(tmp_path)
    speaking.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    speaking.tell("initialized", {})
    yield speaking
    speaking.process.kill()
    speaking.process.communicate()


def test_an_editor_is_told_of_mistakes_and_helped(editor, tmp_path):
    uri = (tmp_path / "flows" / "x.yaml").as_uri()
    document = {"uri": uri, "languageId": "yaml", "version": 1, "text": FLOW}
    editor.tell("textDocument/didOpen", {"textDocument": document})
    (told,) = editor.heard()["params"]["diagnostics"]
    # Columns in UTF-16: the clef counts twice.
    assert told["range"]["start"] == {"line": 5, "character": 32}
    assert told["code"] == "unknown-field"
    assert "subject" in told["message"]
    offered = editor.at("completion", uri, 5, 33)["items"]
    place = next(one["textEdit"]["range"] for one in offered if one["label"] == "subject")
    assert (place["start"]["character"], place["end"]["character"]) == (32, 33)
    assert "Lists every agent" in editor.at("hover", uri, 3, 20)["contents"]["value"]
    assert editor.at("definition", uri, 5, 48)["range"]["start"] == {"line": 4, "character": 13}
    assert editor.at("definition", uri, 3, 22)["uri"].endswith("livechat/apiDefinition.swagger.json")
    assert editor.at("hover", uri, 0, 7) is None

    mended = [{"text": FLOW.replace("subjekt", "subject")}]
    editor.tell("textDocument/didChange", {"textDocument": {"uri": uri, "version": 2}, "contentChanges": mended})
    assert editor.heard()["params"]["diagnostics"] == []

    assert editor.ask("shutdown") is None
    editor.tell("exit")
    assert editor.process.wait(10) == 0
