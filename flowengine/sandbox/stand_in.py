"""One running stand-in: its service, its record, and what breaks or limits its calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from flowengine.sandbox.deliveries import FAST_WAITS, WAITS, Courier
from flowengine.sandbox.faults import Faults
from flowengine.sandbox.limits import Window
from flowengine.sandbox.record import Record
from flowengine.sandbox.service import Service, World
from flowengine.types import Clock

CONTROL: Final = "/_sandbox"
"""Paths under this one are the control endpoint's."""


class StandIn:
    """A running stand-in.

    `url` is what `base_url` of a connection says, `credentials` are the connection's parameters, and
    `control_url` is where things can be made to happen.
    """

    def __init__(
        self, service: Callable[[World], Service], url: str, clock: Clock, *, fast_retries: bool = False
    ) -> None:
        self.url = url
        self.control_url = url + CONTROL
        self.clock = clock
        self.record = Record()
        self.faults = Faults()
        self.courier = Courier(clock, waits=FAST_WAITS if fast_retries else WAITS)
        self.service = service(World(clock, self.courier, url))
        self.name = self.service.name
        self.window = Window(self.service.limit, lambda: clock.now().timestamp())

    @property
    def credentials(self) -> dict[str, str]:
        """The connection parameters to use, by the manifest's names."""
        return dict(self.service.credentials)

    @property
    def deliveries(self) -> list[Mapping[str, object]]:
        """Every webhook delivery so far, as the control endpoint shows it."""
        return [delivery.to_json() for delivery in self.courier.deliveries]

    async def settled(self) -> None:
        """Wait until no delivery is under way."""
        await self.courier.settled()

    async def reset(self) -> None:
        """Back to the first state: the service's data, the record, deliveries, faults and limits."""
        await self.courier.clear()
        self.service.reset()
        self.record.clear()
        self.faults.clear()
        self.window.limit = self.service.limit
        self.window.clear()
