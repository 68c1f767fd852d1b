"""Properties (`{namespace: {name: value}}`) of chats, threads and events, and the tags of threads."""

from __future__ import annotations

from flowengine.sandbox.livechat_agent.asked import Asked
from flowengine.sandbox.livechat_agent.errors import refused
from flowengine.sandbox.livechat_agent.licence import Chat
from flowengine.types import Json, JsonObject


def update_chat_properties(asked: Asked) -> Json:
    chat = asked.chat("id")
    return _update(asked, chat, chat.properties, "chat_properties_updated", {"chat_id": chat.id})


def delete_chat_properties(asked: Asked) -> Json:
    chat = asked.chat("id")
    return _delete(asked, chat, chat.properties, "chat_properties_deleted", {"chat_id": chat.id})


def update_thread_properties(asked: Asked) -> Json:
    chat, thread, where = _thread(asked)
    return _update(asked, chat, thread["properties"], "thread_properties_updated", where)


def delete_thread_properties(asked: Asked) -> Json:
    chat, thread, where = _thread(asked)
    return _delete(asked, chat, thread["properties"], "thread_properties_deleted", where)


def update_event_properties(asked: Asked) -> Json:
    chat, held, where = _event(asked)
    return _update(asked, chat, held, "event_properties_updated", where)


def delete_event_properties(asked: Asked) -> Json:
    chat, held, where = _event(asked)
    return _delete(asked, chat, held, "event_properties_deleted", where)


def tag_thread(asked: Asked) -> Json:
    chat, thread, where = _thread(asked)
    tag = asked.given["tag"]
    if tag in thread["tags"]:
        raise refused("validation", f"the thread has the tag {tag} already")
    thread["tags"].append(tag)
    asked.tell("thread_tagged", where | {"tag": tag}, chat)
    return {}


def untag_thread(asked: Asked) -> Json:
    chat, thread, where = _thread(asked)
    tag = asked.given["tag"]
    if tag not in thread["tags"]:
        raise refused("not_found", f"tag {tag}")
    thread["tags"].remove(tag)
    asked.tell("thread_untagged", where | {"tag": tag}, chat)
    return {}


def _thread(asked: Asked) -> tuple[Chat, JsonObject, JsonObject]:
    chat = asked.chat()
    thread = asked.licence.thread(chat, asked.given["thread_id"])
    return chat, thread, {"chat_id": chat.id, "thread_id": thread["id"]}


def _event(asked: Asked) -> tuple[Chat, JsonObject, JsonObject]:
    chat, thread, where = _thread(asked)
    event = asked.licence.event(thread, asked.given["event_id"])
    held: JsonObject = event.setdefault("properties", {})
    return chat, held, where | {"event_id": event["id"]}


def _update(asked: Asked, chat: Chat, held: JsonObject, action: str, where: JsonObject) -> Json:
    given = asked.given["properties"]
    for namespace, values in given.items():
        if not isinstance(values, dict):
            raise refused("validation", f"`properties.{namespace}` must be an object of names and values")
        held[namespace] = held.get(namespace, {}) | values
    asked.tell(action, where | {"properties": given}, chat)
    return {}


def _delete(asked: Asked, chat: Chat, held: JsonObject, action: str, where: JsonObject) -> Json:
    given = asked.given["properties"]
    for namespace, names in given.items():
        if not isinstance(names, list):
            raise refused("validation", f"`properties.{namespace}` must be an array of names")
        left = {name: value for name, value in held.get(namespace, {}).items() if name not in names}
        if left:
            held[namespace] = left
        else:
            held.pop(namespace, None)
    asked.tell(action, where | {"properties": given}, chat)
    return {}
