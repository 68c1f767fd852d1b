"""What a hand-written program could do: the bar that the engine is measured against.

One plain ASGI endpoint takes a POST, commits it, calls one HTTP service, commits the answer, commits the end: the same HTTP client
(httpx over aiohttp), the same SQLite settings (WAL, synchronous=FULL), the same group commit by one writer thread, and nothing
else: no flow, no templates, no checks, no retries.

    python benchmarks/limit.py PORT TARGET_URL DATABASE
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import orjson
import uvicorn
from httpx_aiohttp import AiohttpTransport

TABLES = """
PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
CREATE TABLE event (id INTEGER PRIMARY KEY, body BLOB);
CREATE TABLE action (run INTEGER, body BLOB);
CREATE TABLE finish (run INTEGER, status TEXT);
"""


class Writer:
    """One thread that commits everything it finds waiting in one transaction."""

    def __init__(self, path: str) -> None:
        self.waiting: queue.SimpleQueue[tuple[str, tuple[Any, ...], asyncio.Future[None]]] = queue.SimpleQueue()
        self.loop = asyncio.get_running_loop()
        threading.Thread(target=self.work, args=(path,), daemon=True).start()

    async def write(self, sql: str, *values: Any) -> None:
        done = self.loop.create_future()
        self.waiting.put((sql, values, done))
        await done

    def work(self, path: str) -> None:
        database = sqlite3.connect(path, isolation_level=None)
        database.executescript(TABLES)
        while True:
            batch = [self.waiting.get()]
            while not self.waiting.empty():
                batch.append(self.waiting.get())
            database.execute("BEGIN IMMEDIATE")
            for sql, values, _ in batch:
                database.execute(sql, values)
            database.execute("COMMIT")
            self.loop.call_soon_threadsafe(
                lambda futures: [f.set_result(None) for f in futures], [f for *_, f in batch]
            )


class Program:
    def __init__(self, target: str, database: str) -> None:
        self.target, self.database = target, database
        self.count = self.finished = 0
        self.runs: set[asyncio.Task[None]] = set()

    async def __call__(
        self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Any]
    ) -> None:
        if scope["type"] == "lifespan":
            await self.lifespan(receive, send)
        elif scope["path"] == "/done":
            await answer(send, 200, orjson.dumps(self.finished))
        else:
            body = (await receive())["body"]
            self.count += 1
            run = self.count
            await self.writer.write("INSERT INTO event VALUES (?, ?)", run, body)
            await answer(send, 200, b"{}")
            task = asyncio.create_task(self.run(run, orjson.loads(body)))
            self.runs.add(task)
            task.add_done_callback(self.runs.discard)

    async def lifespan(self, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Any]) -> None:
        await receive()
        self.writer = Writer(self.database)
        self.client = httpx.AsyncClient(transport=AiohttpTransport(), timeout=30)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def run(self, run: int, event: Any) -> None:
        answer = await self.client.post(self.target, json={"subject": event["subject"]})
        await self.writer.write("INSERT INTO action VALUES (?, ?)", run, answer.content)
        await self.writer.write("INSERT INTO finish VALUES (?, ?)", run, "succeeded")
        self.finished += 1


async def answer(send: Callable[[Any], Any], status: int, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    port, target, database = sys.argv[1:4]
    uvicorn.run(Program(target, database), port=int(port), log_level="warning", access_log=False)
