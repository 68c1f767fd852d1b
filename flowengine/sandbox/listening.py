"""Serving an ASGI application inside a loop that somebody else runs."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Literal

import uvicorn
from starlette.types import ASGIApp

from flowengine.errors import ConfigurationError


def listener(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """A socket that listens; port 0 takes a free one. Raises `ConfigurationError` when the port cannot be had."""
    # asyncio turns Nagle's delay off (40 ms a call) only where the protocol is named.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(2048)
    except (OSError, OverflowError) as error:
        listening.close()
        reason = error.strerror if isinstance(error, OSError) else "there is no such port"
        raise ConfigurationError(f"cannot listen on {host}:{port}: {reason}; choose another port") from None
    return listening


def address(listening: socket.socket) -> str:
    """Where callers find it."""
    host, port = listening.getsockname()[:2]
    return f"http://{host}:{port}"


@contextlib.asynccontextmanager
async def in_loop(
    app: ASGIApp, listening: socket.socket, http: type[asyncio.Protocol] | Literal["auto"] = "auto"
) -> AsyncIterator[str]:
    """Serve `app` while the context is open, and give its address."""
    url = address(listening)
    config = uvicorn.Config(
        app,
        http=http,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
    config.load()
    server = uvicorn.Server(config)
    # uvicorn's own `serve` would take over the program's signals, which belong to whoever runs the loop.
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listening])
    try:
        yield url
    finally:
        await server.shutdown(sockets=[listening])
