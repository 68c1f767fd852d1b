"""Unit tests are quick because they stay in their process: whoever opens a database or a socket, or starts a process, is told so."""

from __future__ import annotations

import sys

import pytest

OUTSIDE = {"sqlite3.connect", "socket.bind", "socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.fork"}
_seen: list[str] | None = None


def _look(event: str, _: tuple) -> None:
    if _seen is not None and event in OUTSIDE:
        _seen.append(event)


sys.addaudithook(_look)


@pytest.fixture(autouse=True)
def nothing_outside():
    global _seen  # noqa: PLW0603  # a hook of the interpreter stays for good and knows of no test
    _seen = []
    yield
    seen, _seen = _seen, None
    assert not seen, f"a unit test does without {', '.join(sorted(set(seen)))}: this one belongs in tests/integration"
