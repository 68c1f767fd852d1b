"""Registered webhooks, and telling them what happens (Configuration API v3.6; envelope and limits as documented)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flowengine.sandbox.deliveries import Courier
from flowengine.sandbox.livechat_agent.errors import refused
from flowengine.sandbox.service import new_id
from flowengine.types import Json, JsonObject

ORGANIZATION: Final = "390e44e6-f1e6-0368-0000-000000000000"
PER_ACTION: Final = 3
"""Webhooks that one client may register for one action."""
IN_CHATS: Final = (
    *("incoming_chat", "chat_deactivated", "chat_access_updated", "chat_transferred", "user_added_to_chat"),
    *("user_removed_from_chat", "incoming_event", "event_deleted", "event_updated", "incoming_rich_message_postback"),
    *("chat_properties_updated", "chat_properties_deleted", "thread_properties_updated", "thread_properties_deleted"),
    *("event_properties_updated", "event_properties_deleted", "thread_tagged", "thread_untagged"),
    *("events_marked_as_seen", "thread_summary_set"),
)
ELSEWHERE: Final = (
    *("routing_status_set", "customer_session_fields_updated", "incoming_customer"),
    *("agent_created", "agent_approved", "agent_updated", "agent_suspended", "agent_unsuspended", "agent_deleted"),
    *("auto_accesses_updated", "bot_created", "bot_updated", "bot_deleted"),
    *("group_created", "group_deleted", "group_updated", "tag_created", "tag_deleted", "tag_updated"),
)
ACTIONS: Final = (*IN_CHATS, *ELSEWHERE)
FILTERS: Final = ("chat_presence", "only_my_chats", "author_type", "agent_ids", "source_type")
ADDITIONAL: Final = ("chat_properties", "chat_presence_user_ids")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What filters and additional data of a webhook look at."""

    chat_properties: JsonObject | None = None
    user_ids: Sequence[str] = ()
    author_type: str | None = None
    agent_id: str | None = None


class Hooks:
    """The licence's webhooks."""

    def __init__(self, courier: Courier) -> None:
        self._courier = courier
        self.registered: dict[str, JsonObject] = {}

    def register(self, given: JsonObject) -> str:
        """Keep a webhook and give its id. Refuses the fourth for one action and client (`limit_reached`)."""
        same = [hook for hook in self.of(given["owner_client_id"]) if hook["action"] == given["action"]]
        if len(same) >= PER_ACTION:
            raise refused("limit_reached", f"{PER_ACTION} webhooks per action and client")
        hook = {"id": new_id(25).lower(), **given}
        self.registered[hook["id"]] = hook
        return str(hook["id"])

    def of(self, client_id: str) -> list[JsonObject]:
        """The webhooks of one client."""
        return [hook for hook in self.registered.values() if hook["owner_client_id"] == client_id]

    def remove(self, hook_id: str, client_id: str) -> None:
        if hook_id not in {hook["id"] for hook in self.of(client_id)}:
            raise refused("not_found", f"webhook {hook_id}")
        del self.registered[hook_id]

    def tell(self, action: str, payload: Json, around: Circumstances | None = None) -> None:
        """Deliver to every webhook that asks for this."""
        around = around or Circumstances()
        for hook in self.registered.values():
            if hook["action"] == action and _passes(hook.get("filters") or {}, around):
                body = {
                    "webhook_id": hook["id"],
                    "secret_key": hook["secret_key"],
                    "action": action,
                    "organization_id": ORGANIZATION,
                    "payload": payload,
                    "additional_data": _additional(hook.get("additional_data") or (), around),
                }
                self._courier.send(action, hook["id"], hook["url"], body)


def _passes(filters: JsonObject, around: Circumstances) -> bool:
    author, agents = filters.get("author_type"), filters.get("agent_ids")
    if author and around.author_type and author != around.author_type:
        return False
    if agents and around.agent_id and not _wanted(agents, [around.agent_id]):
        return False
    presence = (filters.get("chat_presence") or {}).get("user_ids")
    return not presence or _wanted(presence, around.user_ids)


def _wanted(wish: Json, present: Sequence[str]) -> bool:
    """`wish` is `{"values": [...]}` or `{"exclude_values": [...]}`, or simply the list."""
    if isinstance(wish, list):
        wish = {"values": wish}
    there = set(present)
    return bool(there & set(wish.get("values") or there)) and not there & set(wish.get("exclude_values") or ())


def _additional(wanted: Sequence[str], around: Circumstances) -> JsonObject:
    known: JsonObject = {"chat_properties": around.chat_properties, "chat_presence_user_ids": list(around.user_ids)}
    return {name: known[name] for name in wanted if known.get(name)}
