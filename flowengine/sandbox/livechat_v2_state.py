"""The state behind the stand-in of LiveChat version 2: the help desk (agents, tickets) and the chats."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from flowengine.sandbox.messages import Refused, json_answer, merged
from flowengine.sandbox.service import new_id, text_of
from flowengine.types import Clock, Json, JsonObject

EVENTS: Final = {
    "chat_started": ("chat", "visitor", "pre_chat_survey"),
    "chat_ended": ("chat", "visitor", "pre_chat_survey"),
    "ticket_created": ("ticket",),
}
"""Events with the parts that their webhooks may carry."""
PAGE: Final = 25
STATUSES: Final = ("open", "pending", "solved", "spam")
SOURCES: Final = ("chat-window", "mail", "lc2")
GROUP: Final = {"id": 0, "name": "All operators"}
WEB: Final = "https://www.example.com"


class Desk:
    """Agents and tickets."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._agents: dict[str, JsonObject] = {}
        self._tickets: dict[str, JsonObject] = {}
        for login, name, permission in (
            ("owner@example.com", "Olivia Owner", "owner"),
            ("adam@example.com", "Adam Agent", "normal"),
            ("beata@example.com", "Beata Agent", "administrator"),
        ):
            self._agents[login] = _agent(login, name, permission=permission)
        self.incoming_ticket({"subject": "Where is my order?", "source": {"type": "mail"}})

    def agents_shown(self) -> list[JsonObject]:
        shown = ("avatar", "login", "name", "permission", "status")
        return [{key: agent[key] for key in shown} for agent in self._agents.values()]

    def agent(self, login: str) -> JsonObject:
        if login not in self._agents:
            raise _refused(404, f"There is no agent {login}.")
        return self._agents[login]

    def first_agent(self) -> JsonObject:
        """The first who takes chats."""
        taking = (agent for agent in self._agents.values() if agent["login_status"] == "accepting chats")
        return next(taking, next(iter(self._agents.values())))

    def create_agent(self, given: JsonObject) -> JsonObject:
        login, name = _required(given, "login"), _required(given, "name")
        if "@" not in login:
            raise _refused(400, "login must be an email address.")
        if login in self._agents:
            raise _refused(400, f"An agent with the login {login} exists already.")
        _one_of(given, "login_status", ("accepting chats", "not accepting chats"))
        _one_of(given, "permission", ("administrator", "normal"))
        if len(text_of(given, "password", default="12345")) < 5:
            raise _refused(400, "password must be at least 5 characters long.")
        given = {key: value for key, value in given.items() if key not in ("login", "name", "password")}
        given["max_chats_count"] = _number(given, "max_chats_count", 3)
        self._agents[login] = _agent(login, name, **given)
        return self._agents[login]

    def remove_agent(self, login: str) -> JsonObject:
        if self.agent(login)["permission"] == "owner":
            raise _refused(403, "The owner of the licence cannot be removed.")
        del self._agents[login]
        return {"result": "The agent has been removed."}

    def ticket(self, ticket_id: str) -> JsonObject:
        if ticket_id not in self._tickets:
            raise _refused(404, f"There is no ticket {ticket_id}.")
        return self._tickets[ticket_id]

    def create_ticket(self, given: JsonObject, source: str) -> JsonObject:
        """A ticket made by an API call."""
        _required(given, "message")
        return self._keep(given, source)

    def incoming_ticket(self, given: JsonObject) -> JsonObject:
        """A ticket that comes in from a customer; what is not given is invented."""
        mail = text_of(given, "mail", "email", default="jo.customer@example.com")
        invented = {
            "subject": "Question about an invoice",
            "message": "Hello, I have a question about my last invoice.",
            "requester": {"mail": mail, "name": text_of(given, "name", default="Jo Customer"), "ip": "192.0.2.17"},
            "source": {"type": "chat-window", "url": f"{WEB}/contact"},
        }
        return self._keep(merged(invented, _only_objects(given, "requester", "source")), "chat-window")

    def update_ticket(self, ticket_id: str, given: JsonObject) -> JsonObject:
        """Change a ticket and, when there is a `message`, add it. Microsoft's connector always sends the requester."""
        ticket = copy.deepcopy(self.ticket(ticket_id))
        requester = _part(given, "requester")
        ticket["requester"] |= {key: value for key, value in requester.items() if value is not None}
        ticket["source"] |= _source(given)
        _one_of(given, "status", STATUSES)
        for field in ("subject", "status", "tags"):
            ticket[field] = given.get(field, ticket[field])
        if assignee := self._assignee(given):
            ticket["assignee"] = assignee
        if given.get("message"):
            ticket["events"].append(self._event(str(given["message"]), ticket["requester"], ticket["source"]))
        ticket["modified"] = self._now()
        self._tickets[ticket_id] = ticket
        return ticket

    def page(self, query: Mapping[str, str]) -> JsonObject:
        """`{"tickets", "total", "pages"}`, newest first, 25 a page."""
        _one_of(dict(query), "status", STATUSES)
        number, found = _number(dict(query), "page", 1), self._found(query)
        if number < 1:
            raise _refused(400, "page must be 1 or more.")
        first = (number - 1) * PAGE
        pages = max(1, math.ceil(len(found) / PAGE))
        return {"tickets": found[first : first + PAGE], "total": len(found), "pages": pages}

    def _found(self, query: Mapping[str, str]) -> list[JsonObject]:
        words = query.get("query", "").lower()
        return [
            ticket
            for ticket in reversed(self._tickets.values())
            if query.get("status", ticket["status"]) == ticket["status"]
            and words in f"{ticket['subject']} {ticket['requester']['mail']}".lower()
            and query.get("date_from", "") <= ticket["date"]
            and ticket["date"][:10] <= query.get("date_to", "9999")
        ]

    def _keep(self, given: JsonObject, source: str) -> JsonObject:
        requester = _part(given, "requester")
        mail = text_of(requester, "mail")
        if "@" not in mail:
            raise _refused(400, "requester.mail must be an email address.")
        now = self._now()
        asker = {"mail": mail, "name": text_of(requester, "name", default=mail.partition("@")[0])}
        asker["ip"] = text_of(requester, "ip", default="192.0.2.1")
        where = {"type": source, "url": "", "id": new_id(5)} | _source(given)
        ticket: JsonObject = {
            "id": new_id(5),
            "date": now,
            "modified": now,
            "status": given.get("status", "open"),
            "subject": text_of(given, "subject", default="(no subject)"),
            "requester": asker,
            "groups": [GROUP | {"inherited": True}],
            "currentGroup": GROUP,
            "events": [self._event(text_of(given, "message"), asker, where)],
            "source": where,
            "tags": list(given.get("tags") or []),
        }
        if assignee := self._assignee(given):
            ticket["assignee"] = assignee
        self._tickets[ticket["id"]] = ticket
        return ticket

    def _assignee(self, given: JsonObject) -> JsonObject | None:
        login = _part(given, "assignee").get("id")
        if not login:
            return None
        if login not in self._agents:
            raise _refused(400, f"assignee.id: there is no agent {login}.")
        return {"id": login, "name": self._agents[login]["name"]}

    def _event(self, message: str, requester: JsonObject, source: JsonObject) -> JsonObject:
        author = {"id": requester["mail"], "name": requester["name"], "type": "client"}
        where = {key: source[key] for key in ("type", "url")}
        moment = {"type": "message", "date": self._now(), "is_private": False}
        return {"author": author, **moment, "message": message, "source": where}

    def _now(self) -> str:
        return _text(self._clock.now())


