"""Each file of tests/runs/over-http holds flows, a service with a script, what happens, and what must come of that.

The whole program is in it: the project folder, the check, the embedded engine with its store, and HTTP on real sockets.

`service` maps `GET /path` to an answer `{status, headers, body, after, drop}` or a list of them, the last of which stays.
`during` is done one after another while the run goes on: `{answer: PATH, with: {...}}` for an `ask`, `{callback: PATH, with: ...}`,
`{cancel: true}`, each as soon as the action at `PATH` (or `at:`) is under way, and `{restart: true}`.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from flowengine.app import App, NotStarted
from flowengine.config import Settings
from flowengine.store.documents import run_document
from flowengine.types import parse_path
from tests.fakes.raw_service import raw_service

FOLDER = Path(__file__).parents[1] / "runs" / "over-http"
HERE = "http://service"


class Scripted:
    """The service: answers by route, and remembers what it was asked."""

    def __init__(self, routes: dict[str, Any]) -> None:
        self.routes = {route: answers if isinstance(answers, list) else [answers] for route, answers in routes.items()}
        self.asked: Counter[str] = Counter()
        self.calls: list[dict[str, Any]] = []

    async def play(self, request, writer) -> None:
        route = f"{request.method} {request.target}"
        self.calls.append({"route": route, "headers": request.headers, "body": _read(request.body)})
        answers = self.routes.get(route, [{"status": 404, "body": {"message": f"no {route}"}}])
        answer = answers[min(self.asked[route], len(answers) - 1)]
        self.asked[route] += 1
        await asyncio.sleep(answer.get("after", 0))
        if answer.get("drop"):
            writer.close()
            return
        body = json.dumps(answer["body"]).encode() if "body" in answer else answer.get("raw", "").encode()
        headers = {"Content-Type": "application/json", "Content-Length": len(body), **answer.get("headers", {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {answer.get('status', 200)} X\r\n{head}\r\n".encode() + body)


def _read(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode()


CASES = sorted(FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
async def test_a_run_does_what_the_language_says(file: Path, tmp_path: Path) -> None:
    case = yaml.safe_load(file.read_text(encoding="utf-8"))
    service = Scripted(case.get("service", {}))
    async with raw_service(service.play) as server:
        make(tmp_path, case, server.url)
        settings = Settings(project=tmp_path, allow_private_network=True, public_url="http://flows.example.com")
        run, actions = await carry_out(settings, case)
        compare(run, actions, service, case["expect"], server.url)


def make(folder: Path, case: dict[str, Any], url: str) -> None:
    (folder / "flows").mkdir()
    flows = case.get("flows") or {"tested": case["flow"]}
    for name, text in flows.items():
        (folder / "flows" / f"{name}.yaml").write_text(text.replace(HERE, url), encoding="utf-8")


@asynccontextmanager
async def project(settings: Settings):
    async with App.open(settings) as app:
        yield app


async def carry_out(settings: Settings, case: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    steps = list(case.get("during", []))
    run_id = None
    while True:
        async with project(settings) as app:
            if run_id is None:
                try:
                    run = await app.submit_run("tested", event=case.get("event"), inputs=case.get("inputs"))
                except NotStarted as refused:
                    reason = refused.event.reason
                    return {"status": None, "disposition": str(refused.event.disposition), "reason": reason}, []
                run_id = run.id
            while steps and "restart" not in steps[0]:
                await step(app, run_id, steps.pop(0))
            if not steps:
                run = await app.engine.wait(run_id, 15)
                actions = await app.store.runs.actions(run_id)
                response = await app.response(run_id, 0) if "response" in case["expect"] else None
                told = run_document(run, actions=actions)
                told["response"] = response and {
                    "status": response.status,
                    "headers": response.headers,
                    "body": response.body,
                }
                return told, told["actions"]
            await under_way(app, run_id, steps.pop(0)["restart"])


async def under_way(app: App, run_id: str, path: str) -> None:
    """Until the action has begun, as the history shows it."""
    async with asyncio.timeout(8):
        while True:
            shown = {run["path"]: run["status"] for run in await _actions(app, run_id)}
            if shown.get(path) in ("running", "waiting"):
                return
            await asyncio.sleep(0.02)


async def _actions(app: App, run_id: str) -> list[dict[str, Any]]:
    run = await app.store.runs.get(run_id)
    return run_document(run, actions=await app.store.runs.actions(run_id))["actions"]


async def step(app: App, run_id: str, told: dict[str, Any]) -> None:
    path = told.get("answer") or told.get("callback") or told["at"]
    await under_way(app, run_id, path)
    if "cancel" in told:
        await app.engine.cancel(run_id, "enough")
    else:
        await app.engine.answer(run_id, parse_path(path), told["with"])


def compare(run: dict[str, Any], actions: list[Any], service: Scripted, expect: dict[str, Any], url: str) -> None:
    shown = json.loads(json.dumps([run, actions, service.calls], default=str).replace(url, HERE))
    run, actions, calls = shown
    assert run["status"] == expect.get("status"), json.dumps(run, indent=1)[:2500]
    by_path = {action["path"]: action for action in actions}
    if "calls" in expect:
        assert [call["route"] for call in calls] == [_route(call) for call in expect["calls"]], json.dumps(
            actions, indent=1
        )[:3000]
        for call, wanted in zip(calls, expect["calls"], strict=True):
            if isinstance(wanted, dict):
                assert call["body"] == wanted["body"]
    if "actions" in expect:
        assert {path: action["status"] for path, action in by_path.items()} == expect["actions"]
    for path, words in expect.get("skipped", {}).items():
        assert words in by_path[path]["skipped_because"]
    for path, fields in expect.get("shows", {}).items():
        for name, value in fields.items():
            _same(by_path[path][name], value, f"{path}: {name}")
    for name in ("output", "error", "response", "disposition", "reason"):
        if name in expect:
            _same(run[name], expect[name], name)


def _route(call: Any) -> str:
    return call if isinstance(call, str) else call["call"]


def _same(found: Any, wanted: Any, where: str) -> None:
    """Objects need to have what is wanted; texts that begin with `~` need only be within; lists and the rest are the same."""
    if isinstance(wanted, dict) and wanted:
        assert isinstance(found, dict), f"{where}: {found!r}"
        for name, value in wanted.items():
            assert name in found, f"{where}: {found!r}"
            _same(found[name], value, f"{where}.{name}")
    elif isinstance(wanted, list):
        assert isinstance(found, list), f"{where}: {found!r}"
        assert len(found) == len(wanted), f"{where}: {found!r}"
        for index, value in enumerate(wanted):
            _same(found[index], value, f"{where}[{index}]")
    elif isinstance(wanted, str) and wanted.startswith("~"):
        assert wanted[1:] in str(found), f"{where}: {found!r}"
    else:
        assert found == wanted, f"{where}: {found!r}"
