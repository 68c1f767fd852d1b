"""What happens at the services while the demo runs, and how it is made to happen: by HTTP, as it would from outside."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flowengine.cli.errors import NotReady
from flowengine.types import JsonObject


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that a person does at a service."""

    service: str
    signal: str
    """What the stand-in's control endpoint calls it."""
    told: str
    """What a bystander would say."""
    details: JsonObject = field(default_factory=dict)


HAPPENINGS: tuple[Happening, ...] = (
    Happening(
        "livechat",
        "chat-start",
        "Nora Quist starts a chat; in the survey before it she writes that she is angry",
        {
            "visitor": {"name": "Nora Quist", "email": "nora.quist@example.com"},
            "message": "Nobody answers my mails!",
            "pre_chat_survey": [
                {"id": "2001", "type": "name", "label": "Name:", "answer": "Nora Quist"},
                {
                    "id": "2003",
                    "type": "question",
                    "label": "What is it about?",
                    "answer": "I am angry, my order is late",
                },
            ],
        },
    ),
    Happening("livechat", "chat-end", "She leaves the chat before any agent has said a word"),
    Happening(
        "livechat",
        "ticket",
        'Tom Baker opens a ticket: "Refund for order 4711"',
        {
            "subject": "Refund for order 4711",
            "message": "The lamp arrived broken. I would like my money back.",
            "requester": {"mail": "tom.baker@example.com", "name": "Tom Baker"},
        },
    ),
    Happening(
        "livechat",
        "ticket",
        'Ida Moss opens a ticket: "Opening hours"',
        {
            "subject": "Opening hours",
            "message": "Are you open on Sunday?",
            "requester": {"mail": "ida.moss@example.com", "name": "Ida Moss"},
        },
    ),
    Happening("livechat-agent", "chat-start", "A chat starts in the agent's chat (version 3.6)"),
    Happening("livechat-agent", "chat-end", "That chat ends"),
    Happening("comm100", "chat-start", "A chat starts at Comm100"),
)

FORM = {
    "submission_id": "form-0001",
    "email": "lena.frost@example.com",
    "name": "Lena Frost",
    "topic": "Delivery",
    "message": "Do you deliver to the islands?",
}


async def cause(control_url: str, happening: Happening) -> JsonObject:
    """Make it happen at the stand-in; gives what the stand-in says, with the number of `deliveries`."""
    return await call("POST", f"{control_url}/{happening.signal}", happening.details)


async def call(method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None) -> JsonObject:
    """One HTTP call with a JSON body; gives the answer's JSON object. Raises `NotReady` for anything but success."""
    return await asyncio.to_thread(_call, method, url, body, {"content-type": "application/json", **(headers or {})})


def _call(method: str, url: str, body: Any, headers: Mapping[str, str]) -> JsonObject:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, path, None if body is None else json.dumps(body), dict(headers))
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise NotReady(f"{method} {url}: {error}") from None
    finally:
        connection.close()
    if answer.status >= 400:
        raise NotReady(f"{method} {url} answered {answer.status}: {content[:300].decode('utf-8', 'replace')}")
    found = json.loads(content) if content else {}
    return found if isinstance(found, dict) else {"answer": found}
