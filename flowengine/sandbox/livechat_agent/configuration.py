"""The Configuration API's methods for webhooks."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from flowengine.sandbox.livechat_agent.asked import Asked
from flowengine.sandbox.livechat_agent.errors import refused
from flowengine.sandbox.livechat_agent.hooks import ADDITIONAL, FILTERS
from flowengine.sandbox.livechat_agent.tokens import CLIENT_ID
from flowengine.types import Json

LONGEST_URL: Final = 500
_FIELDS: Final = ("action", "secret_key", "url", "type", "filters", "additional_data", "description")


def register_webhook(asked: Asked) -> Json:
    given = asked.given
    url = given["url"]
    if len(url) > LONGEST_URL or urlsplit(url).scheme not in ("http", "https"):
        raise refused("validation", f"`url` must be an http or https address of at most {LONGEST_URL} characters")
    for name in given.get("filters") or {}:
        if name not in FILTERS:
            raise refused("validation", f"`filters.{name}` is not known")
    if not set(given.get("additional_data") or ()) <= set(ADDITIONAL):
        raise refused("validation", f"`additional_data` may hold {', '.join(ADDITIONAL)}")
    kept = {key: given[key] for key in _FIELDS if given.get(key) is not None}
    return {"id": asked.licence.hooks.register(kept | {"owner_client_id": _client(asked)})}


def unregister_webhook(asked: Asked) -> Json:
    asked.licence.hooks.remove(asked.given["id"], _client(asked))
    return {}


def list_webhooks(asked: Asked) -> Json:
    return asked.licence.hooks.of(_client(asked))


def _client(asked: Asked) -> str:
    """The app whose webhooks these are; a token of an app says it by itself."""
    return str(asked.given.get("owner_client_id") or CLIENT_ID)
