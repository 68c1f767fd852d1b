"""Events of threads: sending, files, postbacks."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlsplit
from uuid import uuid4

from flowengine.sandbox.livechat_agent.asked import Asked, tell
from flowengine.sandbox.livechat_agent.errors import refused
from flowengine.sandbox.livechat_agent.licence import Chat, Licence
from flowengine.types import Json, JsonObject

LARGEST: Final = 10 * 1024 * 1024
FILES: Final = "/api/file/lc/att/"
CDN: Final = "https://cdn.livechat-files.com/"
_OF_TYPE: Final = {
    "message": ("text",),
    "file": ("url",),
    "rich_message": ("template_id",),
    "custom": (),
    "system_message": ("text", "system_message_type"),
    "filled_form": ("fields",),
}
"""Event types that can be sent, with the fields that each needs (data structures of the Agent Chat API)."""
_KEPT: Final = (
    *("text", "url", "name", "content_type", "size", "template_id", "elements", "content", "fields", "form_id"),
    *("system_message_type", "text_vars", "custom_id", "properties", "postback"),
)


def send_event(asked: Asked) -> Json:
    chat = asked.chat()
    thread = asked.active_thread(chat)
    event = new_event(asked.licence, chat, thread, asked.given["event"], asked.requester)
    tell_event(asked.licence, chat, thread, event)
    return {"event_id": event["id"]}


def send_rich_message_postback(asked: Asked) -> Json:
    chat = asked.chat()
    thread = asked.licence.thread(chat, asked.given["thread_id"])
    event = asked.licence.event(thread, asked.given["event_id"])
    if not thread["active"]:
        raise refused("chat_inactive")
    if event["type"] != "rich_message":
        raise refused("validation", "`event_id` must be of a rich message")
    told = {"user_id": asked.requester, "chat_id": chat.id, "thread_id": thread["id"], "event_id": event["id"]}
    asked.tell("incoming_rich_message_postback", told | {"postback": asked.given["postback"]}, chat)
    return {}


def upload_file(licence: Licence, name: str, content: bytes, kind: str) -> Json:
    """Keep a file for a day and give its address, which is one of this stand-in."""
    if len(content) > LARGEST:
        raise refused("entity_too_large")
    path = f"{FILES}{uuid4().hex}/{quote(name or 'file')}"
    licence.uploads[path] = (licence.world.clock.now(), content, kind)
    return {"url": licence.world.url + path}


def new_event(licence: Licence, chat: Chat, thread: JsonObject, given: JsonObject, author: str) -> JsonObject:
    """Check an event as it was sent, complete it and put it into its thread."""
    _check(licence, chat, given, author)
    number = 1 + max((int(event["id"].rpartition("_")[2]) for event in thread["events"]), default=0)
    event: JsonObject = {
        "id": f"{thread['id']}_{number}",
        "created_at": licence.now(),
        "visibility": given.get("visibility", "all"),
        "type": given["type"],
        "author_id": author,
        **{key: given[key] for key in _KEPT if key in given},
    }
    if event["type"] == "file":
        event |= _file(licence, event["url"])
    thread["events"].append(event)
    return event


def tell_event(licence: Licence, chat: Chat, thread: JsonObject, event: JsonObject) -> None:
    """`incoming_event`."""
    author_type = "customer" if event["author_id"] in licence.customers else "agent"
    payload = {"chat_id": chat.id, "thread_id": thread["id"], "event": event}
    tell(licence, "incoming_event", payload, chat, author_type)


def _check(licence: Licence, chat: Chat, given: JsonObject, author: str) -> None:
    kind = given.get("type")
    if kind not in _OF_TYPE:
        raise refused("validation", f"`event.type` must be one of {', '.join(_OF_TYPE)}")
    for name in _OF_TYPE[kind]:
        if given.get(name) in (None, ""):
            raise refused("validation", f"`event.{name}` is required")
    visibility = given.get("visibility", "all")
    if visibility not in ("all", "agents"):
        raise refused("validation", "`event.visibility` must be one of all, agents")
    if visibility == "all" and chat.members.get(author, {}).get("visibility") == "agents":
        raise refused("validation", "who is in the chat for agents only cannot send events for all")
    if kind == "file" and not str(given["url"]).startswith((CDN, licence.world.url + FILES)):
        raise refused("validation", "`event.url` must be one that upload_file gave")


def _file(licence: Licence, url: str) -> JsonObject:
    path = urlsplit(url).path
    if path not in licence.uploads:
        return {"name": path.rpartition("/")[2]}
    _, content, kind = licence.uploads[path]
    return {"name": path.rpartition("/")[2], "content_type": kind, "size": len(content)}
