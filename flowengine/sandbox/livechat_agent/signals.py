"""What can be made to happen at the licence without an API call: customers who come, write and leave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flowengine.findings import did_you_mean
from flowengine.sandbox.livechat_agent.asked import Asked, chat_shown
from flowengine.sandbox.livechat_agent.chats import deactivate, tell_incoming
from flowengine.sandbox.livechat_agent.events import new_event, tell_event
from flowengine.sandbox.livechat_agent.hooks import ACTIONS
from flowengine.sandbox.livechat_agent.licence import GROUPS, Chat, Licence, member
from flowengine.sandbox.livechat_agent.tokens import OWNER, OWNER_TOKEN, TOKENS
from flowengine.sandbox.service import Signal, text_of
from flowengine.types import Json, JsonObject

_GROUP: Final = {"id": 0, "priority": "normal"}
_HOURS: Final = {
    "timezone": "Europe/Warsaw",
    "schedule": [{"day": "monday", "enabled": True, "start": "09:00", "end": "17:00"}],
}
_NEW: Final = "carla@example.com"
INVENTED: Final[Mapping[str, Json]] = {
    "agent_created": {
        "id": _NEW,
        "name": "Carla Agent",
        "role": "normal",
        "awaiting_approval": False,
        "groups": [_GROUP],
        "notifications": ["new_visitor"],
        "email_subscriptions": ["weekly_summary"],
        "work_scheduler": _HOURS,
    },
    "agent_approved": {"id": _NEW},
    "agent_updated": {"id": _NEW, "work_scheduler": _HOURS},
    "agent_suspended": {"id": _NEW},
    "agent_unsuspended": {"id": _NEW},
    "agent_deleted": {"id": _NEW},
    "auto_accesses_updated": [{"id": "a1", "next_id": "a2", "status": "updated"}],
    "bot_created": {
        "id": "bot-2",
        "name": "Night bot",
        "default_group_priority": "normal",
        "groups": [_GROUP],
        "owner_client_id": "sandbox-client-id",
    },
    "bot_updated": {"id": "bot-2", "name": "Night bot"},
    "bot_deleted": {"id": "bot-2"},
    "group_created": {"id": 7, "name": "Returns", "language_code": "en", "agent_priorities": {_NEW: "normal"}},
    "group_deleted": {"id": 7},
    "group_updated": {"id": 7, "agent_priorities": {_NEW: "first"}},
    "tag_created": {
        "name": "refund",
        "group_ids": [0],
        "created_at": "2026-01-31T09:00:00.000000Z",
        "author_id": OWNER,
    },
    "tag_deleted": {"name": "refund"},
    "tag_updated": {"name": "refund", "group_ids": [0, 1]},
}
"""Payloads of what happens outside of chats, for whoever gives none."""


def signals(licence: Licence) -> dict[str, Signal]:
    """By their names at the control endpoint."""
    asked = Asked(licence, TOKENS[OWNER_TOKEN], {})
    return {
        "chat-start": lambda given: _start(asked, given),
        "chat-message": lambda given: _say(asked, given),
        "chat-end": lambda given: _end(asked, given),
        "visitor": lambda given: {"visitor": _customer(asked, given)},
        "webhook": lambda given: _tell(asked, given),
    }


def _start(asked: Asked, given: JsonObject) -> JsonObject:
    group_ids = _groups(given)
    customer = asked.licence.customers.get(text_of(given, "customer_id")) or _customer(asked, given)
    going = (chat for chat in asked.licence.chats.values() if chat.active_thread and chat.customer == customer["id"])
    if next(going, None):
        raise ValueError(f"customer {customer['id']} is in a chat already; end that first")
    takers = asked.licence.taking_chats(group_ids)[:1]
    members = {customer["id"]: member("customer")} | {agent: member("agent") for agent in takers}
    chat = asked.licence.new_chat(members, group_ids)
    chat.properties = dict(given.get("properties") or {})
    thread = asked.licence.new_thread(chat, active=True)
    question = text_of(given, "message", "text", default="Hello, can you help me?")
    new_event(asked.licence, chat, thread, {"type": "message", "text": question}, customer["id"])
    tell_incoming(asked, chat, thread, customer["id"])
    return _shown(asked, chat) | {"visitor": customer}


def _say(asked: Asked, given: JsonObject) -> JsonObject:
    chat = _going(asked, given)
    by_agent = text_of(given, "author", default="visitor") in ("agent", *asked.licence.agents)
    author = (chat.agents or [OWNER])[0] if by_agent else chat.customer or OWNER
    event = {"type": "message", "text": text_of(given, "text", "message", default="Are you there?")}
    event |= given.get("event") or {}
    thread = asked.active_thread(chat)
    sent = new_event(asked.licence, chat, thread, event, author)
    tell_event(asked.licence, chat, thread, sent)
    return _shown(asked, chat) | {"event": sent}


def _end(asked: Asked, given: JsonObject) -> JsonObject:
    chat = _going(asked, given)
    deactivate(asked, chat, chat.customer or OWNER)
    return _shown(asked, chat)


def _customer(asked: Asked, given: JsonObject) -> JsonObject:
    described = given.get("visitor") or given.get("customer") or given
    named = {"name": "Vera Visitor", "email": text_of(described, "mail", default="vera.visitor@example.com")}
    return asked.licence.new_customer(named | described)


def _tell(asked: Asked, given: JsonObject) -> JsonObject:
    action = given.get("action")
    if action not in ACTIONS:
        raise ValueError(f'there is no webhook "{action}"; {did_you_mean(str(action), ACTIONS)}')
    payload = given.get("payload", INVENTED.get(action))
    if payload is None:
        raise ValueError(f'"{action}" needs a "payload", or make it happen with chat-start, chat-message or the API')
    asked.licence.hooks.tell(action, payload)
    return {"action": action, "payload": payload}


def _groups(given: JsonObject) -> list[int]:
    group_ids = given.get("group_ids", [0])
    if not isinstance(group_ids, list) or not all(group in GROUPS for group in group_ids):
        raise ValueError(f'"group_ids" is a list of {", ".join(map(str, GROUPS))}')
    return group_ids


def _going(asked: Asked, given: JsonObject) -> Chat:
    going = {chat.id: chat for chat in asked.licence.chats.values() if chat.active_thread}
    chat_id = text_of(given, "chat_id", "id", default=next(reversed(going), ""))
    if chat_id not in going:
        raise ValueError(f'there is no chat "{chat_id}" going on; start one with chat-start')
    return going[chat_id]


def _shown(asked: Asked, chat: Chat) -> JsonObject:
    return {"chat": chat_shown(asked, chat, chat.threads[-1])}
