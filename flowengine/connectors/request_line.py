"""The request as the history tells it: method and address, without what the connection's secrets put into it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, quote_plus, urlsplit, urlunsplit

from flowengine.connectors.draft import Request

STRUCK_OUT = "***"
LONGEST = 2_000


def request_line(request: Request, secrets: Sequence[str]) -> str:
    """`POST https://api.example.com/v2/tickets`; empty when nothing was about to be sent."""
    if not request.url:
        return ""
    parts = urlsplit(request.url)
    url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    for secret in secrets:
        for spelled in (secret, quote(secret, safe=""), quote_plus(secret)):
            url = url.replace(spelled, STRUCK_OUT) if spelled else url
    return f"{request.method} {url}"[:LONGEST]
