"""Access tokens, their scopes, and who they stand for. All are made up and open nothing but this stand-in."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flowengine.sandbox.livechat_agent.errors import refused

OWNER_TOKEN: Final = "dal:sandbox-owner"  # noqa: S105
AGENT_TOKEN: Final = "dal:sandbox-agent"  # noqa: S105
READER_TOKEN: Final = "dal:sandbox-reader"  # noqa: S105
EUROPE_TOKEN: Final = "fra:sandbox-owner"  # noqa: S105
ACCOUNT_ID: Final = "sandbox-account-id"
PERSONAL_TOKEN: Final = "dal:sandbox-personal"  # noqa: S105
CLIENT_ID: Final = "sandbox-client-id"
OWNER: Final = "olivia@example.com"
AGENT: Final = "adam@example.com"
EVERYTHING: Final = (
    *("chats--all:rw", "chats--access:rw", "customers:rw", "customers.ban:rw", "multicast:rw"),
    *(
        "agents--my:rw",
        "agents--all:rw",
        "agents-bot--my:rw",
        "agents-bot--all:rw",
        "webhooks--my:rw",
        "webhooks--all:rw",
    ),
)
_DEFAULT_REGION: Final = "dal"


@dataclass(frozen=True, slots=True)
class Token:
    """What a token allows. `agent` is the login of the agent for whom it stands."""

    agent: str
    scopes: tuple[str, ...]
    region: str = _DEFAULT_REGION

    def has(self, scope: str) -> bool:
        """Whether a scope is granted; the right to write includes the right to read."""
        return scope in self.scopes or (scope.endswith(":ro") and f"{scope[:-1]}w" in self.scopes)

    def has_any(self, scopes: Sequence[str]) -> bool:
        """Whether a method with these scopes may be called; no scopes: everybody may."""
        return not scopes or any(self.has(scope) for scope in scopes)

    @property
    def sees_every_chat(self) -> bool:
        return self.has("chats--all:ro")


TOKENS: Final[Mapping[str, Token]] = {
    OWNER_TOKEN: Token(OWNER, EVERYTHING),
    EUROPE_TOKEN: Token(OWNER, EVERYTHING, "fra"),
    AGENT_TOKEN: Token(AGENT, ("chats--access:rw", "customers:ro", "agents--my:rw", "agents--all:ro")),
    READER_TOKEN: Token(AGENT, ("chats--all:ro", "customers:ro")),
}


def authenticated(headers: Mapping[str, str]) -> Token:
    """The token of a request. Refuses unknown ones (`authentication`) and the wrong data center (`misdirected_request`)."""
    token = _token(headers.get("authorization", ""))
    if token is None:
        raise refused("authentication")
    if headers.get("x-region", _DEFAULT_REGION) != token.region:
        raise refused("misdirected_request", data={"region": token.region})
    return token


def _token(header: str) -> Token | None:
    """An app's token comes as Bearer; a personal one as Basic, with the account's id as the user's name."""
    scheme, _, given = header.partition(" ")
    if scheme.lower() == "bearer":
        return TOKENS.get(given.strip())
    personal = base64.b64encode(f"{ACCOUNT_ID}:{PERSONAL_TOKEN}".encode()).decode()
    return TOKENS[OWNER_TOKEN] if scheme.lower() == "basic" and given.strip() == personal else None
