"""The project's secrets, at hand, and the tokens that are kept among them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Final

import orjson

from flowengine.errors import NotFound
from flowengine.store import Store
from flowengine.types import JsonObject

SECRET_PREFIX: Final = "FLOWENGINE_SECRET_"  # noqa: S105 - a name, not a secret
"""A secret that is not in the store may come from this variable: `FLOWENGINE_SECRET_TEAM_HOOK` for `team_hook`."""


class Secrets:
    """The project's secrets, read once and kept in memory: verification on the hot path must not wait for the store."""

    def __init__(self, store: Store, environ: Mapping[str, str]) -> None:
        self._store = store
        self._environ = environ
        self._values: dict[str, str] = {}
        self._stamp: tuple[tuple[Any, ...], ...] = ()

    async def load(self) -> None:
        self._stamp = await self._store.secrets.stamp()
        self._values = await self._store.secrets.all()

    async def refresh(self) -> None:
        """Read them again when another process has changed one."""
        if await self._store.secrets.stamp() != self._stamp:
            await self.load()

    async def set(self, name: str, value: str) -> None:
        await self._store.secrets.set(name, value)
        self._values[name] = value

    async def delete(self, name: str) -> None:
        self._values.pop(name, None)
        if not await self._store.secrets.delete(name):
            raise NotFound(f'there is no secret "{name}"')

    def get(self, name: str) -> str | None:
        """The value in the store, else that of the variable."""
        variable = SECRET_PREFIX + name.upper().replace("-", "_")
        return self._values.get(name) or self._environ.get(variable)

    def turn(self, name: str) -> AbstractAsyncContextManager[None]:
        """As the store's."""
        return self._store.secrets.turn(name)

    def stored(self, name: str) -> str | None:
        """The value in the store."""
        return self._values.get(name)


def tokens_name(connection: str) -> str:
    """What a connection's tokens are called among the secrets; no person can give that name."""
    return f"connection:{connection}"


class KeptTokens:
    """The connections' tokens, encrypted among the secrets (the client's `TokenStore`)."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    async def load(self, connection: str, *, newest: bool = False) -> JsonObject | None:
        if newest:
            await self._secrets.refresh()
        return self.record(connection)

    async def save(self, connection: str, record: JsonObject) -> None:
        await self._secrets.set(tokens_name(connection), orjson.dumps(record).decode())

    def turn(self, connection: str) -> AbstractAsyncContextManager[None]:
        return self._secrets.turn(tokens_name(connection))

    def record(self, connection: str) -> JsonObject | None:
        """What is kept for a connection, at hand."""
        return read_record(self._secrets.stored(tokens_name(connection)))

    async def forget(self, connection: str) -> None:
        """Raises nothing when there is nothing."""
        with suppress(NotFound):
            await self._secrets.delete(tokens_name(connection))


def read_record(text: str | None) -> JsonObject | None:
    """A connection's record from the store."""
    return orjson.loads(text) if text else None
