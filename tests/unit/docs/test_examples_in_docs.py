"""What the documentation shows is true: its flows have no mistakes, and its commands are commands with these flags."""

import os
import re
import shlex
import textwrap
from pathlib import Path

import pytest
from typer.main import get_command

from flowengine.cli.root import GROUPS, load
from flowengine.connectors.connection import read_connections
from flowengine.findings import Severity
from flowengine.lint.linter import Project, check_flow
from flowengine.manifests.catalog import Catalog, shipped_connectors
from flowengine.spec.language import ACTIONS, TRIGGERS
from flowengine.spec.source import read_source

ROOT = Path(__file__).parents[3]
PAGES = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "connectors").glob("*/README.md")),
]
PROJECT = Project(Catalog([shipped_connectors()]))
OUT_OF_SIGHT = {"unknown-name", "unknown-field", "undeclared-variable", "maybe-missing", "respond-without-caller"}
"""Of a part of a flow it cannot be said what its templates see."""
TRIGGER_KEYS = {"use", "poll", "schedule", "webhook", "manual"}
GLOBAL = {"--help", "-h", "--version", "-V"}
MADE_BY_TABLE = "rules.md"
"""Its examples are run with the rules they belong to."""


def blocks(kinds):
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in re.finditer(r"^( *)```(\w*)\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
            if found[2] in kinds:
                line = text[: found.start()].count("\n") + 1
                yield pytest.param(
                    page, textwrap.dedent(found[3]), id=f"{page.relative_to(ROOT)}:{line}".replace(os.sep, "/")
                )


def commands():
    """Every `flowengine ...` of the pages: the lines of blocks that begin with it, and inline code."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for number, line in enumerate(text.split("\n"), 1):
            found = re.findall(r"`(flowengine [^`]+)`", line)
            if not found and (match := re.match(r"\s*(?:\$ )?(flowengine [^`|]+?)(?:\s{2,}.*|\s+#.*)?$", line)):
                found = [match[1]]
            for command in found:
                yield pytest.param(command, id=f"{page.relative_to(ROOT)}:{number}".replace(os.sep, "/"))


def serious(text, ignored=frozenset()):
    found = check_flow(text.encode(), "example.yaml", PROJECT)
    return [str(each) for each in found if each.severity is Severity.ERROR and each.rule not in ignored]


def whole(data, text):
    """The example as a whole flow; None for what is none of a flow."""
    indented = textwrap.indent(text, "    ")
    keys = set(data)
    if {"flow", "actions"} <= keys:
        return text
    if len(keys & set(TRIGGERS)) == 1 and not keys & (set(ACTIONS) - {"use"}):
        operation = PROJECT.operation(*str(data.get("use", ".")).split(".", 1))
        if "use" not in keys or (operation is not None and operation.kind == "trigger"):
            return f"flow: Example\ntrigger:\n{indented}\nactions: [{{ log: hi }}]\n"
    if len(keys & set(ACTIONS)) == 1:
        return f"flow: Example\ntrigger: {{ manual: true }}\nactions:\n  - name: Example\n{indented}\n"
    return None


@pytest.mark.parametrize(("page", "text"), list(blocks({"yaml", "yml"})))
def test_a_flow_that_is_shown_has_no_mistake(page, text):
    if page.name == MADE_BY_TABLE:
        return
    source, findings = read_source(text, "example.yaml")
    assert findings == []
    data = source.data
    if isinstance(data, dict) and all(isinstance(each, dict) and "connector" in each for each in data.values()):
        _, wrong = read_connections(text, os.environ, lambda name: "a value of " + name)
        assert [str(each) for each in wrong if each.severity is Severity.ERROR] == []  # variables may be missing here
    elif isinstance(data, dict) and (flow := whole(data, text)):
        assert serious(flow, set() if flow is text else OUT_OF_SIGHT) == []


def words_of(command):
    return shlex.split(command.replace("…", "..."), comments=True)[1:]


def without_globals(words):
    left = []
    pending = iter(words)
    for word in pending:
        if word in ("-C", "--server", "--project"):
            next(pending, None)
        else:
            left.append(word)
    return left


@pytest.mark.parametrize("command", list(commands()))
def test_a_command_that_is_shown_can_be_given(command):
    words = without_globals(words_of(command))
    if not words or words[0] in GLOBAL or words[0].isupper() or words[0] == "...":
        return
    assert words[0] in GROUPS
    found = get_command(load(words[0]))
    rest = words[1:]
    if inner := getattr(found, "commands", None):
        if not rest or rest[0].isupper() or rest[0] == "...":
            return
        names = re.split(r"[|/,]", rest[0].rstrip(","))
        assert set(names) <= set(inner)
        found, rest = inner[names[0]], rest[1:]
    flags = {flag for parameter in found.params for flag in (*parameter.opts, *parameter.secondary_opts)} | GLOBAL
    given = {word.split("=")[0].strip("[]") for word in rest if word.strip("[]").startswith("-") and len(word) > 1}
    assert given <= flags


def test_there_is_something_to_look_at():
    assert len(list(blocks({"yaml"}))) > 20
    assert len(list(commands())) > 50
