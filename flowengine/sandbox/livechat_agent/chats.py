"""Chats: listing, starting, resuming, deactivating, following."""

from __future__ import annotations

import copy
from typing import Final

from flowengine.sandbox.livechat_agent.asked import Asked, around_shown, chat_shown, tell, thread_shown
from flowengine.sandbox.livechat_agent.errors import refused
from flowengine.sandbox.livechat_agent.events import new_event
from flowengine.sandbox.livechat_agent.filters import between, chat_passes, thread_passes
from flowengine.sandbox.livechat_agent.licence import Chat, member
from flowengine.sandbox.livechat_agent.pages import page, wish
from flowengine.types import Json, JsonObject

AGENTS_MORE: Final = 4
"""Agents who may be put into a new chat beside the requester."""


def list_chats(asked: Asked) -> Json:
    wanted = wish(asked)
    found = [chat for chat in asked.licence.visible(asked.token) if chat_passes(wanted.filters, chat)]
    shown, ids = page(asked, wanted, found, lambda chat: [_last_moment(chat), chat.id], limit=10)
    return {"chats_summary": [_summary(asked, chat) for chat in shown], "found_chats": len(found), **ids}


def list_threads(asked: Asked) -> Json:
    chat, wanted = asked.chat(), wish(asked)
    least = asked.given.get("min_events_count")
    if least is not None and ("limit" in asked.given or "filters" in asked.given):
        raise refused("validation", "`min_events_count` cannot be used together with `limit` or `filters`")
    found = [thread for thread in chat.threads if between(wanted.filters, thread["created_at"])]
    limit = 3 if least is None else _enough(found, least)
    shown, ids = page(asked, wanted, found, lambda thread: [thread["created_at"], thread["id"]], limit=limit)
    return {"threads": [thread_shown(chat, thread) for thread in shown], "found_threads": len(found), **ids}


def get_chat(asked: Asked) -> Json:
    chat, thread_id = asked.chat(), asked.given.get("thread_id")
    last = chat.threads[-1] if chat.threads else None
    return chat_shown(asked, chat, asked.licence.thread(chat, thread_id) if thread_id else last)


def list_archives(asked: Asked) -> Json:
    wanted = wish(asked)
    if "thread_ids" in wanted.filters and (len(wanted.filters) > 1 or "page_id" in asked.given):
        raise refused("validation", "`filters.thread_ids` cannot be used with other filters or pagination")
    highlights = asked.given.get("highlights") or {}
    if ("pre_tag" in highlights) != ("post_tag" in highlights):
        raise refused("validation", "`highlights.pre_tag` and `highlights.post_tag` are used together")
    found = [
        (chat, thread)
        for chat in asked.licence.visible(asked.token)
        for thread in chat.threads
        if thread_passes(wanted.filters, asked.licence, thread)
    ]
    shown, ids = page(asked, wanted, found, lambda pair: [pair[1]["created_at"], pair[1]["id"]], limit=10)
    return {"chats": [chat_shown(asked, *pair) for pair in shown], "found_chats": len(found), **ids}


def start_chat(asked: Asked) -> Json:
    given = asked.given.get("chat") or {}
    members = {asked.requester: member("agent")} | _invited(asked, given)
    chat = asked.licence.new_chat(members, list((given.get("access") or {}).get("group_ids") or [0]))
    chat.properties = dict(given.get("properties") or {})
    return {"chat_id": chat.id, **_open(asked, chat, given)}


def resume_chat(asked: Asked) -> Json:
    given = asked.given["chat"]
    chat = asked.licence.chat(given["id"], asked.token)
    if chat.active_thread is not None:
        raise refused("validation", "the chat is active already")
    invited = _invited(asked, given)
    chat.members = {user: kept for user, kept in chat.members.items() if kept["type"] == "customer"}
    chat.members |= {asked.requester: member("agent")} | invited
    chat.group_ids = list((given.get("access") or {}).get("group_ids") or chat.group_ids)
    chat.properties |= given.get("properties") or {}
    return _open(asked, chat, given)


