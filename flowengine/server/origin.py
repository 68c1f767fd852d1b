"""Where a request comes from: for whom the Host header says it is, and from whose page a browser sends it.

Browsers can be led: another site's page may send forms here (CSRF), or have its own name point to this machine (DNS
rebinding). Programs cannot: they carry a token, and no browser adds that by itself.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from flowengine.config import Settings

LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
FORWARDED: Final = (
    "forwarded",
    "x-forwarded-",
    "x-real-ip",
    "x-original-",
    "via",
    "cf-",
    "true-client-ip",
    "x-client-ip",
)
"""How headers begin that proxies add: who sends them is not this machine's user, however near the proxy is."""
FORM: Final = "application/x-www-form-urlencoded"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens at `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def own_names(settings: Settings) -> frozenset[str]:
    """The names that a Host header may carry, beside addresses: ours, this machine's, and the public one."""
    public = urlsplit(settings.public_url).hostname
    names = {settings.host.strip("[]").lower(), public or ""}
    if not is_loopback(settings.host):
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    return LOCAL_NAMES | (names - {""})


def name_in(host: str) -> str:
    """The name in a Host header, without its port; empty for what is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def is_ours(host: str, names: frozenset[str], *, addresses: bool) -> bool:
    """Whether the Host header names this server. An address cannot be another site's name, so it may be any of ours."""
    name = name_in(host)
    if name in names:
        return True
    if not addresses:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_near(headers: Mapping[str, str], client: str) -> bool:
    """Whether this machine's user sends it: from loopback, to a loopback name, past no proxy."""
    if any(name.startswith(FORWARDED) for name in headers):
        return False
    return is_loopback(client) and is_loopback(name_in(headers.get("host", "")))


def foreign(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that another site's page sends it."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        return origin is not None or headers.get("sec-fetch-mode") != "navigate"
    if origin is None or (origin == "null" and site == "same-origin"):
        return False
    return urlsplit(origin).netloc.lower() != headers.get("host", "").lower()


def change_refused(headers: Mapping[str, str]) -> tuple[int, str] | None:
    """Why a change without a token is not accepted; None when it is ours: JSON, or a form of one of our pages.

    No other site's page can send JSON, and every browser says where a form was sent from.
    """
    if foreign(headers) or headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        return 403, "this came from another site's page"
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    told = "origin" in headers or headers.get("sec-fetch-site") == "same-origin"
    if kind == "application/json" or (kind == FORM and told):
        return None
    return 415, "a change must be sent as Content-Type: application/json"
