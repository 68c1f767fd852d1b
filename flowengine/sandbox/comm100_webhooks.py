"""The seven webhook events of Comm100 Live Chat, and the shapes in which they arrive (Comm100's webhook reference)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from flowengine.types import JsonObject

EVENTS: Final = {
    "chatStarts": "chat_started",
    "chatEnds": "chat_ended",
    "chatIsWrappedUp": "chat_wrapped_up",
    "chatIsRequested": "chat_requested",
    "chatIsTransferred": "chat_transferred",
    "offlineMessageIsSubmitted": "offline_message_submitted",
    "agentStatusChanges": "agent_status_changed",
}
"""The name at registration, and the `event` in the body (an agent's event says `online`, `away`, `login` or `logout`)."""
_STATUSES: Final = {"inSite": 1, "chatting": 2, "waitingForChat": 3, "chatEnded": 9, "offlineMessage": 10}
_RENAMED: Final = {
    "customVariableResults": "custom_variables",
    "searchKeywords": "keywords",
    "departmentId": "department",
}
_TIMES: Final = ("visitTime", "firstVisitTime")


def visitor_told(visitor: JsonObject, chat_id: str) -> JsonObject:
    """A visitor as webhooks tell it: names with underscores, times as `/Date(milliseconds)/`, the status as a number."""
    told = {_renamed(key): value for key, value in visitor.items()}
    told |= {_renamed(key): _date(datetime.fromisoformat(visitor[key])) for key in _TIMES}
    return told | {"skill": "", "status": _STATUSES.get(visitor["status"], 1), "chat_id": chat_id}


def chat_told(chat: JsonObject, visitor: JsonObject, now: datetime) -> JsonObject:
    """A chat as `chat_ended` and `chat_transferred` tell it."""
    lines = [f"[{line['at']:%H:%M:%S}] {line['name']}: {line['text']}" for line in chat["lines"]]
    return {
        "id": chat["id"],
        "visitor_id": visitor["id"],
        "name": visitor["name"],
        "email": visitor["email"],
        "phone": visitor["phone"],
        "company": visitor["company"],
        "department": "Support",
        "operators": [chat["operator"]],
        "operator_id": chat["operator_id"],
        "start_time": _date(chat["started"]),
        "end_time": _date(chat["ended"] or now),
        "chat_transcript": "⊙".join([*lines, ""]),
        "custom_fields": [],
        "custom_variable": visitor["customVariableResults"],
        "attachment": [],
        "rating": chat["rating"],
        "rating_comment": "",
    }


def wrapped_told(chat: JsonObject, visitor: JsonObject, now: datetime) -> JsonObject:
    """A chat's closing notes as `chat_wrapped_up` tells them."""
    notes = {**chat["wrap_up"], "fields": [], "time": _date(now)}
    return {"chat_id": chat["id"], "visitor": visitor_told(visitor, chat["id"]), "wrapup": notes}


def message_told(message: JsonObject, visitor: JsonObject, now: datetime) -> JsonObject:
    """A message left while nobody was online."""
    return {
        "id": message["id"],
        "subject": message["subject"],
        "content": message["content"],
        "name": visitor["name"],
        "email": visitor["email"],
        "phone": visitor["phone"],
        "company": visitor["company"],
        "department": visitor["departmentId"],
        "skill": "",
        "time": _date(now),
        "custom_fields": [],
        "custom_variable": visitor["customVariableResults"],
        "attachment": {"name": "", "uri": ""},
    }


def _renamed(key: str) -> str:
    return _RENAMED.get(key) or re.sub(r"(?<=[a-z])([A-Z])", r"_\1", key).lower()


def _date(moment: datetime) -> str:
    return f"/Date({int(moment.timestamp() * 1000)})/"
