"""The witness: a service in a process of its own that writes down every request before it does anything else.

    python witness.py PORT FILE

`FILE` gets one JSON line a request: `{"at", "path", "key", "body"}`. How it answers is in the path, one word for each time that
exactly this path is asked, the last one for ever: `/500,ok/run-1`, `/reset,ok/...`, `/429-seconds,ok/...`.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import sys
import time
from collections import Counter
from email.utils import formatdate

OK = b'{"id": "W1", "items": [1, 2, 3]}'
BOMB = gzip.compress(b"\0" * 40_000_000)


class Witness:
    def __init__(self, file: str) -> None:
        self.file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.asked: Counter[str] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self.exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = head[0].split(" ")[1]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        body = await reader.readexactly(int(headers.get("content-length") or 0))
        seen = {"at": time.time(), "path": path, "key": headers.get("idempotency-key"), "body": body.decode()}
        os.write(self.file, json.dumps(seen).encode() + b"\n")
        words = path.split("/")[1].split(",")
        word = words[min(self.asked[path], len(words) - 1)]
        self.asked[path] += 1
        return await self.play(word, writer)

    async def play(self, word: str, writer: asyncio.StreamWriter) -> bool:
        """Answer as the word says; False ends the connection."""
        match word:
            case "ok":
                reply(writer, 200, OK)
            case "slow":
                await asyncio.sleep(0.2)
                reply(writer, 200, OK)
            case "429-seconds":
                reply(writer, 429, b"{}", retry_after="1")
            case "429-date":
                reply(writer, 429, b"{}", retry_after=formatdate(time.time() + 1, usegmt=True))
            case "429-odd":
                reply(writer, 429, b"{}", retry_after="soon")
            case "reset":
                writer.transport.abort()
                return False
            case "half":
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf an ans")
                return False
            case "huge":
                reply(writer, 200, b"[" + b"0," * 8_000_000 + b"0]")
            case "bomb":
                reply(writer, 200, BOMB, content_encoding="gzip")
            case "broken-json":
                reply(writer, 200, b'{"id": "W1", ')
            case "redirect":
                reply(writer, 302, b"", location="http://127.0.0.1:1/")
            case _:
                reply(writer, int(word), b'{"message": "as asked"}')
        await writer.drain()
        return True


def reply(writer: asyncio.StreamWriter, status: int, body: bytes, **headers: str) -> None:
    named = {"content-type": "application/json", **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items())
    writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n{lines}\r\n".encode() + body)


async def main(port: int, file: str) -> None:
    witness = Witness(file)
    async with await asyncio.start_server(witness.serve, "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
