"""Customers and agents: their data, their status, and what is sent to them outside of chats."""

from __future__ import annotations

from datetime import timedelta

from flowengine.sandbox.livechat_agent.asked import Asked
from flowengine.sandbox.livechat_agent.errors import refused
from flowengine.sandbox.livechat_agent.filters import in_groups
from flowengine.types import Json, JsonObject


def get_customer(asked: Asked) -> Json:
    return asked.licence.customer(asked.given["id"])


def create_customer(asked: Asked) -> Json:
    customer = asked.licence.new_customer(asked.given)
    asked.tell("incoming_customer", {"customer": customer})
    return {"customer_id": customer["id"]}


def update_customer(asked: Asked) -> Json:
    customer = asked.licence.customer(asked.given["id"])
    changes = {
        key: asked.given[key]
        for key in ("name", "email", "avatar", "session_fields")
        if asked.given.get(key) is not None
    }
    if not changes:
        raise refused("validation", "one of `name`, `email`, `avatar`, `session_fields` is required")
    customer |= changes
    if "session_fields" in changes:
        _tell_session_fields(asked, customer)
    return {}


def ban_customer(asked: Asked) -> Json:
    customer = asked.licence.customer(asked.given["id"])
    until = asked.licence.world.clock.now() + timedelta(days=asked.given["ban"]["days"])
    customer["banned_until"] = until.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {}


def follow_customer(asked: Asked) -> Json:
    followers = asked.licence.customer(asked.given["id"]).setdefault("followed_by", [])
    if asked.requester not in followers:
        followers.append(asked.requester)
    return {}


def unfollow_customer(asked: Asked) -> Json:
    followers = asked.licence.customer(asked.given["id"]).get("followed_by", [])
    if asked.requester in followers:
        followers.remove(asked.requester)
    return {}


def set_routing_status(asked: Asked) -> Json:
    agent = asked.licence.agent(asked.given.get("agent_id") or asked.requester)
    scope = "agents-bot--my:rw" if agent["bot"] else "agents--all:rw"
    if agent["id"] != asked.requester and not asked.token.has(scope):
        raise refused("authorization")
    status = asked.given["status"]
    if status == "offline" and not agent["bot"]:
        raise refused("validation", "`status` offline is for bots only")
    agent["status"] = status
    asked.licence.hooks.tell("routing_status_set", {"agent_id": agent["id"], "status": status})
    return {}


def list_routing_statuses(asked: Asked) -> Json:
    filters = asked.given.get("filters") or {}
    shown = (agent for agent in asked.licence.agents.values() if in_groups(filters, agent["groups"]))
    return [{"agent_id": agent["id"], "status": agent["status"]} for agent in shown]


def list_agents_for_transfer(asked: Asked) -> Json:
    chat = asked.chat()
    takers = asked.licence.taking_chats(chat.group_ids)
    return [
        {"agent_id": agent, "total_active_chats": asked.licence.active_chats(agent)}
        for agent in takers
        if agent not in chat.members
    ]


def mark_events_as_seen(asked: Asked) -> Json:
    chat = asked.chat()
    told = {"user_id": asked.requester, "chat_id": chat.id, "seen_up_to": asked.given["seen_up_to"]}
    asked.tell("events_marked_as_seen", told, chat)
    return {}


def send_typing_indicator(asked: Asked) -> Json:
    asked.active_thread(asked.chat())
    return {}


def multicast(asked: Asked) -> Json:
    recipients = asked.given["recipients"]
    agents, customers = recipients.get("agents") or {}, recipients.get("customers") or {}
    if not any((agents.get("all"), agents.get("ids"), agents.get("groups"), customers.get("ids"))):
        raise refused("validation", "one type of `recipients` is required")
    return {}


def _tell_session_fields(asked: Asked, customer: JsonObject) -> None:
    payload = {"id": customer["id"], "session_fields": customer["session_fields"]}
    chats = asked.licence.chats.values()
    chat = next((chat for chat in chats if chat.active_thread and chat.customer == customer["id"]), None)
    if chat is not None:
        payload["active_chat"] = {"chat_id": chat.id, "thread_id": chat.threads[-1]["id"]}
    asked.tell("customer_session_fields_updated", payload, chat)
