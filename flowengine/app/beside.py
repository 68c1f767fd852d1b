"""What a worker and the web processes beside it have to agree on."""

from __future__ import annotations

from typing import Final

from flowengine.config import Settings
from flowengine.errors import ConfigurationError
from flowengine.store import Store
from flowengine.types import Duty

WEB: Final = "web"
"""Under this name a web process leaves its address, for the links that the worker puts into mails and history."""
_KEY: Final = "key"


async def agree_on_key(store: Store, settings: Settings, duty: Duty) -> None:
    """A web process with another key than the engine's would give out other webhook addresses. Raises `ConfigurationError`."""
    if not store.reader.postgresql:
        return
    mine, known = store.secrets.derive("which key this is")[:16], await store.noted(_KEY)
    if duty == "web" and known and known != mine:
        raise ConfigurationError(
            f"the key in {settings.key} is not the one of this database's engine: copy the engine's key file there, or name it"
            " with FLOWENGINE_KEY_FILE"
        )
    if known != mine:
        await store.note(_KEY, mine)
