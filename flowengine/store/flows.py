"""Flow versions, kept for the runs that began with them, and the operator's switches."""

from __future__ import annotations

from flowengine.errors import NotFound
from flowengine.store.codec import moment, time_of
from flowengine.store.database import Reader
from flowengine.store.journal import Journal, Statement, Write
from flowengine.store.records import FlowVersion
from flowengine.types import Clock

# The newest is the one in force: a version that comes back into force is newer than the one that it takes the place of.
SAVE = Statement(
    "INSERT INTO flow_versions (flow, version, content, saved_at) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (flow, version) DO UPDATE SET saved_at = excluded.saved_at WHERE EXISTS (SELECT 1 FROM flow_versions AS newer"
    " WHERE newer.flow = excluded.flow AND newer.saved_at > flow_versions.saved_at)"
)
SWITCH = Statement(
    "INSERT INTO flow_switches (flow, enabled) VALUES (?, ?) ON CONFLICT (flow) DO UPDATE SET enabled = excluded.enabled"
)


class Flows:
    """Keeps texts by flow and version; the same version always has the same text."""

    def __init__(self, reader: Reader, journal: Journal | None, clock: Clock) -> None:
        self._reader = reader
        self._journal = journal
        self._clock = clock

    async def save_version(self, flow_id: str, version: str, text: str) -> None:
        """Keep the version that comes into force now."""
        assert self._journal is not None
        await self._journal.commit(Write(SAVE, (flow_id, version, text, moment(self._clock.now())), flow_id))

    async def version_text(self, flow_id: str, version: str) -> str:
        """Raises `NotFound`."""
        sql = "SELECT content FROM flow_versions WHERE flow = ? AND version = ?"
        rows = await self._reader.rows(sql, [flow_id, version])
        if not rows:
            raise NotFound(f'flow "{flow_id}" has no version "{version}"')
        return str(rows[0][0])

    async def versions(self, flow_id: str) -> list[FlowVersion]:
        """The newest first."""
        sql = "SELECT flow, version, saved_at FROM flow_versions WHERE flow = ? ORDER BY saved_at DESC, version"
        rows = await self._reader.rows(sql, [flow_id])
        return [FlowVersion(flow=flow, version=version, saved_at=time_of(saved)) for flow, version, saved in rows]

    async def enabled(self) -> dict[str, bool]:
        """The flows that an operator switched on or off."""
        return {flow: bool(on) for flow, on in await self._reader.rows("SELECT flow, enabled FROM flow_switches")}

    async def set_enabled(self, flow_id: str, enabled: bool) -> None:
        assert self._journal is not None
        await self._journal.commit(Write(SWITCH, (flow_id, enabled), flow_id))
