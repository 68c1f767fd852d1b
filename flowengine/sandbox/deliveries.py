"""Delivering webhooks as LiveChat does: a POST that must be answered 200 within ten seconds, tried again up to three times.

Further tries follow within a minute. Every try and its answer is kept for reading.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

import httpx
import orjson

from flowengine.sandbox.messages import JSON
from flowengine.sandbox.record import without_secrets
from flowengine.types import Clock, JsonObject

TIMEOUT: Final = 10.0
"""Seconds that a receiver has for its answer."""
WAITS: Final = (5.0, 15.0, 30.0)
"""Seconds before the second, third and fourth try."""
FAST_WAITS: Final = (0.02, 0.04, 0.08)
AT_ONCE: Final = 64
KEPT: Final = 20_000


@dataclass(slots=True)
class Delivery:
    """One webhook on its way to one receiver."""

    event: str
    webhook_id: str
    url: str
    body: JsonObject
    created_at: str
    id: str = field(default_factory=lambda: uuid4().hex)
    status: str = "under_way"
    """`under_way`, `delivered` or `given_up`."""
    attempts: list[JsonObject] = field(default_factory=list)

    def to_json(self) -> JsonObject:
        """As the control endpoint shows it, secrets struck out."""
        shown = ("id", "event", "webhook_id", "url", "created_at", "status", "attempts")
        return {name: getattr(self, name) for name in shown} | {"body": without_secrets(self.body)}


class Courier:
    """Delivers in the background; `aclose` ends what is under way."""

    def __init__(self, clock: Clock, *, waits: Sequence[float] = WAITS, timeout: float = TIMEOUT) -> None:
        self.deliveries: deque[Delivery] = deque(maxlen=KEPT)
        self.begun = 0
        self._clock = clock
        self._waits = tuple(waits)
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(timeout, pool=None), trust_env=False)
        self._deadline = timeout
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._under_way: set[asyncio.Task[None]] = set()

    def send(self, event: str, webhook_id: str, url: str, body: JsonObject) -> Delivery:
        """Begin one delivery and give it."""
        delivery = Delivery(event, webhook_id, url, body, self._clock.now().isoformat())
        self.deliveries.append(delivery)
        self.begun += 1
        sending = asyncio.create_task(self._deliver(delivery))
        self._under_way.add(sending)
        sending.add_done_callback(self._under_way.discard)
        return delivery

    async def settled(self) -> None:
        """Wait until nothing is under way, further tries included."""
        while self._under_way:
            await asyncio.gather(*self._under_way, return_exceptions=True)

    async def clear(self) -> None:
        """End what is under way and forget everything."""
        for sending in self._under_way:
            sending.cancel()
        await self.settled()
        self.deliveries.clear()
        self.begun = 0

    async def aclose(self) -> None:
        """End what is under way and let go of the connections."""
        await self.clear()
        await self._client.aclose()

    async def _deliver(self, delivery: Delivery) -> None:
        content = orjson.dumps(delivery.body)
        for wait in (0.0, *self._waits):
            await asyncio.sleep(wait)
            async with self._gate:
                answered = await self._attempt(delivery, content)
            if answered == 200:
                delivery.status = "delivered"
                return
        delivery.status = "given_up"

    async def _attempt(self, delivery: Delivery, content: bytes) -> int | None:
        status, error = None, None
        at = self._clock.now()
        try:
            async with asyncio.timeout(self._deadline):
                answer = await self._client.post(delivery.url, content=content, headers={"content-type": JSON})
            status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as problem:
            error = f"{type(problem).__name__}: {problem}".rstrip(": ")
        attempt = {"number": len(delivery.attempts) + 1, "time": at.isoformat(), "status": status, "error": error}
        attempt["duration_ms"] = round((self._clock.now() - at).total_seconds() * 1000, 1)
        delivery.attempts.append(attempt)
        return status
