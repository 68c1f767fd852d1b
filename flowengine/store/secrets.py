"""Secrets, encrypted with the engine's key."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from flowengine.store.codec import moment
from flowengine.store.database import Reader
from flowengine.store.journal import Journal, Statement, Write
from flowengine.store.seal import Seal
from flowengine.store.units import Row
from flowengine.types import Clock

PUT = Statement(
    "INSERT INTO secrets (name, value, changed_at) VALUES (?, ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at"
)
DELETE = Statement("DELETE FROM secrets WHERE name = ?")
EXCHANGE = Statement("UPDATE secrets SET value = ? WHERE name = ? AND value = ?")
OWN = ":"
"""In the names of what the engine itself keeps here, such as the tokens of connections; people's names never hold it."""
_KEY = "secrets"


class Secrets:
    """Values go in and come out here only; nothing else reads the table."""

    def __init__(self, reader: Reader, journal: Journal | None, seal: Seal, clock: Clock) -> None:
        self._reader = reader
        self._journal = journal
        self._seal = seal
        self._clock = clock

    async def get(self, name: str) -> str | None:
        rows = await self._reader.rows("SELECT value FROM secrets WHERE name = ?", [name])
        return self._seal.open(rows[0][0]) if rows else None

    async def all(self) -> dict[str, str]:
        """Every secret in clear, for filling connections: keep it out of sight."""
        rows = await self._reader.rows("SELECT name, value FROM secrets")
        return {name: self._seal.open(value) for name, value in rows}

    async def stamp(self) -> tuple[Row, ...]:
        """Another one whenever a secret was set, changed or removed, by whomever."""
        return tuple(await self._reader.rows("SELECT name, changed_at FROM secrets ORDER BY name"))

    async def set(self, name: str, value: str) -> None:
        assert self._journal is not None
        await self._journal.commit(Write(PUT, (name, self._seal.close(value), moment(self._clock.now())), _KEY))

    async def names(self) -> list[str]:
        """The names that people gave."""
        rows = await self._reader.rows("SELECT name FROM secrets ORDER BY name")
        return [name for (name,) in rows if OWN not in name]

    async def delete(self, name: str) -> bool:
        """Whether there was one."""
        assert self._journal is not None
        known = bool(await self._reader.rows("SELECT 1 FROM secrets WHERE name = ?", [name]))
        await self._journal.commit(Write(DELETE, (name,), _KEY))
        return known

    def turn(self, name: str) -> AbstractAsyncContextManager[None]:
        """Of all processes over this database one at a time is inside: for what must be asked once and kept here."""
        return self._reader.turn(name)

    async def rotate(self) -> int:
        """Put a new key in force and encrypt every secret with it; gives how many. Runs under way read on with the old one.

        A secret that is changed meanwhile keeps its newer value: only what was read is exchanged.
        """
        assert self._journal is not None
        self._seal.add_key()
        rows = await self._reader.rows("SELECT name, value FROM secrets")
        for name, value in rows:
            again = self._seal.close(self._seal.open(value))
            await self._journal.commit(Write(EXCHANGE, (again, name, value), _KEY))
        return len(rows)

    def derive(self, label: str) -> str:
        """43 url-safe characters that nobody without the key can make: addresses and webhook secrets need no storage."""
        return self._seal.derive(label)
