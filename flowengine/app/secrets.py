"""The project's secrets, at hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flowengine.errors import NotFound
from flowengine.store import Store

SECRET_PREFIX: Final = "FLOWENGINE_SECRET_"  # noqa: S105 - a name, not a secret
"""A secret that is not in the store may come from this variable: `FLOWENGINE_SECRET_TEAM_HOOK` for `team_hook`."""


class Secrets:
    """The project's secrets, read once and kept in memory: verification on the hot path must not wait for the store."""

    def __init__(self, store: Store, environ: Mapping[str, str]) -> None:
        self._store = store
        self._environ = environ
        self._values: dict[str, str] = {}

    async def load(self) -> None:
        self._values = await self._store.secrets.all()

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
