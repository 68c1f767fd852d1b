"""The service that benchmark flows call: answers every POST at once with a small JSON body and counts them.

python benchmarks/target.py PORT [SECONDS]      each answer comes after so many seconds
"""

from __future__ import annotations

import asyncio
import sys

ANSWER = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"id":"T1"}'


class Service(asyncio.Protocol):
    """Just enough HTTP/1.1: finds where each request ends by its content-length, answers, keeps the connection."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

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
            self.data = self.data[end + 4 + length :]
            if self.seconds:
                asyncio.get_running_loop().call_later(self.seconds, self.transport.write, ANSWER)  # type: ignore[attr-defined]
            else:
                self.transport.write(ANSWER)  # type: ignore[attr-defined]


async def main(port: int, seconds: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Service(seconds), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0))
