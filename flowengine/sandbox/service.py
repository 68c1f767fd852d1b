"""What a service's stand-in consists of, and the small parts that all three share."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias
from uuid import uuid4

from flowengine.sandbox.deliveries import Courier
from flowengine.sandbox.limits import Limit
from flowengine.sandbox.messages import Answer, Call
from flowengine.types import Clock, Json, JsonObject

Handler: TypeAlias = Callable[[Call, Mapping[str, str]], Answer]
"""Answers a call, given its path's parameters."""
Signal: TypeAlias = Callable[[JsonObject], Json]
"""Something that happens at the service without an API call; gives what to show for it. `ValueError`: what was asked for makes no sense."""


@dataclass(slots=True)
class World:
    """What a service needs from its surroundings; `url` is known once the server listens."""

    clock: Clock
    courier: Courier
    url: str = field(default="")


class Service(Protocol):
    """One service's behaviour and state."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def limit(self) -> Limit | None: ...

    @property
    def credentials(self) -> Mapping[str, str]:
        """Connection parameters that this stand-in accepts, by the manifest's names."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What else there is to know, a line each: other tokens, for instance."""
        ...

    @property
    def signals(self) -> Mapping[str, Signal]:
        """What can be made to happen."""
        ...

    async def answer(self, call: Call) -> Answer:
        """Answer one API call. Raises `Refused`."""
        ...

    def too_many_calls(self, retry_after: float) -> Answer:
        """The answer to a call over the rate limit."""
        ...

    def broken(self, status: int) -> Answer:
        """The answer that an ordered fault gives."""
        ...

    def webhooks(self) -> list[JsonObject]:
        """The registered webhooks, without their secrets."""
        ...

    def reset(self) -> None:
        """Back to the first state."""
        ...


class Routes:
    """Methods and path templates (`/tickets/{id}`) to handlers."""

    def __init__(self, *routes: tuple[str, str, Handler]) -> None:
        self._routes = [(method, _pattern(template), handler) for method, template, handler in routes]

    def find(self, method: str, path: str) -> tuple[Handler, Mapping[str, str]] | frozenset[str]:
        """The handler and the path's parameters; else the methods that the path does know."""
        known = set()
        for route_method, pattern, handler in self._routes:
            if found := pattern.fullmatch(path):
                if route_method == method:
                    return handler, found.groupdict()
                known.add(route_method)
        return frozenset(known)


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template)))


def new_id(length: int = 10) -> str:
    """An identifier such as LiveChat's `PJ0MRSHTDG`: capital letters and digits."""
    return base64.b32encode(uuid4().bytes).decode()[:length]


def text_of(given: Mapping[str, Json], *names: str, default: str = "") -> str:
    """The first of the named values that is given, as text."""
    for name in names:
        if given.get(name) is not None:
            return str(given[name])
    return default
