"""A server elsewhere in the place of this project's database: `--server URL`. What commands read, they read from its API.

The documents of the API become the store's records again, so that a command shows a run that is far away as it shows one here.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import orjson

from flowengine.cli.errors import WrongUsage
from flowengine.store.access import TokenRecord
from flowengine.store.audit import AuditRecord
from flowengine.store.records import ActionRecord, Attempt, EventRecord, FlowVersion, RunRecord, SubscriptionRecord
from flowengine.types import Disposition, JsonObject, Sent, Status, parse_path

if TYPE_CHECKING:
    from flowengine.cli.server_client import Server
    from flowengine.config import Settings

PAGE = 500
"""The most that the API gives at once."""
_passing: list[tempfile.TemporaryDirectory[str]] = []


@dataclass(frozen=True, slots=True)
class _Asking:
    """Asks the server off the event loop."""

    server: Server

    async def ask(self, path: str, **query: Any) -> JsonObject:
        given = {name: value for name, value in query.items() if value not in (None, [], False)}
        text = f"{path}?{urlencode(given, doseq=True)}" if given else path
        return await asyncio.to_thread(self.server.ask, "GET", text)

    async def pages(self, path: str, name: str, limit: int, before: str | None, **query: Any) -> list[JsonObject]:
        """So many of a list, newest first, over as many pages as that takes."""
        found: list[JsonObject] = []
        while len(found) < limit:
            page = await self.ask(path, limit=min(limit - len(found), PAGE), before=before, **query)
            found += page[name]
            before = page.get("next")
            if before is None:
                break
        return found


class RemoteRuns(_Asking):
    """`Store.runs`, for reading."""

    async def list(
        self,
        flow: str | None = None,
        statuses: Sequence[Status | str] = (),
        since: datetime | None = None,
        search: str | None = None,
        limit: int = 20,
        before: str | None = None,
        *,
        flow_version: str | None = None,
    ) -> list[RunRecord]:
        query = _fitting(flow, statuses, since, flow_version)
        return [run_of(one) for one in await self.pages("/runs", "runs", limit, before, **query, search=search)]

    async def found(
        self, words: str, *, limit: int = 20, before: str | None = None, everywhere: bool = False, **given: Any
    ) -> tuple[Sequence[RunRecord], int]:
        query = {**_fitting(**given), "search": words, "everywhere": "true" if everywhere else None}
        total = await self.ask("/runs", limit=1, **query)
        found = await self.pages("/runs", "runs", limit, before, **query)
        return [run_of(one) for one in found], int(total.get("total") or 0)

    async def find(self, reference: str) -> RunRecord:
        return run_of((await self.ask(f"/runs/{quote(reference, safe='@')}"))["run"])

    async def get(self, run_id: str) -> RunRecord:
        return await self.find(run_id)

    async def actions(self, run_id: str, *, reveal: bool = False) -> Sequence[ActionRecord]:
        run = (await self.ask(f"/runs/{quote(run_id, safe='')}"))["run"]
        return [action_of(run_id, number, one) for number, one in enumerate(run["actions"], 1)]


def _fitting(
    flow: str | None = None,
    statuses: Sequence[Status | str] = (),
    since: datetime | None = None,
    flow_version: str | None = None,
) -> dict[str, Any]:
    words = [str(one) for one in statuses]
    return {"flow": flow, "flow_version": flow_version, "status": words, "since": _moment(since)}


class RemoteEvents(_Asking):
    """`Store.events`, for reading."""

    async def list(
        self,
        flow: str | None = None,
        dispositions: Sequence[Disposition | str] = (),
        since: datetime | None = None,
        limit: int = 20,
        before: str | None = None,
    ) -> list[EventRecord]:
        query = {"flow": flow, "disposition": [str(one) for one in dispositions], "since": _moment(since)}
        return [event_of(one) for one in await self.pages("/events", "events", limit, before, **query)]

    async def get(self, reference: str) -> EventRecord:
        return event_of((await self.ask(f"/events/{quote(reference, safe='@')}"))["event"])

    async def run_ids(self, event_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        found = [await self.ask(f"/events/{quote(event_id, safe='')}") for event_id in event_ids]
        return {one["event"]["id"]: one["event"]["runs"] for one in found}


class RemoteFlows(_Asking):
    """`Store.flows`, for reading."""

    async def enabled(self) -> dict[str, bool]:
        return {flow["id"]: flow["enabled"] for flow in (await self.ask("/flows"))["flows"]}

    async def version_text(self, flow_id: str, version: str) -> str:
        found = await self.ask(f"/flows/{quote(flow_id, safe='')}/versions/{quote(version, safe='')}")
        return str(found["text"])

    async def versions(self, flow_id: str) -> list[FlowVersion]:
        found = (await self.ask(f"/flows/{quote(flow_id, safe='')}/versions"))["versions"]
        return [FlowVersion(flow=flow_id, version=one["version"], saved_at=_time(one["saved_at"])) for one in found]


class RemoteSubscriptions(_Asking):
    """`Store.subscriptions`: how they stand is in the server's flows."""

    async def list(self) -> list[SubscriptionRecord]:
        return []


class RemoteSecrets(_Asking):
    """`Store.secrets`: names only."""

    async def names(self) -> list[str]:
        return [one["name"] for one in (await self.ask("/secrets"))["secrets"]]

    async def all(self) -> dict[str, str]:
        raise WrongUsage("secrets never leave a server: what needs connections runs there, without --server")


class RemoteAccess(_Asking):
    """`Store.access`, for looking."""

    async def tokens(self) -> list[TokenRecord]:
        return [token_of(one) for one in (await self.ask("/tokens"))["tokens"]]