def deactivate_chat(asked: Asked) -> Json:
    chat = asked.chat("id")
    asked.active_thread(chat)
    asked.must_be_present(chat)
    deactivate(asked, chat, asked.requester)
    return {}


def follow_chat(asked: Asked) -> Json:
    asked.chat("id").followers.add(asked.requester)
    return {}


def unfollow_chat(asked: Asked) -> Json:
    chat = asked.chat("id")
    if asked.requester in chat.members:
        raise refused("validation", "members of a chat cannot unfollow it")
    chat.followers.discard(asked.requester)
    return {}


def deactivate(asked: Asked, chat: Chat, user: str) -> None:
    """End the chat's thread and tell."""
    thread = asked.active_thread(chat)
    thread["active"] = False
    tell(asked.licence, "chat_deactivated", {"chat_id": chat.id, "thread_id": thread["id"], "user_id": user}, chat)


def tell_incoming(asked: Asked, chat: Chat, thread: JsonObject, requester: str) -> None:
    """`incoming_chat`, with the whole chat in it."""
    shown = chat_shown(asked, chat, copy.deepcopy(thread))
    told = {key: shown[key] for key in ("id", "users", "properties", "access", "thread")}
    tell(asked.licence, "incoming_chat", {"requester_id": requester, "chat": told}, chat)


def _open(asked: Asked, chat: Chat, given: JsonObject) -> JsonObject:
    wanted = given.get("thread") or {}
    active = asked.given.get("active", True)
    thread = asked.licence.new_thread(chat, active=active, properties=wanted.get("properties"))
    events = [new_event(asked.licence, chat, thread, event, asked.requester) for event in wanted.get("events") or ()]
    if active:
        tell_incoming(asked, chat, thread, asked.requester)
    ids = {"event_ids": [event["id"] for event in events]} if events else {}
    return {"thread_id": thread["id"], **ids}


def _invited(asked: Asked, given: JsonObject) -> dict[str, JsonObject]:
    users = given.get("users") or []
    customers = [user["id"] for user in users if user["type"] == "customer"]
    agents = [user["id"] for user in users if user["type"] == "agent" and user["id"] != asked.requester]
    if len(agents) > AGENTS_MORE or len(customers) > 1:
        raise refused("validation", f"`chat.users` may hold {AGENTS_MORE} more agents and one customer")
    for agent in agents:
        asked.licence.agent(agent)
    for customer in customers:
        asked.licence.customer(customer)
        if any(chat.active_thread and chat.id != given.get("id") for chat in _chats_of(asked, customer)):
            raise refused("limit_reached", "the customer is in a chat already")
    return {user: member("customer") for user in customers} | {user: member("agent") for user in agents}


def _chats_of(asked: Asked, customer: str) -> list[Chat]:
    return [chat for chat in asked.licence.chats.values() if customer in chat.members]


def _summary(asked: Asked, chat: Chat) -> JsonObject:
    shown: JsonObject = {"id": chat.id, "last_event_per_type": _last_events(chat)}
    if chat.threads:
        last = thread_shown(chat, chat.threads[-1])
        kept = ("id", "created_at", "user_ids", "properties", "active", "access", "tags")
        shown["last_thread_summary"] = {key: last[key] for key in kept}
    return shown | around_shown(asked, chat)


def _last_events(chat: Chat) -> JsonObject:
    last = {}
    for thread in chat.threads:
        for event in thread["events"]:
            about = {"thread_id": thread["id"], "thread_created_at": thread["created_at"]}
            last[event["type"]] = about | {"event": event}
    return last


def _last_moment(chat: Chat) -> str:
    return str(chat.threads[-1]["created_at"]) if chat.threads else ""


def _enough(threads: list[JsonObject], least: int) -> int:
    """How many of the latest threads hold so many events."""
    counted = 0
    for number, thread in enumerate(reversed(threads), start=1):
        counted += len(thread["events"])
        if counted >= least:
            return number
    return max(1, len(threads))
