"""The command line in this process, as fixtures: the same entry as the real one, without the 0.3 seconds of a new interpreter."""

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from flowengine.cli import output
from flowengine.cli.root import answer


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def project(tmp_path):
    """An empty project folder."""
    (tmp_path / "flows").mkdir()
    return tmp_path


@pytest.fixture
def flowengine(project, capsys, monkeypatch):
    """Call the command line in the project: `flowengine("runs", "list")`."""
    monkeypatch.delenv("FLOWENGINE_DEBUG", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(project / ".cache"))
    monkeypatch.chdir(project)

    def call(*arguments, stdin=None):
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        code = answer([str(each) for each in arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Said(code, said.out, said.err)

    return call


@pytest.fixture
def flow(project):
    """Write a flow file: `flow("hello", text)`."""

    def write(name: str, text: str) -> Path:
        path = project / "flows" / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def elsewhere(tmp_path, monkeypatch, capsys):
    """Call the command line in an empty folder, about a server; gives the exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLOWENGINE_SERVER", "")

    def call(url, token, *arguments, stdin=""):
        monkeypatch.setenv("FLOWENGINE_TOKEN", token)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        code = answer([*arguments, "--server", url])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return int(code), said.out, said.err

    return call


@pytest.fixture
def narrow_terminal(monkeypatch):
    """What is printed goes to a terminal of 80 columns without colours."""
    monkeypatch.setattr(output, "on_terminal", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")


HELLO = """\
flow: Hello
trigger: { manual: true }
inputs:
  name: { type: text, default: world }
actions:
  - name: Greet
    log: "Hello, {{ inputs.name }}!"
output: { greeting: "Hello, {{ inputs.name }}!" }
"""


@pytest.fixture
def hello(flow):
    return flow("hello", HELLO)
