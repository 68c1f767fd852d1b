"""Servers in a thread of their own, beside tests that are not asynchronous."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar

Opened = TypeVar("Opened")


@contextmanager
def beside(opening: Callable[[], AbstractAsyncContextManager[Opened]]) -> Iterator[Opened]:
    """What `opening` opens, in an event loop in another thread; closed there at the end."""
    ready: Future[Opened] = Future()
    over = threading.Event()

    async def stay() -> None:
        try:
            async with opening() as opened:
                ready.set_result(opened)
                while not over.is_set():
                    await asyncio.sleep(0.02)
        except Exception as error:
            if ready.done():
                raise
            ready.set_exception(error)

    thread = threading.Thread(target=lambda: asyncio.run(stay()))
    thread.start()
    try:
        yield ready.result(20)
    finally:
        over.set()
        thread.join(20)


def send_json(request: BaseHTTPRequestHandler, value: object, status: int = 200) -> None:
    """Answer a request with a JSON text."""
    body = json.dumps(value).encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


@contextmanager
def answered_by(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a small server whose requests this class answers, silently."""
    quiet = type("Quiet", (handler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
