"""The child process that renders what may run long or grow large: `python -m flowengine.expressions.child FD BYTES`.

It holds no connection, no secret and no file; a limit on its memory is set before it reads the first template. Its time is
the parent's to watch: it ends a child that takes too long. When the parent is gone, however it went, the child ends without a word.
"""

from __future__ import annotations

import signal

if __name__ == "__main__":
    # Ctrl-C is for the parent, which closes the line; what is imported below takes a while.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

import os
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path as FilePath

from flowengine.errors import ExpressionError
from flowengine.expressions import wire
from flowengine.expressions.render import render_one, seeded
from flowengine.expressions.template import template
from flowengine.types import Json, JsonObject

ORPHAN_SECONDS = 60
"""A child at work whose parent was killed is ended by nobody else; a waiting one sees the line close."""


def main(arguments: list[str]) -> None:
    descriptor, memory = (int(argument) for argument in arguments)
    limit_memory(memory)
    with socket.socket(fileno=descriptor) as line:
        try:
            serve(line)
        except MemoryError:
            # No room for what was asked, nor for an answer. At once: the parent kills whoever closes the line and is still there.
            os._exit(wire.OUT_OF_MEMORY)


def serve(line: socket.socket) -> None:
    """Answer until the other end closes or is gone."""
    with suppress(ConnectionError):
        _serve(line)


def _serve(line: socket.socket) -> None:
    line.sendall(reply({}))
    while (request := _receive(line)) is not None:
        signal.alarm(ORPHAN_SECONDS)
        line.sendall(answer(request))
        signal.alarm(0)


def answer(request: JsonObject) -> bytes:
    """The reply to one request: `{"values": [...]}`, or `{"error": {...}}` for the first template that failed."""
    try:
        return reply(_rendered(request))
    except (MemoryError, RecursionError):
        return reply({"error": {"message": "the template needs too much memory", "at": request["templates"][0][1]}})


def reply(message: JsonObject) -> bytes:
    """A message with the processor time used so far, by which the parent tells a long computation from a busy machine."""
    return wire.pack({**message, "computed": time.process_time()})


def limit_memory(extra: int) -> None:
    """Let the process grow by so many bytes and no more, where the system can be told."""
    try:
        import resource

        pages = int(FilePath("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError):
        return
    limit = pages * resource.getpagesize() + extra
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _rendered(request: JsonObject) -> JsonObject:
    values: list[Json] = []
    scope = request["scope"]
    for text, at in request["templates"]:
        try:
            found = template(text)
            assert found is not None
            place = tuple(at)
            values.append(render_one(found, seeded(scope, found, place), guarded=False, lenient=request["lenient"]))
        except ExpressionError as error:
            return {"error": _told(error, at)}
    return {"values": values}


def _told(error: ExpressionError, at: list[str | int]) -> JsonObject:
    span = error.span
    where = [span.line, span.column, span.end_line, span.end_column] if span else None
    return {"message": error.message, "at": at, "template": error.template, "span": where}


def _receive(line: socket.socket) -> JsonObject | None:
    head = _exactly(line, wire.LENGTH)
    body = _exactly(line, int.from_bytes(head, "big")) if head else None
    try:
        return wire.unpack(body) if body else None
    except ValueError:  # orjson's word for want of memory: what the parent packed is JSON
        raise MemoryError from None


def _exactly(line: socket.socket, size: int) -> bytes | None:
    received = bytearray()
    while len(received) < size:
        piece = line.recv(min(size - len(received), 1 << 20))
        if not piece:
            return None
        received += piece
    return bytes(received)


if __name__ == "__main__":
    main(sys.argv[1:])
