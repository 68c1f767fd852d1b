"""Who is in a chat, and which group may see it: transfers, adding and removing users."""

from __future__ import annotations

from flowengine.sandbox.livechat_agent.asked import Asked, user_shown
from flowengine.sandbox.livechat_agent.errors import refused
from flowengine.sandbox.livechat_agent.licence import GROUPS, Chat, member
from flowengine.types import Json, JsonObject


def transfer_chat(asked: Asked) -> Json:
    chat = asked.chat("id")
    thread = asked.active_thread(chat)
    asked.must_be_present(chat)
    target = asked.given.get("target") or {"type": "group", "ids": chat.group_ids}
    group_ids, wanted = _target(asked, chat, target)
    takers = [agent for agent in asked.licence.taking_chats(group_ids) if agent not in chat.members]
    taker = next((agent for agent in takers if agent in wanted or target["type"] == "group"), None)
    if taker is None and not asked.given.get("ignore_agents_availability"):
        raise refused("agent_offline", "nobody there takes chats; set ignore_agents_availability to queue the chat")
    told = {"group_ids": target["ids"]} if target["type"] == "group" else {"agent_ids": target["ids"]}
    payload: JsonObject = {"chat_id": chat.id, "thread_id": thread["id"], "requester_id": asked.requester}
    payload |= {"reason": "manual", "transferred_to": told}
    if taker is None:
        payload["queue"] = {"position": 1, "wait_time": 60, "queued_at": asked.licence.now()}
    asked.tell("chat_transferred", payload, chat)
    _hand_over(asked, chat, taker)
    if group_ids != chat.group_ids:
        chat.group_ids = list(group_ids)
        thread["access"] = {"group_ids": chat.group_ids}
        asked.tell("chat_access_updated", {"id": chat.id, "access": {"group_ids": chat.group_ids}}, chat)
    return {}


def add_user_to_chat(asked: Asked) -> Json:
    chat, given = asked.chat(), asked.given
    user, kind = given["user_id"], given["user_type"]
    asked.must_be_present(chat)
    _ = asked.licence.agent(user) if kind == "agent" else asked.licence.customer(user)
    if user in chat.members:
        raise refused("validation", f"user {user} is in the chat already")
    if kind == "customer" and chat.customer is not None:
        raise refused("limit_reached", "a chat has one customer")
    add(asked, chat, user, kind, given["visibility"], "manual")
    return {}


def remove_user_from_chat(asked: Asked) -> Json:
    chat, user = asked.chat(), asked.given["user_id"]
    asked.must_be_present(chat)
    if chat.members.get(user, {}).get("type") != asked.given["user_type"]:
        raise refused("not_found", f"user {user} in the chat")
    remove(asked, chat, user, "manual")
    return {}


def add(asked: Asked, chat: Chat, user: str, kind: str, visibility: str, reason: str) -> None:
    """Put a user into the chat and tell."""
    chat.members[user] = member(kind, visibility)
    payload = _change(asked, chat, reason)
    if chat.threads and user not in chat.threads[-1]["user_ids"]:
        chat.threads[-1]["user_ids"].append(user)
    payload["user"] = user_shown(asked.licence, user, chat)
    asked.tell("user_added_to_chat", payload, chat)


def remove(asked: Asked, chat: Chat, user: str, reason: str) -> None:
    """Take a user out of the chat and tell."""
    kind = chat.members.pop(user)["type"]
    payload = _change(asked, chat, reason) | {"user_id": user, "user_type": kind}
    asked.tell("user_removed_from_chat", payload, chat)


def _change(asked: Asked, chat: Chat, reason: str) -> JsonObject:
    thread_id = chat.threads[-1]["id"] if chat.threads else ""
    return {"chat_id": chat.id, "thread_id": thread_id, "reason": reason, "requester_id": asked.requester}


def _target(asked: Asked, chat: Chat, target: JsonObject) -> tuple[list[int], list[str]]:
    """The groups that may see the chat afterwards, and the agents of whom one is to take it."""
    if target["type"] == "agent":
        for agent in target["ids"]:
            asked.licence.agent(agent)
        groups = {group for agent in target["ids"] for group in asked.licence.agents[agent]["groups"]}
        return (list(chat.group_ids) if groups & set(chat.group_ids) else sorted(groups)), list(target["ids"])
    for group in target["ids"]:
        if group not in GROUPS:
            raise refused("not_found", f"group {group}")
    return list(target["ids"]), []


def _hand_over(asked: Asked, chat: Chat, taker: str | None) -> None:
    for agent in chat.agents:
        remove(asked, chat, agent, "transfer")
    if taker is not None:
        add(asked, chat, taker, "agent", "all", "transfer")
