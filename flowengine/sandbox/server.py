"""Starting a stand-in: inside a running program (`serve`), or as a program of its own (`run`)."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

import uvicorn

from flowengine.errors import ConfigurationError, NotFound
from flowengine.findings import did_you_mean
from flowengine.sandbox.comm100 import Comm100
from flowengine.sandbox.control import control, page
from flowengine.sandbox.front import Connections, Front
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
    listener = _listener(host, port)
    url = f"http://{host}:{listener.getsockname()[1]}"
    stand_in = StandIn(SERVICES[name], url, clock or SystemClock(), fast_retries=fast_retries)
    connections = Connections()
    front = Front(control(stand_in), stand_in, connections)
    server = _uvicorn(front, connections)
    await server.startup(sockets=[listener])
    try:
        yield stand_in
    finally:
        await stand_in.courier.aclose()
        await server.shutdown(sockets=[listener])


def run(name: str, port: int = 0, host: str = "127.0.0.1", say: Callable[[str], object] = print) -> None:
    """Run a stand-in until Ctrl-C or SIGTERM; what it is and how to use it goes to `say`."""
    asyncio.run(_run(name, port, host, say))


async def _run(name: str, port: int, host: str, say: Callable[[str], object]) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(wanted, ended.set)
    async with serve(name, port=port, host=host) as stand_in:
        say(page(stand_in))
        await ended.wait()


def _listener(host: str, port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror}; choose another --port") from None
    return listener


def _uvicorn(front: Front, connections: Connections) -> uvicorn.Server:
    config = uvicorn.Config(
        front,
        http=connections.protocol(),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
    config.load()
    server = uvicorn.Server(config)
    # uvicorn's own `serve` would take over the program's signals, which belong to whoever runs the loop.
    server.lifespan = config.lifespan_class(config)
    return server
