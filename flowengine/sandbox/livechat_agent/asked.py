"""One call of a method: who asks, with what, of which licence; and how chats are told to those who ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flowengine.sandbox.livechat_agent.errors import refused
from flowengine.sandbox.livechat_agent.hooks import Circumstances
from flowengine.sandbox.livechat_agent.licence import Chat, Licence
from flowengine.sandbox.livechat_agent.tokens import Token
from flowengine.types import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Asked:
    """One call. `given` has passed the check against the method's parameters."""

    licence: Licence
    token: Token
    given: JsonObject

    @property
    def requester(self) -> str:
        """The login of the agent who asks."""
        return self.token.agent

    def chat(self, key: str = "chat_id") -> Chat:
        """The chat that the request names."""
        return self.licence.chat(self.given[key], self.token)

    def active_thread(self, chat: Chat) -> JsonObject:
        """The chat's thread that is going on; refuses with `chat_inactive`."""
        if chat.active_thread is None:
            raise refused("chat_inactive")
        return chat.active_thread

    def must_be_present(self, chat: Chat) -> None:
        """Refuse one who is not in the chat, unless the request says that it does not matter."""
        if self.requester not in chat.members and not self.given.get("ignore_requester_presence"):
            raise refused("missing_access", "the requester is not in the chat; set ignore_requester_presence")

    def tell(self, action: str, payload: Json, chat: Chat | None = None, author_type: str | None = None) -> None:
        """Tell the webhooks."""
        tell(self.licence, action, payload, chat, author_type)


def tell(
    licence: Licence, action: str, payload: Json, chat: Chat | None = None, author_type: str | None = None
) -> None:
    """Tell the webhooks what happened in a chat."""
    if chat is None:
        licence.hooks.tell(action, payload)
        return
    around = Circumstances(chat.properties, tuple(chat.members), author_type)
    licence.hooks.tell(action, payload, around)


def chat_shown(asked: Asked, chat: Chat, thread: JsonObject | None) -> JsonObject:
    """A chat with one of its threads, as `get_chat` and `list_archives` give it."""
    shown: JsonObject = {"id": chat.id}
    if thread is not None:
        shown["thread"] = thread_shown(chat, thread)
    return shown | around_shown(asked, chat)


def around_shown(asked: Asked, chat: Chat) -> JsonObject:
    """What every form of a chat has beside its threads."""
    return {
        "users": users_shown(asked.licence, chat),
        "properties": chat.properties,
        "access": {"group_ids": chat.group_ids},
        "is_followed": asked.requester in chat.followers or asked.requester in chat.members,
    }


def thread_shown(chat: Chat, thread: JsonObject) -> JsonObject:
    """A thread with its neighbours' ids."""
    shown = dict(thread)
    place = chat.threads.index(thread)
    if place:
        shown["previous_thread_id"] = chat.threads[place - 1]["id"]
    if place + 1 < len(chat.threads):
        shown["next_thread_id"] = chat.threads[place + 1]["id"]
    return shown


def users_shown(licence: Licence, chat: Chat) -> list[JsonObject]:
    """The chat's users, agents and customer, in full."""
    return [user_shown(licence, user, chat) for user in chat.members]


def user_shown(licence: Licence, user: str, chat: Chat) -> JsonObject:
    kept: dict[str, Any] = chat.members[user]
    present = chat.active_thread is not None
    if kept["type"] == "customer":
        customer = licence.customers[user]
        shown = ("id", "type", "name", "email", "avatar", "created_at", "session_fields", "statistics")
        return {key: customer[key] for key in shown if key in customer} | {"present": present}
    agent = licence.agents[user]
    about = {"id": user, "name": agent["name"], "email": user, "type": "agent", "present": present}
    avatar = f"https://cdn.example.com/avatars/{user.partition('@')[0]}.png"
    return about | {"avatar": avatar, "visibility": kept["visibility"]}
