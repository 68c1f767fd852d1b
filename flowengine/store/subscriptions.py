"""Webhooks that the engine has registered at services."""

from __future__ import annotations

from flowengine.store.codec import from_text, moment, time_of, to_text
from flowengine.store.database import Reader
from flowengine.store.journal import Journal, Statement, Write
from flowengine.store.queries import insert_into
from flowengine.store.records import SubscriptionRecord

COLUMNS = (
    "flow, trigger_key, connector, operation, connection, callback_url, fingerprint, state, updated_at, external_id, location,"
    " secret_digest, error, failures"
)
PUT = Statement(
    insert_into("subscriptions", COLUMNS)
    + " ON CONFLICT (flow, trigger_key) DO UPDATE SET "
    + ", ".join(f"{name.strip()} = excluded.{name.strip()}" for name in COLUMNS.split(",")[2:])
)
DELETE = Statement("DELETE FROM subscriptions WHERE flow = ? AND trigger_key = ?")


class Subscriptions:
    """At most one for each trigger of a flow."""

    def __init__(self, reader: Reader, journal: Journal | None) -> None:
        self._reader = reader
        self._journal = journal

    async def list(self) -> list[SubscriptionRecord]:
        rows = await self._reader.rows(f"SELECT {COLUMNS} FROM subscriptions ORDER BY flow, trigger_key")  # noqa: S608
        return [
            SubscriptionRecord(
                flow=row[0],
                trigger_key=row[1],
                connector=row[2],
                operation=row[3],
                connection=row[4],
                callback_url=row[5],
                fingerprint=row[6],
                state=row[7],
                updated_at=time_of(row[8]),
                external_id=from_text(row[9]),
                location=row[10],
                secret_digest=row[11],
                error=row[12],
                failures=row[13],
            )
            for row in rows
        ]

    async def put(self, record: SubscriptionRecord) -> None:
        """Make or replace the record of this flow's trigger."""
        assert self._journal is not None
        row = (
            record.flow,
            record.trigger_key,
            record.connector,
            record.operation,
            record.connection,
            record.callback_url,
            record.fingerprint,
            record.state,
            moment(record.updated_at),
            to_text(record.external_id),
            record.location,
            record.secret_digest,
            record.error,
            record.failures,
        )
        await self._journal.commit(Write(PUT, row, record.flow))

    async def delete(self, flow: str, trigger_key: str) -> None:
        assert self._journal is not None
        await self._journal.commit(Write(DELETE, (flow, trigger_key), flow))
