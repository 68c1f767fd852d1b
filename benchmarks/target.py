"""The service that benchmark flows call: answers every POST at once with a small JSON body, and a GET with the bodies so far.

python benchmarks/target.py PORT [SECONDS]      each answer to a POST comes after so many seconds
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter

ANSWER = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"id":"T1"}'


class Service(asyncio.Protocol):
    """Just enough HTTP/1.1: finds where each request ends by its content-length, answers, keeps the connection."""

    def __init__(self, seconds: float, seen: Counter[bytes]) -> None:
        self.seconds, self.seen = seconds, seen

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.data = transport, b""

    def data_received(self, data: bytes) -> None:
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = self.data[:end].lower()
            start = head.find(b"content-length:")
            length = int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
            if len(self.data) < end + 4 + length:
                return
            body = self.data[end + 4 : end + 4 + length]
            self.data = self.data[end + 4 + length :]
            if head.startswith(b"get "):
                self.transport.write(self.told())  # type: ignore[attr-defined]
                continue
            self.seen[body] += 1
            if self.seconds:
                asyncio.get_running_loop().call_later(self.seconds, self.transport.write, ANSWER)  # type: ignore[attr-defined]
            else:
                self.transport.write(ANSWER)  # type: ignore[attr-defined]

    def told(self) -> bytes:
        """How often each body came, as JSON."""
        body = json.dumps({key.decode(errors="replace"): times for key, times in self.seen.items()}).encode()
        return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


async def main(port: int, seconds: float) -> None:
    seen: Counter[bytes] = Counter()
    server = await asyncio.get_running_loop().create_server(lambda: Service(seconds, seen), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0))
