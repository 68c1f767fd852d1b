"""LiveChat's REST API version 2, as far as Microsoft's LiveChat connector calls it: tickets, agents, webhooks.

Webhooks can be registered at LiveChat's own path or at the three paths by which Microsoft's gateway tells events apart.
Tickets carry RFC 3339 times, chats carry epoch seconds, lists of tickets come in an envelope: that is how version 2 is.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from flowengine.sandbox.limits import Limit
from flowengine.sandbox.livechat_v2_state import EVENTS, Chats, Desk
from flowengine.sandbox.messages import Answer, Call, Refused, json_answer
from flowengine.sandbox.service import Routes, Signal, World, new_id
from flowengine.types import JsonObject

LOGIN: Final = "owner@example.com"
API_KEY: Final = "sandbox-api-key"
LICENCE: Final = "100000001"
GATEWAY: Final = {
    "chat_starts_webhook": "chat_started",
    "chat_ends_webhook": "chat_ended",
    "ticket_created_webhook": "ticket_created",
}


class LiveChatV2:
    """The service: one licence with three agents."""

    name = "livechat"
    title = "LiveChat (REST API version 2)"
    limit = Limit(100, 60)

    def __init__(self, world: World) -> None:
        self._world = world
        self.credentials: Mapping[str, str] = {"username": LOGIN, "apikey": API_KEY}
        self.notes = ("sent as Basic authentication, with the header X-API-Version: 2",)
        self.signals: Mapping[str, Signal] = {
            "chat-start": self._chat_start,
            "chat-message": lambda given: {"chat": self._chats.say(given)},
            "chat-end": self._chat_end,
            "ticket": self._ticket,
            "visitor": lambda given: {"visitor": self._chats.visitor(given)},
        }
        self._routes = Routes(
            ("GET", "/tickets", self._list_tickets),
            ("POST", "/tickets", self._create_ticket),
            ("GET", "/tickets/{id}", self._get_ticket),
            ("PUT", "/tickets/{id}", self._update_ticket),
            ("PUT", "/tickets/{id}/tags", self._update_ticket),
            ("GET", "/agents", self._list_agents),
            ("POST", "/agents", self._create_agent),
            ("GET", "/agents/{login}", self._get_agent),
            ("DELETE", "/agents/{login}", self._delete_agent),
            ("GET", "/webhooks", self._list_webhooks),
            ("POST", "/webhooks", self._register),
            ("DELETE", "/webhooks/{id}", self._unregister),
            *(("POST", f"/{prefix}/webhooks", self._register) for prefix in GATEWAY),
            *(("DELETE", f"/{prefix}/webhooks/{{id}}", self._unregister) for prefix in GATEWAY),
        )
        self.reset()

    def reset(self) -> None:
        self._desk = Desk(self._world.clock)
        self._chats = Chats(self._world.clock)
        self._hooks: dict[str, JsonObject] = {}
        self._token = new_id(26).lower()

    async def answer(self, call: Call) -> Answer:
        _authenticate(call)
        if call.headers.get("x-api-version") != "2":
            raise Refused(_error(400, "The header X-API-Version: 2 is missing."))
        match self._routes.find(call.method, call.path):
            case (handler, found):
                return handler(call, found)
            case methods if methods:
                raise Refused(_error(405, f"{call.path} allows {', '.join(sorted(methods))}."))
        raise Refused(_error(404, f"There is nothing at {call.path}."))

    def too_many_calls(self, retry_after: float) -> Answer:
        refused = _error(429, "Too many requests.")
        return Answer(429, refused.body, (*refused.headers, ("retry-after", f"{retry_after:g}")))

    def broken(self, status: int) -> Answer:
        return _error(status, "The service is out of order (an ordered fault).")

    def webhooks(self) -> list[JsonObject]:
        return [{key: value for key, value in hook.items() if key != "token"} for hook in self._hooks.values()]

    def _get_ticket(self, call: Call, found: Mapping[str, str]) -> Answer:
        return json_answer(self._desk.ticket(found["id"]))

    def _list_agents(self, call: Call, found: Mapping[str, str]) -> Answer:
        return json_answer(self._desk.agents_shown())

    def _create_agent(self, call: Call, found: Mapping[str, str]) -> Answer:
        return json_answer(self._desk.create_agent(_object(call)))

    def _get_agent(self, call: Call, found: Mapping[str, str]) -> Answer:
        return json_answer(self._desk.agent(found["login"]))

    def _delete_agent(self, call: Call, found: Mapping[str, str]) -> Answer:
        return json_answer(self._desk.remove_agent(found["login"]))

    def _list_webhooks(self, call: Call, found: Mapping[str, str]) -> Answer:
        return json_answer({"webhooks": self.webhooks()})

    def _list_tickets(self, call: Call, found: Mapping[str, str]) -> Answer:
        return json_answer(self._desk.page(call.query))

    def _create_ticket(self, call: Call, found: Mapping[str, str]) -> Answer:
        ticket = self._desk.create_ticket(_object(call), source="lc2")
        self._tell("ticket_created", {"ticket": ticket}, with_id=False)
        return json_answer(ticket)

    def _update_ticket(self, call: Call, found: Mapping[str, str]) -> Answer:
        return json_answer(self._desk.update_ticket(found["id"], _object(call)))

    def _register(self, call: Call, found: Mapping[str, str]) -> Answer:
        given = _object(call)
        prefix = call.path.split("/")[1]
        event = given.get("event_type") or GATEWAY.get(prefix)
        if event not in EVENTS:
            raise Refused(_error(400, f"event_type must be one of {', '.join(EVENTS)}."))
        url = given.get("url")
        if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
            raise Refused(_error(400, "url must be an http or https address."))
        kinds = given.get("data_types") or list(EVENTS[event])
        if not isinstance(kinds, list) or not set(kinds) <= set(EVENTS[event]):
            raise Refused(_error(400, f"data_types of {event} are {', '.join(EVENTS[event])}."))
        hook: JsonObject = {"id": new_id(), "event_type": event, "data_types": kinds, "url": url, "token": self._token}
        self._hooks[hook["id"]] = hook
        # Microsoft's gateway unsubscribes with a DELETE of this address.
        return json_answer(hook, 200, {"location": f"{self._world.url}{call.path}/{hook['id']}"})

    def _unregister(self, call: Call, found: Mapping[str, str]) -> Answer:
        if self._hooks.pop(found["id"], None) is None:
            raise Refused(_error(404, f"There is no webhook {found['id']}."))
        return json_answer({"result": "The webhook has been removed."})

    def _chat_start(self, given: JsonObject) -> JsonObject:
        data = self._chats.start(given, self._desk.first_agent())
        self._tell("chat_started", data)
        return data

    def _chat_end(self, given: JsonObject) -> JsonObject:
        data = self._chats.end(given)
        self._tell("chat_ended", data)
        return data

    def _ticket(self, given: JsonObject) -> JsonObject:
        ticket = self._desk.incoming_ticket(given)
        self._tell("ticket_created", {"ticket": ticket}, with_id=False)
        return {"ticket": ticket}

    def _tell(self, event: str, data: JsonObject, *, with_id: bool = True) -> None:
        """Deliver an event. Chats come with an `event_unique_id`; tickets, as LiveChat sends them, with their own id only."""
        head = {"event_type": event, "token": self._token, "license_id": LICENCE, "lc_version": "2"}
        if with_id:
            head["event_unique_id"] = new_id(26).lower()
        for hook in self._hooks.values():
            if hook["event_type"] == event:
                body = head | {kind: data[kind] for kind in hook["data_types"]}
                self._world.courier.send(event, hook["id"], hook["url"], body)


def _authenticate(call: Call) -> None:
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        given = ""
    if scheme.lower() != "basic" or given != f"{LOGIN}:{API_KEY}":
        raise Refused(_error(401, "The login or the API key is wrong."))


def _object(call: Call) -> JsonObject:
    try:
        given = call.json()
    except ValueError:
        raise Refused(_error(400, "The body is not JSON.")) from None
    if not isinstance(given, dict):
        raise Refused(_error(400, "The body must be a JSON object."))
    return given


def _error(status: int, message: str) -> Answer:
    return json_answer({"errors": [message]}, status)
