"""Every method: what it needs, who may call it, and what does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from flowengine.sandbox.livechat_agent import chats, configuration, events, people, properties, users
from flowengine.sandbox.livechat_agent.asked import Asked
from flowengine.sandbox.livechat_agent.hooks import ACTIONS
from flowengine.sandbox.livechat_agent.parameters import (
    Parameter,
    anything,
    array,
    choice,
    flag,
    moment,
    number,
    record,
    text,
    uuid4,
)
from flowengine.types import Json

READ: Final = ("chats--all:ro", "chats--access:ro")
WRITE: Final = ("chats--all:rw", "chats--access:rw")
HOOKS: Final = ("webhooks--my:rw", "webhooks--all:rw")
STATUS: Final = ("agents--my:rw", "agents--all:rw", "agents-bot--my:rw", "agents-bot--all:rw")


@dataclass(frozen=True, slots=True)
class Method:
    """One method. Any of the `scopes` will do; none: every token will."""

    do: Callable[[Asked], Json]
    scopes: tuple[str, ...]
    parameters: tuple[Parameter, ...]


def _method(do: Callable[[Asked], Json], scopes: tuple[str, ...], *parameters: Parameter) -> Method:
    return Method(do, scopes, parameters)


def _paging(most: int = 100) -> tuple[Parameter, ...]:
    return choice("sort_order", "asc", "desc"), number("limit", 1, most), text("page_id")


def _new_chat(prefix: str = "chat") -> tuple[Parameter, ...]:
    return (
        record(f"{prefix}.properties"),
        record(f"{prefix}.access"),
        array(f"{prefix}.access.group_ids"),
        array(f"{prefix}.users"),
        text(f"{prefix}.users.id!"),
        choice(f"{prefix}.users.type!", "agent", "customer"),
        record(f"{prefix}.thread"),
        array(f"{prefix}.thread.events"),
        text(f"{prefix}.thread.events.type!"),
        record(f"{prefix}.thread.properties"),
        flag("active"),
        flag("continuous"),
    )


_PERIOD: Final = (moment("filters.from"), moment("filters.to"))
_PRESENCE: Final = flag("ignore_requester_presence")
_THREAD: Final = (text("chat_id!"), text("thread_id!"))
_CUSTOMER: Final = (text("name"), text("email"), text("avatar"), array("session_fields"))

AGENT_CHAT: Final[Mapping[str, Method]] = {
    "list_chats": _method(
        chats.list_chats,
        READ,
        record("filters"),
        flag("filters.active"),
        flag("filters.include_chats_without_threads"),
        array("filters.group_ids", 200),
        record("filters.properties"),
        *_paging(),
    ),
    "list_threads": _method(
        chats.list_threads,
        READ,
        text("chat_id!"),
        number("min_events_count", 1, 100),
        record("filters"),
        *_PERIOD,
        *_paging(),
    ),
    "get_chat": _method(chats.get_chat, READ, text("chat_id!"), text("thread_id")),
    "list_archives": _method(
        chats.list_archives,
        READ,
        record("filters"),
        text("filters.query"),
        *_PERIOD,
        array("filters.thread_ids", 20),
        array("filters.group_ids", 200),
        record("filters.properties"),
        array("filters.surveys"),
        record("highlights"),
        text("highlights.pre_tag"),
        text("highlights.post_tag"),
        *_paging(),
    ),
    "start_chat": _method(chats.start_chat, WRITE, record("chat"), *_new_chat()),
    "resume_chat": _method(chats.resume_chat, WRITE, record("chat!"), text("chat.id!"), *_new_chat()),
    "deactivate_chat": _method(chats.deactivate_chat, WRITE, text("id!"), _PRESENCE),
    "follow_chat": _method(chats.follow_chat, READ, text("id!")),
    "unfollow_chat": _method(chats.unfollow_chat, (), text("id!")),
    "transfer_chat": _method(
        users.transfer_chat,
        WRITE,
        text("id!"),
        record("target"),
        choice("target.type!", "group", "agent"),
        array("target.ids!"),
        flag("ignore_agents_availability"),
        _PRESENCE,
    ),
    "add_user_to_chat": _method(
        users.add_user_to_chat,
        WRITE,
        text("chat_id!"),
        text("user_id!"),
        choice("user_type!", "agent", "customer"),
        choice("visibility!", "all", "agents"),
        _PRESENCE,
    ),
    "remove_user_from_chat": _method(
        users.remove_user_from_chat, WRITE, text("chat_id!"), text("user_id!"), choice("user_type!", "agent"), _PRESENCE
    ),
    "send_event": _method(
        events.send_event, WRITE, text("chat_id!"), record("event!"), text("event.type!"), text("event.custom_id")
    ),
    "send_rich_message_postback": _method(
        events.send_rich_message_postback,
        WRITE,
        *_THREAD,
        text("event_id!"),
        record("postback!"),
        text("postback.id!"),
        flag("postback.toggled!"),
    ),
    "update_chat_properties": _method(properties.update_chat_properties, WRITE, text("id!"), record("properties!")),
    "delete_chat_properties": _method(properties.delete_chat_properties, WRITE, text("id!"), record("properties!")),
    "update_thread_properties": _method(properties.update_thread_properties, WRITE, *_THREAD, record("properties!")),
    "delete_thread_properties": _method(properties.delete_thread_properties, WRITE, *_THREAD, record("properties!")),
    "update_event_properties": _method(
        properties.update_event_properties, WRITE, *_THREAD, text("event_id!"), record("properties!")
    ),
    "delete_event_properties": _method(
        properties.delete_event_properties, WRITE, *_THREAD, text("event_id!"), record("properties!")
    ),
    "tag_thread": _method(properties.tag_thread, WRITE, *_THREAD, text("tag!")),
    "untag_thread": _method(properties.untag_thread, WRITE, *_THREAD, text("tag!")),
    "get_customer": _method(people.get_customer, ("customers:ro",), text("id!")),
    "create_customer": _method(people.create_customer, ("customers:rw",), *_CUSTOMER),
    "update_customer": _method(people.update_customer, ("customers:rw",), uuid4("id!"), *_CUSTOMER),
    "ban_customer": _method(
        people.ban_customer, ("customers.ban:rw",), text("id!"), record("ban!"), number("ban.days!", 1)
    ),
    "follow_customer": _method(people.follow_customer, ("customers:ro",), text("id!")),
    "unfollow_customer": _method(people.unfollow_customer, (), text("id!")),
    "set_routing_status": _method(
        people.set_routing_status,
        STATUS,
        choice("status!", "accepting_chats", "not_accepting_chats", "offline"),
        text("agent_id"),
    ),
    "list_routing_statuses": _method(
        people.list_routing_statuses,
        ("agents--all:ro", "agents-bot--all:ro"),
        record("filters"),
        array("filters.group_ids"),
    ),
    "mark_events_as_seen": _method(people.mark_events_as_seen, READ, text("chat_id!"), moment("seen_up_to!")),
    "send_typing_indicator": _method(
        people.send_typing_indicator,
        WRITE,
        text("chat_id!"),
        choice("visibility", "all", "agents"),
        flag("is_typing!"),
    ),
    "multicast": _method(
        people.multicast,
        ("multicast:rw",),
        record("recipients!"),
        record("recipients.agents"),
        flag("recipients.agents.all"),
        array("recipients.agents.ids"),
        array("recipients.agents.groups"),
        record("recipients.customers"),
        array("recipients.customers.ids"),
        anything("content!"),
        text("type"),
    ),
    "list_agents_for_transfer": _method(people.list_agents_for_transfer, (), text("chat_id!")),
}
"""The methods with JSON bodies; `upload_file`, whose body is a form, is the service's own."""

CONFIGURATION: Final[Mapping[str, Method]] = {
    "register_webhook": _method(
        configuration.register_webhook,
        HOOKS,
        choice("action!", *ACTIONS),
        text("secret_key!"),
        text("url!"),
        text("owner_client_id"),
        choice("type!", "bot", "license"),
        record("filters"),
        array("additional_data"),
        text("description"),
    ),
    "unregister_webhook": _method(configuration.unregister_webhook, HOOKS, text("id!"), text("owner_client_id")),
    "list_webhooks": _method(configuration.list_webhooks, HOOKS, text("owner_client_id")),
}
