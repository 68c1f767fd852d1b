"""Comm100's RESTful API, version 4: the chat server's agents and visitors, and the management of webhooks.

Paths are answered with and without the leading `/v4`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from flowengine.sandbox.comm100_webhooks import EVENTS, chat_told, message_told, visitor_told, wrapped_told
from flowengine.sandbox.limits import Limit
from flowengine.sandbox.messages import Answer, Call, Refused, json_answer, merged
from flowengine.sandbox.service import Routes, Signal, World, text_of
from flowengine.types import Json, JsonObject

TOKEN: Final = "comm100-sandbox-token"  # noqa: S105  (made up: it opens nothing but this stand-in)
NOBODY: Final = str(UUID(int=0))
WEB: Final = "https://www.example.com"
_FIRST_AGENT: Final = "c97a2afe-0000-4000-8000-000000000001"


class Comm100:
    """The service: one site with two agents and a visitor."""

    name = "comm100"
    title = "Comm100 (RESTful API version 4, chat server)"
    limit = Limit(300, 300)

    def __init__(self, world: World) -> None:
        self._world = world
        self.credentials: Mapping[str, str] = {"access_token": TOKEN}
        self.notes = ("sent as Authorization: Bearer",)
        self.signals: Mapping[str, Signal] = {
            "chat-request": self._chat_request,
            "chat-start": self._chat_start,
            "chat-message": self._chat_message,
            "chat-transfer": self._chat_transfer,
            "chat-end": self._chat_end,
            "chat-wrap-up": self._chat_wrap_up,
            "offline-message": self._offline_message,
            "ticket": self._offline_message,
            "visitor": lambda given: {"visitor": self._visitor(given)},
            "agent-status": self._agent_status,
        }
        self._routes = Routes(
            ("GET", "/livechat/agents", self._list_agents),
            ("GET", "/livechat/agents/{id}", self._get_agent),
            ("PUT", "/livechat/agents/{id}", self._update_agent),
            ("GET", "/livechat/visitors", self._list_visitors),
            ("GET", "/livechat/visitors/{id}", self._get_visitor),
            ("PUT", "/livechat/visitors/{id}", self._update_visitor),
            ("GET", "/livechat/webhooks", self._list_webhooks),
            ("POST", "/livechat/webhooks", self._create_webhook),
            ("GET", "/livechat/webhooks/{id}", self._get_webhook),
            ("PUT", "/livechat/webhooks/{id}", self._update_webhook),
            ("DELETE", "/livechat/webhooks/{id}", self._delete_webhook),
        )
        self.reset()

    def reset(self) -> None:
        self._agents: dict[str, JsonObject] = {}
        for agent_id in (_FIRST_AGENT, "c97a2afe-0000-4000-8000-000000000002"):
            self._agents[agent_id] = {"id": agent_id, "status": "Online", "ongoingChats": 0}
        self._visitors: dict[str, JsonObject] = {}
        self._chats: dict[str, JsonObject] = {}
        self._hooks: dict[str, JsonObject] = {}
        self._visitor({"id": "3d59f909-0000-4000-8000-000000000001"})

    async def answer(self, call: Call) -> Answer:
        if call.headers.get("authorization") != f"Bearer {TOKEN}":
            raise _refused(401, "The access token is missing or not valid.")
        path = call.path.removeprefix("/v4")
        match self._routes.find(call.method, path):
            case (handler, found):
                return handler(call, found)
            case methods if methods:
                raise _refused(405, f"{path} allows {', '.join(sorted(methods))}.")
        raise _refused(404, f"There is nothing at {path}.")

    def too_many_calls(self, retry_after: float) -> Answer:
        body = {"code": 429, "message": "The limit of API calls is exceeded."}
        return json_answer(body, 429, {"retry-after": f"{retry_after:g}"})

    def broken(self, status: int) -> Answer:
        return json_answer({"code": status, "message": "The service is out of order (an ordered fault)."}, status)

    def webhooks(self) -> list[JsonObject]:
        return list(self._hooks.values())

    def _list_agents(self, call: Call, found: Mapping[str, str]) -> Answer:
        return json_answer(list(self._agents.values()))

    def _get_agent(self, call: Call, found: Mapping[str, str]) -> Answer:
        return json_answer(_one(self._agents, found["id"]))

    def _list_visitors(self, call: Call, found: Mapping[str, str]) -> Answer:
        return json_answer(list(self._visitors.values()))

    def _get_visitor(self, call: Call, found: Mapping[str, str]) -> Answer:
        return json_answer(_one(self._visitors, found["id"]))

    def _list_webhooks(self, call: Call, found: Mapping[str, str]) -> Answer:
        return json_answer(self.webhooks())

    def _get_webhook(self, call: Call, found: Mapping[str, str]) -> Answer:
        return json_answer(_one(self._hooks, found["id"]))

    def _update_agent(self, call: Call, found: Mapping[str, str]) -> Answer:
        agent = _one(self._agents, found["id"])
        given = _json(call)
        status = given.get("status") if isinstance(given, dict) else None
        if not isinstance(status, str) or not status.strip():
            raise _refused(400, "status is required.")
        self._set_status(agent, status)
        return json_answer(agent)

    def _update_visitor(self, call: Call, found: Mapping[str, str]) -> Answer:
        """Set custom variables: an array of `{name, value, url}`; the documentation's table allows a single one too."""
        visitor = _one(self._visitors, found["id"])
        given = _json(call)
        variables = {item["name"]: item for item in visitor["customVariableResults"]}
        for item in given if isinstance(given, list) else [given]:
            if not isinstance(item, dict) or not isinstance(item.get("name"), str) or not item["name"]:
                raise _refused(400, "name is required in each custom variable.")
            old = variables.get(item["name"], {"name": item["name"], "value": "", "url": ""})
            variables[item["name"]] = old | {
                key: str(item[key]) for key in ("value", "url") if item.get(key) is not None
            }
        visitor["customVariableResults"] = list(variables.values())
        return json_answer(visitor)

    def _create_webhook(self, call: Call, found: Mapping[str, str]) -> Answer:
        hook = {"id": str(uuid4())} | _hook(_json(call))
        self._hooks[hook["id"]] = hook
        return json_answer(hook, 201)

    def _update_webhook(self, call: Call, found: Mapping[str, str]) -> Answer:
        hook = _one(self._hooks, found["id"])
        hook |= _hook(_json(call))
        return json_answer(hook)

    def _delete_webhook(self, call: Call, found: Mapping[str, str]) -> Answer:
        del self._hooks[_one(self._hooks, found["id"])["id"]]
        return Answer(204)

    def _visitor(self, given: JsonObject) -> JsonObject:
        now = _text(self._world.clock.now())
        invented = {
            "id": str(uuid4()),
            "status": "inSite",
            "name": "Vera Visitor",
            "email": text_of(given, "mail", default="vera.visitor@example.com"),
            "phone": "+48 000 000 000",
            "company": "Example Ltd",
            "browser": "Firefox 130",
            "operatingSystem": "Linux",
            "screenResolution": "1920x1080",
            "flashVersion": "",
            "language": "en-US",
            "ip": "192.0.2.17",
            "country": "Poland",
            "state": "Lower Silesia",
            "city": "Wroclaw",
            "timeZone": "GMT +01:00",
            "visitTime": now,
            "firstVisitTime": now,
            "visits": 1,
            "chats": 0,
            "pageViews": 2,
            "currentBrowsing": f"{WEB}/pricing",
            "landingPage": WEB,
            "referrerUrl": "",
            "searchEngine": "",
            "searchKeywords": "",
            "productService": "",
            "departmentId": NOBODY,
            "customFields": [],
            "customVariableResults": [],
        }
        visitor = merged(invented, {key: value for key, value in given.items() if key in invented})
        self._visitors[visitor["id"]] = visitor
        return visitor

    def _chat_request(self, given: JsonObject) -> JsonObject:
        visitor = self._chatting_visitor(given)
        visitor["status"] = "waitingForChat"
        chat_id = str(uuid4())
        self._tell("chatIsRequested", {"visitor": visitor_told(visitor, chat_id)})
        return {"visitor": visitor, "chat_id": chat_id}

    def _chat_start(self, given: JsonObject) -> JsonObject:
        visitor, agent = self._chatting_visitor(given), self._agents[_FIRST_AGENT]
        now = self._world.clock.now()
        question = text_of(given, "message", "text", default="Hello, can you help me?")
        chat: JsonObject = {
            "id": str(uuid4()),
            "visitor_id": visitor["id"],
            "operator": "Adam",
            "operator_id": agent["id"],
            "started": now,
            "ended": None,
            "lines": [{"at": now, "name": visitor["name"], "text": question}],
            "rating": 0,
            "wrap_up": {"category": "", "comment": ""},
        }
        self._chats[chat["id"]] = chat
        visitor["status"] = "chatting"
        visitor["chats"] += 1
        agent["ongoingChats"] += 1
        self._tell("chatStarts", {"visitor": visitor_told(visitor, chat["id"])})
        return {"chat": _shown(chat), "visitor": visitor}

    def _chat_message(self, given: JsonObject) -> JsonObject:
        chat = self._chat(given)
        by_agent = text_of(given, "author", default="visitor") != "visitor"
        name = chat["operator"] if by_agent else self._visitors[chat["visitor_id"]]["name"]
        text = text_of(given, "text", "message", default="Are you there?")
        chat["lines"].append({"at": self._world.clock.now(), "name": name, "text": text})
        return {"chat": _shown(chat)}

    def _chat_transfer(self, given: JsonObject) -> JsonObject:
        chat = self._chat(given)
        target = next(agent for agent in self._agents.values() if agent["id"] != chat["operator_id"])
        self._agents[chat["operator_id"]]["ongoingChats"] -= 1
        target["ongoingChats"] += 1
        chat["operator_id"], chat["operator"] = target["id"], "Beata"
        self._tell_chat("chatIsTransferred", chat)
        return {"chat": _shown(chat)}

    def _chat_end(self, given: JsonObject) -> JsonObject:
        chat = self._chat(given)
        chat["ended"] = self._world.clock.now()
        chat["rating"] = given.get("rating", 0)
        self._agents[chat["operator_id"]]["ongoingChats"] -= 1
        self._visitors[chat["visitor_id"]]["status"] = "chatEnded"
        self._tell_chat("chatEnds", chat)
        return {"chat": _shown(chat), "visitor": self._visitors[chat["visitor_id"]]}

    def _chat_wrap_up(self, given: JsonObject) -> JsonObject:
        chat = self._chat(given, ended=True)
        chat["wrap_up"] = {key: text_of(given, key) for key in ("category", "comment")}
        visitor = self._visitors[chat["visitor_id"]]
        self._tell("chatIsWrappedUp", wrapped_told(chat, visitor, self._world.clock.now()))
        return {"chat": _shown(chat)}

    def _offline_message(self, given: JsonObject) -> JsonObject:
        visitor = self._chatting_visitor(given)
        message: JsonObject = {
            "id": str(uuid4()),
            "subject": text_of(given, "subject", default="Nobody was there"),
            "content": text_of(given, "message", "content", default="Please call me back."),
        }
        visitor["status"] = "offlineMessage"
        now = self._world.clock.now()
        told = {"offline_message": message_told(message, visitor, now), "visitor": visitor_told(visitor, message["id"])}
        self._tell("offlineMessageIsSubmitted", told)
        return {"offline_message": message, "visitor": visitor}

    def _agent_status(self, given: JsonObject) -> JsonObject:
        agent_id = text_of(given, "id", "agent", default=_FIRST_AGENT)
        if agent_id not in self._agents:
            raise ValueError(f'there is no agent "{agent_id}"')
        self._set_status(self._agents[agent_id], text_of(given, "status", default="Away"))
        return {"agent": self._agents[agent_id]}

    def _set_status(self, agent: JsonObject, status: str) -> None:
        known = {"online": "Online", "away": "Away"}
        agent["status"] = known.get(status.lower(), status)
        # A status of one's own is a kind of being away.
        told = "online" if agent["status"] == "Online" else "away"
        self._tell("agentStatusChanges", {"operator_id": agent["id"]}, name=told)

    def _chatting_visitor(self, given: JsonObject) -> JsonObject:
        """The visitor who is named by `visitor_id`, else a new one."""
        known = self._visitors.get(text_of(given, "visitor_id"))
        described = given.get("visitor") if isinstance(given.get("visitor"), dict) else given
        return known or self._visitor({key: value for key, value in (described or {}).items() if key != "status"})

    def _chat(self, given: JsonObject, *, ended: bool = False) -> JsonObject:
        fitting = {key: chat for key, chat in self._chats.items() if bool(chat["ended"]) == ended}
        chat_id = text_of(given, "chat_id", "id", default=next(reversed(fitting), ""))
        if chat_id not in fitting:
            which = "that has ended" if ended else "going on; start one with chat-start"
            raise ValueError(f'there is no chat "{chat_id}" {which}')
        return fitting[chat_id]

    def _tell_chat(self, event: str, chat: JsonObject) -> None:
        visitor = self._visitors[chat["visitor_id"]]
        told = chat_told(chat, visitor, self._world.clock.now())
        self._tell(event, {"visitor": visitor_told(visitor, chat["id"]), "chat": told})

    def _tell(self, event: str, data: JsonObject, name: str = "") -> None:
        for hook in self._hooks.values():
            if hook["event"] == event:
                body = {"event": name or EVENTS[event], **data}
                self._world.courier.send(event, hook["id"], hook["targetUrl"], body)


def _one(records: Mapping[str, JsonObject], given: str) -> JsonObject:
    try:
        wanted = str(UUID(given))
    except ValueError:
        raise _refused(400, f"{given} is not a guid.") from None
    if wanted not in records:
        raise _refused(404, f"There is nothing with the id {given}.")
    return records[wanted]


def _hook(given: Json) -> JsonObject:
    given = given if isinstance(given, dict) else {}
    if given.get("event") not in EVENTS:
        raise _refused(400, f"event must be one of {', '.join(EVENTS)}.")
    url = given.get("targetUrl")
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
        raise _refused(400, "targetUrl must be an http or https address.")
    return {"event": given["event"], "targetUrl": url}


def _json(call: Call) -> Json:
    try:
        return call.json()
    except ValueError:
        raise _refused(400, "The body is not JSON.") from None


def _shown(chat: JsonObject) -> JsonObject:
    return {key: value for key, value in chat.items() if key != "lines"} | {
        "messages": [{"name": line["name"], "text": line["text"]} for line in chat["lines"]]
    }


def _refused(status: int, message: str) -> Refused:
    return Refused(json_answer({"code": status, "message": message}, status))


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
