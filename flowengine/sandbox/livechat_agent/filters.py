"""Filters of chats and archives: `exists`, `values`, `exclude_values`, `require_every_value`, one of the first three a time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

from flowengine.sandbox.livechat_agent.errors import refused
from flowengine.sandbox.livechat_agent.licence import Chat, Licence
from flowengine.types import Json, JsonObject

UNKNOWN_HERE: Final = ("sales", "goals", "greetings", "agent_response")
"""Things that this stand-in's chats never have; filters on them are obeyed, with nothing there."""


def chat_passes(filters: JsonObject, chat: Chat) -> bool:
    """Whether `list_chats` shows the chat."""
    active = filters.get("active")
    if active is not None and active != (chat.active_thread is not None):
        return False
    if not chat.threads and filters.get("include_chats_without_threads", True) is False:
        return False
    return in_groups(filters, chat.group_ids) and has_properties(filters, chat.properties)


def thread_passes(filters: JsonObject, licence: Licence, thread: JsonObject) -> bool:
    """Whether `list_archives` shows the chat with this thread."""
    if thread["active"]:
        return False
    if wanted := filters.get("thread_ids"):
        return thread["id"] in wanted
    agents = [user for user in thread["user_ids"] if user in licence.agents]
    country = thread.get("customer_visit", {}).get("geolocation", {}).get("country_code")
    return (
        between(filters, thread["created_at"])
        and _says(filters, thread)
        and in_groups(filters, thread["access"]["group_ids"])
        and has_properties(filters, thread["properties"])
        and passes(filters, "agents", agents)
        and passes(filters, "tags", thread["tags"])
        and passes(filters, "event_types", [event["type"] for event in thread["events"]])
        and passes(filters, "customer_countries", [country] if country else [])
        and all(passes(filters, name, ()) for name in UNKNOWN_HERE)
        and all(passes({"survey": survey}, "survey", ()) for survey in filters.get("surveys") or ())
    )


def in_groups(filters: JsonObject, group_ids: Collection[int]) -> bool:
    wanted = filters.get("group_ids")
    return not wanted or bool(set(wanted) & set(group_ids))


def has_properties(filters: JsonObject, properties: JsonObject) -> bool:
    """`filters.properties` is `{namespace: {name: filter}}`."""
    wishes = filters.get("properties") or {}
    for namespace, names in wishes.items():
        for name in names:
            held = properties.get(namespace, {})
            if not passes(names, name, [held[name]] if name in held else []):
                return False
    return True


def passes(filters: JsonObject, name: str, held: Collection[Json]) -> bool:
    """Whether what is `held` meets one filter. Refuses a filter that asks for two things at once."""
    wish = filters.get(name)
    if wish is None:
        return True
    if not isinstance(wish, dict) or sum(key in wish for key in ("exists", "values", "exclude_values")) > 1:
        raise refused("validation", f"`filters.{name}` takes one of exists, values, exclude_values")
    if "exists" in wish and wish["exists"] != bool(held):
        return False
    wanted = wish.get("values")
    if wanted is not None:
        there = [value in held for value in wanted]
        if not (all(there) if wish.get("require_every_value") else any(there)):
            return False
    return not any(value in held for value in wish.get("exclude_values") or ())


def between(filters: JsonObject, moment: str) -> bool:
    """Whether a moment lies from `from` to `to`. All times here are UTC with microseconds, so that their text sorts as they do."""
    return _utc(filters.get("from"), "") <= moment <= _utc(filters.get("to"), "9999")


def _utc(given: str | None, default: str) -> str:
    return datetime.fromisoformat(given).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if given else default


def _says(filters: JsonObject, thread: JsonObject) -> bool:
    words = str(filters.get("query") or "").lower()
    return not words or any(words in str(event.get("text", "")).lower() for event in thread["events"])