class Chats:
    """The chats that come in; times are epoch seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._chats: dict[str, JsonObject] = {}
        self._visitors: list[JsonObject] = []

    def visitor(self, given: JsonObject) -> JsonObject:
        """A visitor opens a page."""
        now = self._now()
        invented = {
            "id": f"S{now}.{new_id(10).lower()}",
            "name": text_of(given, "name", default="Vera Visitor"),
            "email": text_of(given, "email", "mail", default="vera.visitor@example.com"),
            "language": "en",
            "country": "Poland",
            "city": "Wroclaw",
            "timezone": "Europe/Warsaw",
            "page_current": f"{WEB}/pricing",
            "custom_variables": [],
        }
        visitor = merged(invented, {key: value for key, value in given.items() if key in invented})
        self._visitors.append(visitor)
        return visitor

    def start(self, given: JsonObject, agent: JsonObject) -> JsonObject:
        """A chat comes in: `{"chat", "visitor", "pre_chat_survey"}`."""
        now = self._now()
        visitor = self.visitor(_part(given, "visitor") or given)
        question = text_of(given, "message", "text", default="Hello, can you help me?")
        invented = {
            "id": new_id(),
            "started_timestamp": now,
            "url": visitor["page_current"],
            "referer": "https://search.example.com/",
            "messages": [_message("visitor", visitor["name"], question, now)],
            "attachments": [],
            "events": [],
            "agents": [{"name": agent["name"], "login": agent["login"]}],
            "tags": [],
            "groups": [0],
        }
        data: JsonObject = {
            "chat": merged(invented, _part(given, "chat")),
            "visitor": visitor,
            "pre_chat_survey": _survey(visitor),
        }
        data["pre_chat_survey"] = given.get("pre_chat_survey", data["pre_chat_survey"])
        self._chats[data["chat"]["id"]] = data
        return copy.deepcopy(data)

    def say(self, given: JsonObject) -> JsonObject:
        """Somebody writes: `text`, and `author`: `visitor` (default) or `agent`."""
        data = self._open(given)
        agent = data["chat"]["agents"][0]
        by_agent = text_of(given, "author", default="visitor") != "visitor"
        said = text_of(given, "text", "message", default="Yes, thank you." if by_agent else "Are you there?")
        name = agent["name"] if by_agent else data["visitor"]["name"]
        message = _message("agent" if by_agent else "visitor", name, said, self._now())
        if by_agent:
            message["agent_id"] = agent["login"]
        data["chat"]["messages"].append(message)
        return dict(copy.deepcopy(data["chat"]))

    def end(self, given: JsonObject) -> JsonObject:
        """The visitor closes the chat."""
        data = self._open(given)
        now = self._now()
        closed = {"user_type": "visitor", "text": f"{data['visitor']['name']} closed the chat.", "type": "closed"}
        data["chat"]["events"].append(closed | {"timestamp": now})
        data["chat"]["ended_timestamp"] = now
        return copy.deepcopy(data)

    def _open(self, given: JsonObject) -> JsonObject:
        going = {key: data for key, data in self._chats.items() if "ended_timestamp" not in data["chat"]}
        chat_id = text_of(given, "chat_id", "id", default=next(reversed(going), ""))
        if chat_id not in going:
            raise ValueError(f'there is no chat "{chat_id}" going on; start one with chat-start')
        return going[chat_id]

    def _now(self) -> int:
        return int(self._clock.now().timestamp())


def _agent(login: str, name: str, **more: Json) -> JsonObject:
    status = more.get("login_status") or "accepting chats"
    return {
        "login": login,
        "name": name,
        "permission": "normal",
        "job_title": "Support Agent",
        "login_status": status,
        "status": status,
        "max_chats_count": 3,
        "avatar": f"https://cdn.example.com/avatars/{login.partition('@')[0]}.png",
        "groups": [GROUP],
    } | {key: value for key, value in more.items() if value is not None}


def _message(user_type: str, author: str, text: str, at: int) -> JsonObject:
    return {"user_type": user_type, "author_name": author, "text": text, "json": "", "timestamp": at}


def _survey(visitor: JsonObject) -> list[JsonObject]:
    asked = (("2001", "name", "Name:", "name"), ("2002", "email", "E-mail:", "email"))
    return [{"id": key, "type": kind, "label": label, "answer": visitor[field]} for key, kind, label, field in asked]


def _source(given: JsonObject) -> JsonObject:
    source = _part(given, "source")
    _one_of(source, "type", (*SOURCES, "facebook", "agent-app-manual"))
    return {key: value for key, value in source.items() if key in ("type", "url", "id") and value is not None}


def _part(given: JsonObject, name: str) -> JsonObject:
    value = given.get(name)
    if value is not None and not isinstance(value, dict):
        raise _refused(400, f"{name} must be an object.")
    return value or {}


def _only_objects(given: JsonObject, *names: str) -> JsonObject:
    """What was given; a shorthand such as `"requester": "a@b.c"` is not one."""
    for name in names:
        if name in given and not isinstance(given[name], dict):
            raise ValueError(f'"{name}" is an object')
    return given


def _required(given: JsonObject, name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise _refused(400, f"{name} is required.")
    return value


def _one_of(given: JsonObject, name: str, allowed: tuple[str, ...]) -> None:
    if given.get(name) not in (None, *allowed):
        raise _refused(400, f"{name} must be one of {', '.join(allowed)}.")


def _number(given: JsonObject, name: str, default: int) -> int:
    """A whole number, which the connector sends as text."""
    try:
        return int(given.get(name) or default)
    except (TypeError, ValueError):
        raise _refused(400, f"{name} must be a number.") from None


def _refused(status: int, message: str) -> Refused:
    return Refused(json_answer({"errors": [message]}, status))


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
