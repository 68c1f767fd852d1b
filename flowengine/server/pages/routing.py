"""What a page's routes look like, so that one table says who may use which."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
Row: TypeAlias = tuple[str, str, Handler]
"""Method, path, handler. A GET changes nothing; a POST is a form that does."""


def see(address: str, told: str = "") -> Response:
    """After a change: look at the page that shows it, with one of the messages in `render.TOLD`."""
    if told:
        address, hash_sign, part = address.partition("#")
        address += f"{'&' if '?' in address else '?'}told={told}{hash_sign}{part}"
    return RedirectResponse(address, status_code=303)