class RemoteAudit(_Asking):
    """`Store.audit`, for reading."""

    async def list(
        self,
        actor: str | None = None,
        action: str | None = None,
        since: datetime | None = None,
        limit: int = 20,
        before: str | None = None,
        target: str | None = None,
    ) -> list[AuditRecord]:
        query = {"actor": actor, "action": action, "target": target, "since": _moment(since)}
        found = await self.pages("/audit", "changes", limit, before, **query)
        return [AuditRecord(**{**one, "at": _time(one["at"])}) for one in found]


@dataclass(frozen=True)
class RemoteStore:
    """The faces of the store that commands read."""

    server: Server

    @cached_property
    def runs(self) -> RemoteRuns:
        return RemoteRuns(self.server)

    @cached_property
    def events(self) -> RemoteEvents:
        return RemoteEvents(self.server)

    @cached_property
    def flows(self) -> RemoteFlows:
        return RemoteFlows(self.server)

    @cached_property
    def subscriptions(self) -> RemoteSubscriptions:
        return RemoteSubscriptions(self.server)

    @cached_property
    def secrets(self) -> RemoteSecrets:
        return RemoteSecrets(self.server)

    @cached_property
    def access(self) -> RemoteAccess:
        return RemoteAccess(self.server)

    @cached_property
    def audit(self) -> RemoteAudit:
        return RemoteAudit(self.server)


def mirrored(here: Settings, server: Server) -> Settings:
    """The same settings over a passing copy of the server's flow files, for commands that read them."""
    folder = _passing_folder()
    flows = folder / "flows"
    flows.mkdir()
    for flow in server.ask("GET", "/flows").get("flows", []):
        source = server.ask("GET", f"/flows/{quote(flow['id'], safe='')}/source")["source"]
        (flows / Path(str(source["file"])).name).write_bytes(str(source["text"]).encode())
    return here.model_copy(update={"project": folder})


def mirrored_connectors(server: Server) -> Path:
    """A passing copy of the connectors that the server's project has of its own; the others ship with this program, too."""
    folder = _passing_folder()
    for connector in server.ask("GET", "/connectors")["connectors"]:
        if connector["source"] != "project":
            continue
        place = folder / Path(connector["name"]).name
        place.mkdir()
        files = server.ask("GET", f"/connectors/{quote(connector['name'], safe='')}/files")["files"]
        for name, text in files.items():
            (place / Path(name).name).write_bytes(text.encode())
    return folder


def _passing_folder() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="flowengine-")
    _passing.append(folder)
    return Path(folder.name)


def leave() -> None:
    """The command is over: copies of what a server has are not kept."""
    while _passing:
        _passing.pop().cleanup()


def run_of(document: JsonObject) -> RunRecord:
    """RUN as a record."""
    return RunRecord(
        id=document["id"],
        flow=document["flow"],
        flow_version=document["flow_version"],
        status=Status(document["status"]),
        event_id=(document["event"] or {}).get("id"),
        trigger_kind=document["trigger"]["kind"],
        trigger_name=document["trigger"]["name"],
        created_at=_time(document["created_at"]),
        trigger=(document["event"] or {}).get("body"),
        inputs=document["inputs"],
        started_at=_time_or_none(document["started_at"]),
        finished_at=_time_or_none(document["finished_at"]),
        due_at=_time_or_none(document["due_at"]),
        error=document["error"],
        output=document["output"],
        resubmitted_from=document["resubmitted_from"],
    )


def action_of(run_id: str, number: int, document: JsonObject) -> ActionRecord:
    """ACTION as a record."""
    return ActionRecord(
        run_id=run_id,
        path=parse_path(document["path"]),
        name=document["name"],
        kind=document["kind"],
        status=Status(document["status"]),
        started_at=_time(document["started_at"]),
        finished_at=_time_or_none(document["finished_at"]),
        attempts=tuple(
            Attempt(
                number=one["number"],
                started_at=_time(one["started_at"]),
                duration_ms=one["duration_ms"],
                status_code=one["status_code"],
                error=one["error"],
                request=Sent(**one["request"]) if one.get("request") else None,
            )
            for one in document["attempts"]
        ),
        inputs=document["inputs"],
        outputs=document["outputs"],
        error=document["error"],
        skipped_because=document["skipped_because"],
        number=number,
        due_at=_time_or_none(document["due_at"]),
    )


def event_of(document: JsonObject) -> EventRecord:
    """An event as a record; its body as JSON, which is how the API gives it."""
    body = document.get("body")
    return EventRecord(
        id=document["id"],
        flow=document["flow"],
        trigger_kind=document["trigger"]["kind"],
        trigger_name=document["trigger"]["name"],
        trigger_key=document["trigger"]["key"],
        received_at=_time(document["received_at"]),
        disposition=Disposition(document["disposition"]),
        reason=document["reason"],
        dedupe_key=document["dedupe_key"],
        body=b"" if body is None else body.encode() if isinstance(body, str) else orjson.dumps(body),
        headers=document.get("headers") or {},
        source=document["source"],
    )


def token_of(document: JsonObject) -> TokenRecord:
    """TOKEN as a record."""
    return TokenRecord(
        id=document["id"],
        name=document["name"],
        role=document["role"],
        created_at=_time(document["created_at"]),
        expires_at=_time_or_none(document["expires_at"]),
        last_used_at=_time_or_none(document["last_used_at"]),
        revoked_at=_time_or_none(document["revoked_at"]),
    )


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _time_or_none(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
