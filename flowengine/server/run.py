"""`flowengine serve`: the engine with its triggers behind a listening socket, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Literal

import uvicorn

from flowengine.app import App
from flowengine.app.beside import WEB
from flowengine.config import Settings
from flowengine.errors import FlowEngineError
from flowengine.server import logs, telemetry
from flowengine.server.application import build
from flowengine.server.auth import check_reach
from flowengine.server.pages.render import warm
from flowengine.types import Clock, Duty

ANSWER_WITHIN: Final = 8
"""Seconds for requests in flight to be answered after SIGTERM; the engine's own grace comes after it (25 s in all)."""

BACKLOG: Final = 2048

SPANS_WITHIN: Final = 3.0
"""Seconds for the last spans to reach their collector; then they are lost."""

WARM_AFTER: Final = 0.5
"""Seconds after the start at which a thread reads connectors, and compiles templates where they are not kept: runs come first."""


class CannotListen(FlowEngineError):
    """The address cannot be listened at: the port is taken, or the host is not this machine's."""


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that takes requests."""

    app: App
    url: str


@asynccontextmanager
async def serving(
    settings: Settings, *, clock: Clock | None = None, duty: Duty = "everything", apart: bool = False
) -> AsyncIterator[Serving]:
    """Serve inside this event loop: the port is open and triggers are in force when it begins.

    Port 0 takes a free one. `apart` as in `App.open`. Raises `CannotListen`, and what `App.open` raises.
    """
    listener = listen(settings.host, settings.port)
    try:
        url = _address(settings.host, listener)
        async with App.open(settings, clock=clock, duty=duty, apart=apart) as app:
            check_reach(settings, tokens=any(token.holds(app.clock.now()) for token in await app.store.access.tokens()))
            app.public_url = app.triggers.public_url = settings.public_url.rstrip("/") or url
            server = _server(app)
            accepting = asyncio.create_task(server.serve(sockets=[listener]), name="http")
            try:
                await _until_started(server, accepting)
                if duty == "web":
                    await app.store.note(WEB, app.public_url)
                else:
                    app.store.lock.publish({"url": url})
                await app.triggers.start(app.public_url)
                async with _watched(app), contextlib.nullcontext() if duty == "worker" else _warming(app):
                    yield Serving(app, url)
            finally:
                app.closing.set()
                await app.triggers.stop()
                server.should_exit = True
                await accepting
    finally:
        listener.close()


async def serve(
    settings: Settings, started: Callable[[Serving], None] = lambda _: None, duty: Duty = "everything"
) -> signal.Signals:
    """Serve until SIGTERM or Ctrl-C, and give which it was; `started` is called when requests are taken.

    Raises `EngineRunning` when another engine took the database meanwhile: who looks after this process may start it anew.
    """
    loop = asyncio.get_running_loop()
    stopped: asyncio.Queue[signal.Signals] = asyncio.Queue()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stopped.put_nowait, one)
    try:
        async with serving(settings, duty=duty, apart=True) as server:
            _spare_the_collector()
            started(server)
            stop, lost = asyncio.ensure_future(stopped.get()), server.app.store.journal.lost
            await asyncio.wait((stop, lost), return_when=asyncio.FIRST_COMPLETED)
            if not stop.done():
                stop.cancel()
                raise lost.result()
            return stop.result()
    finally:
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(one)


def _spare_the_collector() -> None:
    """All that stands now stays: looking through it for garbage again and again took a quarter of every run."""
    gc.collect()
    gc.freeze()


def run(
    settings: Settings, started: Callable[[Serving], None] = lambda _: None, duty: Duty = "everything"
) -> signal.Signals:
    """`serve` on the fastest event loop there is; what ended it."""
    logs.begin(settings.log_format, settings.log_level)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(serve(settings, started, duty))


@asynccontextmanager
async def _watched(app: App) -> AsyncIterator[None]:
    """Logs and spans of what runs do, as the settings say."""
    async with contextlib.AsyncExitStack() as stack:
        if logs.log.isEnabledFor(logging.INFO):
            stack.callback(app.engine.subscribe(logs.tell))
        if app.settings.telemetry:
            watcher, end = telemetry.spans(app.store.events.headers)
            stack.push_async_callback(telemetry.ended_within, end, SPANS_WITHIN)
            stack.callback(app.engine.subscribe(watcher))
        yield


@asynccontextmanager
async def _warming(app: App) -> AsyncIterator[None]:
    """Templates at hand before the first page is asked for, where compiled ones are kept; connectors soon after."""
    loop = asyncio.get_running_loop()
    later = [loop.call_later(WARM_AFTER, loop.run_in_executor, None, app.catalog.summaries)]
    if sys.dont_write_bytecode:
        later.append(loop.call_later(WARM_AFTER, loop.run_in_executor, None, warm))
    else:
        await loop.run_in_executor(None, warm)
    try:
        yield
    finally:
        for one in later:
            one.cancel()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `CannotListen` with what to do."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise CannotListen(f'"{host}" is not an address that can be listened at: {error.strerror}') from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise CannotListen(_why(error, host, port)) from None
    return listener


def _why(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} at {host} is in use by another program; choose another with --port"
        case errno.EACCES:
            return f"port {port} needs the rights of the system's administrator; choose one above 1023 with --port"
        case errno.EADDRNOTAVAIL:
            return f"{host} is not an address of this machine; choose another with --host"
        case _:
            return f"cannot listen at {host}:{port}: {error.strerror}"


def _address(host: str, listener: socket.socket) -> str:
    """Where this machine reaches the server."""
    port = listener.getsockname()[1]
    near = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{near}:{port}"


def _server(app: App) -> uvicorn.Server:
    config = uvicorn.Config(
        build(app),
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # anybody could write them; the address on record is the one that connected
        date_header=True,
        timeout_graceful_shutdown=ANSWER_WITHIN,
        ws="none",
        http=_protocol(),
    )
    return _Quiet(config)


def _protocol() -> type[asyncio.Protocol] | Literal["auto"]:
    """The one with an end to its patience, where there is the parser that it is built on."""
    try:
        from flowengine.server.patience import PatientProtocol
    except ImportError:
        return "auto"
    return PatientProtocol


class _Quiet(uvicorn.Server):
    """Leaves signals to `serve`, which stops triggers and engine in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _until_started(server: uvicorn.Server, accepting: asyncio.Task[None]) -> None:
    while not server.started:
        if accepting.done():
            await accepting
            raise CannotListen
        await asyncio.sleep(0.005)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
