"""Starting a stand-in: inside a running program (`serve`), or as a program of its own (`run`)."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from flowengine.errors import NotFound
from flowengine.findings import did_you_mean
from flowengine.sandbox.comm100 import Comm100
from flowengine.sandbox.control import control
from flowengine.sandbox.front import Connections, Front
from flowengine.sandbox.listening import address, in_loop, listener
from flowengine.sandbox.livechat_agent.service import LiveChatAgent
from flowengine.sandbox.livechat_v2 import LiveChatV2
from flowengine.sandbox.service import Service, World
from flowengine.sandbox.stand_in import StandIn
from flowengine.types import Clock, SystemClock

SERVICES: Final[Mapping[str, Callable[[World], Service]]] = {
    "livechat": LiveChatV2,
    "livechat-agent": LiveChatAgent,
    "comm100": Comm100,
}


@contextlib.asynccontextmanager
async def serve(
    name: str, *, port: int = 0, host: str = "127.0.0.1", fast_retries: bool = False, clock: Clock | None = None
) -> AsyncIterator[StandIn]:
    """Run the stand-in of a service (`livechat`, `livechat-agent`, `comm100`) in the running loop.

    Port 0 takes a free one. `fast_retries` shortens the waits between tries of a webhook delivery to a few hundredths
    of a second. Raises `NotFound` for an unknown name and `ConfigurationError` when the port cannot be had.
    """
    if name not in SERVICES:
        raise NotFound(f'there is no stand-in called "{name}"; {did_you_mean(name, SERVICES)}')
    socket_there = listener(host, port)
    url = address(socket_there)
    stand_in = StandIn(SERVICES[name], url, clock or SystemClock(), fast_retries=fast_retries)
    connections = Connections()
    front = Front(control(stand_in), stand_in, connections)
    async with in_loop(front, socket_there, connections.protocol()):
        try:
            yield stand_in
        finally:
            await stand_in.courier.aclose()


def run(name: str, port: int = 0, host: str = "127.0.0.1", *, told: Callable[[StandIn], object]) -> None:
    """Run a stand-in until SIGTERM; `told` hears of it when it takes requests. Raises `KeyboardInterrupt` after Ctrl-C."""
    if asyncio.run(_run(name, port, host, told)) == signal.SIGINT:
        raise KeyboardInterrupt


async def _run(name: str, port: int, host: str, told: Callable[[StandIn], object]) -> signal.Signals:
    """What ended it."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Queue[signal.Signals] = asyncio.Queue()
    async with serve(name, port=port, host=host) as stand_in:
        for wanted in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(wanted, ended.put_nowait, wanted)
        told(stand_in)
        return await ended.get()
