"""The service that benchmark flows call: answers each POST at once, or later, with a small JSON body.

python benchmarks/target.py PORT [SECONDS]      each answer comes after so many seconds

GET /hold lets no call end until GET /release; any other GET tells how often each body came. POSTs may go to any path.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import cast

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "
ANSWER = HEAD + b'11\r\n\r\n{"id":"T1"}'


@dataclass
class Calls:
    """What all connections share."""

    seconds: float
    seen: Counter[bytes] = field(default_factory=Counter)
    held: list[asyncio.Transport] | None = None

    def told(self) -> bytes:
        body = json.dumps({body.decode(errors="replace"): times for body, times in self.seen.items()}).encode()
        return HEAD + b"%d\r\n\r\n" % len(body) + body

    def answer(self, to: asyncio.Transport) -> None:
        if self.held is not None:
            self.held.append(to)
        elif self.seconds:
            asyncio.get_running_loop().call_later(self.seconds, to.write, ANSWER)
        else:
            to.write(ANSWER)

    def release(self) -> None:
        for one in self.held or ():
            if not one.is_closing():
                one.write(ANSWER)
        self.held = None


class Service(asyncio.Protocol):
    """Just enough HTTP/1.1: finds where each request ends by its content-length, answers, keeps the connection."""

    transport: asyncio.Transport

    def __init__(self, calls: Calls) -> None:
        self.calls, self.data = calls, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = self.data[:end].lower()
            start = head.find(b"content-length:")
            length = int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
            if len(self.data) < end + 4 + length:
                return
            body, self.data = self.data[end + 4 : end + 4 + length], self.data[end + 4 + length :]
            if head.startswith(b"get "):
                self.asked(head.split(b" ", 2)[1])
            else:
                self.calls.seen[body] += 1
                self.calls.answer(self.transport)

    def asked(self, path: bytes) -> None:
        if path == b"/hold":
            self.calls.held = []
        elif path == b"/release":
            self.calls.release()
        self.transport.write(self.calls.told())


async def main(port: int, seconds: float) -> None:
    calls = Calls(seconds)
    server = await asyncio.get_running_loop().create_server(lambda: Service(calls), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0))
