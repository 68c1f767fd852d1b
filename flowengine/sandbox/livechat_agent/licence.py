"""The state behind the Agent Chat API: one licence with its agents, groups, customers, chats and threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import uuid4

from flowengine.sandbox.livechat_agent.errors import refused
from flowengine.sandbox.livechat_agent.hooks import Hooks
from flowengine.sandbox.livechat_agent.tokens import AGENT, CLIENT_ID, OWNER, Token
from flowengine.sandbox.service import World, new_id
from flowengine.types import JsonObject

GROUPS: Final = {0: "General", 1: "Sales"}
BOT: Final = "bot-5c9871d5"
WEB: Final = "https://www.example.com"


@dataclass(slots=True)
class Chat:
    """One chat. `members` hold `{"type", "visibility"}` by user id; the newest thread stands last."""

    id: str
    members: dict[str, JsonObject] = field(default_factory=dict)
    properties: JsonObject = field(default_factory=dict)
    group_ids: list[int] = field(default_factory=lambda: [0])
    followers: set[str] = field(default_factory=set)
    threads: list[JsonObject] = field(default_factory=list)

    @property
    def active_thread(self) -> JsonObject | None:
        """The thread that is going on."""
        return self.threads[-1] if self.threads and self.threads[-1]["active"] else None

    @property
    def customer(self) -> str | None:
        return next((user for user, member in self.members.items() if member["type"] == "customer"), None)

    @property
    def agents(self) -> list[str]:
        return [user for user, member in self.members.items() if member["type"] == "agent"]


class Licence:
    """All of it, and the few questions that every method asks."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.hooks = Hooks(world.courier)
        self.agents: dict[str, JsonObject] = {}
        self.customers: dict[str, JsonObject] = {}
        self.chats: dict[str, Chat] = {}
        self.uploads: dict[str, tuple[datetime, bytes, str]] = {}
        """What was uploaded, by the path of its address: when, the content, its type."""
        for login, name, groups in (
            (OWNER, "Olivia Owner", [0, 1]),
            (AGENT, "Adam Agent", [0]),
            ("beata@example.com", "Beata Agent", [1]),
        ):
            self.agents[login] = {
                "id": login,
                "name": name,
                "groups": groups,
                "status": "accepting_chats",
                "bot": False,
            }
        bot = {"id": BOT, "name": "Greeting bot", "groups": [0], "status": "offline", "bot": True}
        self.agents[BOT] = bot | {"owner_client_id": CLIENT_ID}
        self.new_customer({"name": "Vera Visitor", "email": "vera.visitor@example.com"})

    def now(self) -> str:
        """The present moment as LiveChat writes it: microseconds, UTC."""
        return self.world.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def new_customer(self, given: JsonObject) -> JsonObject:
        """Keep a new customer."""
        now = self.now()
        customer = {
            "id": str(uuid4()),
            "type": "customer",
            "created_at": now,
            **{key: given[key] for key in ("name", "email", "avatar") if given.get(key) is not None},
            "session_fields": list(given.get("session_fields") or []),
            "last_visit": _visit(now),
            "statistics": {
                "chats_count": 0,
                "threads_count": 0,
                "visits_count": 1,
                "page_views_count": 2,
                "greetings_shown_count": 0,
                "greetings_accepted_count": 0,
            },
            "chat_ids": [],
        }
        self.customers[customer["id"]] = customer
        return customer

    def customer(self, customer_id: str) -> JsonObject:
        if customer_id not in self.customers:
            raise refused("not_found", f"customer {customer_id}")
        return self.customers[customer_id]

    def agent(self, agent_id: str) -> JsonObject:
        if agent_id not in self.agents:
            raise refused("not_found", f"agent {agent_id}")
        return self.agents[agent_id]

    def chat(self, chat_id: str, token: Token) -> Chat:
        """The chat, if it exists (`not_found`) and the token's agent may see it (`missing_access`)."""
        if chat_id not in self.chats:
            raise refused("not_found", f"chat {chat_id}")
        chat = self.chats[chat_id]
        if not self.sees(token, chat):
            raise refused("missing_access", f"chat {chat_id}")
        return chat

    def thread(self, chat: Chat, thread_id: str) -> JsonObject:
        for thread in chat.threads:
            if thread["id"] == thread_id:
                return thread
        raise refused("not_found", f"thread {thread_id}")

    def event(self, thread: JsonObject, event_id: str) -> JsonObject:
        events: list[JsonObject] = thread["events"]
        for event in events:
            if event["id"] == event_id:
                return event
        raise refused("not_found", f"event {event_id}")

    def visible(self, token: Token) -> Iterator[Chat]:
        """The chats that the token's agent may see."""
        return (chat for chat in self.chats.values() if self.sees(token, chat))

    def sees(self, token: Token, chat: Chat) -> bool:
        in_group = set(chat.group_ids) & set(self.agents[token.agent]["groups"])
        return token.sees_every_chat or token.agent in chat.members or bool(in_group)

    def taking_chats(self, group_ids: Sequence[int]) -> list[str]:
        """The agents of these groups who accept chats, those with the fewest first."""
        busy = {login: self.active_chats(login) for login in self.agents}
        fitting = [
            login
            for login, agent in self.agents.items()
            if agent["status"] == "accepting_chats" and set(group_ids) & set(agent["groups"])
        ]
        return sorted(fitting, key=lambda login: busy[login])

    def active_chats(self, login: str) -> int:
        return sum(1 for chat in self.chats.values() if chat.active_thread and login in chat.members)

    def new_thread(self, chat: Chat, *, active: bool, properties: JsonObject | None = None) -> JsonObject:
        """Open the chat's next thread."""
        thread: JsonObject = {
            "id": new_id(),
            "created_at": self.now(),
            "active": active,
            "user_ids": list(chat.members),
            "events": [],
            "properties": dict(properties or {}),
            "access": {"group_ids": list(chat.group_ids)},
            "tags": [],
        }
        if chat.customer:
            customer = self.customers[chat.customer]
            visit = customer["last_visit"]
            thread["customer_visit"] = {key: visit[key] for key in ("ip", "user_agent", "geolocation")}
            customer["statistics"]["threads_count"] += 1
        chat.threads.append(thread)
        return thread

    def new_chat(self, members: dict[str, JsonObject], group_ids: list[int]) -> Chat:
        """Keep a new chat, without a thread yet."""
        chat = Chat(new_id(), members, group_ids=group_ids)
        self.chats[chat.id] = chat
        if chat.customer:
            customer = self.customers[chat.customer]
            customer["chat_ids"].append(chat.id)
            customer["statistics"]["chats_count"] += 1
        return chat


def member(kind: str, visibility: str = "all") -> JsonObject:
    """What a chat keeps of one of its users."""
    return {"type": kind, "visibility": visibility}


def _visit(now: str) -> JsonObject:
    return {
        "started_at": now,
        "ended_at": now,
        "referrer": "https://search.example.com/",
        "ip": "192.0.2.17",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
        "geolocation": {
            "latitude": "51.1",
            "longitude": "17.03",
            "country": "Poland",
            "country_code": "PL",
            "region": "Dolnoslaskie",
            "city": "Wroclaw",
            "timezone": "Europe/Warsaw",
        },
        "last_pages": [
            {"opened_at": now, "url": f"{WEB}/", "title": "Example shop"},
            {"opened_at": now, "url": f"{WEB}/pricing", "title": "Prices"},
        ],
    }
