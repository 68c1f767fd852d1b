"""Signing in at a service in the browser: a page on this machine's loopback takes the code that the service sends back.

The way of RFC 8252 for programs on a person's machine: PKCE, a `state` that nobody can guess, and a listener that lives only
until the answer came.
"""

from __future__ import annotations

import hmac
import html
import sys
import time
import webbrowser
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from flowengine.cli import output
from flowengine.cli.errors import WrongUsage
from flowengine.errors import SignInNeeded, Unauthorized

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowengine.connectors.sign_in import SignIn

CALLBACK = "/callback"
PORT = 8765
REDIRECT = f"http://127.0.0.1:{PORT}{CALLBACK}"
"""The same every time: services want the exact address to be registered."""
_LOOPBACK = ("127.0.0.1", "localhost")
_PATIENCE = 0.2
"""Seconds after which the listener looks whether its time is over."""
_DONE = "You are signed in. This window can be closed; the rest is in the terminal."
_REFUSED = "The sign-in did not work. The terminal says why."


@dataclass(frozen=True, slots=True, repr=False)
class Code:
    """What a person's sign-in gave, and what it is redeemed with."""

    code: str
    redirect_url: str
    verifier: str

    def to_json(self) -> dict[str, str]:
        return {"code": self.code, "redirect_url": self.redirect_url, "verifier": self.verifier}


Address: TypeAlias = "Callable[[str, str, str], str]"
"""Where a person signs in, by the redirect address, the state and the verifier."""


def address_of(sign_in: SignIn) -> Address:
    """By what this machine knows of the connection."""
    from flowengine.connectors.oauth import authorization_url

    return lambda back, state, verifier: authorization_url(sign_in, redirect_url=back, state=state, verifier=verifier)


def ask_for_code(
    sign_in: SignIn | Address, *, port: int, redirect_url: str | None, browser: bool, seconds: float
) -> Code:
    """Send the person to the service and wait for what it sends back.

    With a `redirect_url` that is not this machine's the address that the browser ended at is asked for instead. Raises
    `Unauthorized` when the service or the person refuses, and when nobody comes back.
    """
    told_by = sign_in if callable(sign_in) else address_of(sign_in)
    state, verifier = new_state(), new_state()

    def address(back: str) -> str:
        return told_by(back, state, verifier)

    parts = urlsplit(redirect_url or f"http://127.0.0.1:{port}{CALLBACK}")
    if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
        back = parts.geturl()
        _show(address(back), browser=browser)
        return Code(_code_in(pasted(), state), back, verifier)
    with _listener(80 if parts.port is None else parts.port, parts.path) as listener:
        back = f"http://{parts.hostname}:{listener.server_address[1]}{parts.path}"
        _show(address(back), browser=browser)
        output.tell(f"Waiting for the service to come back to {back} ...")
        return Code(_heard(listener, state, seconds), back, verifier)


def new_state() -> str:
    """What nobody can guess."""
    from flowengine.connectors.oauth import new_verifier

    return new_verifier()


def _show(url: str, *, browser: bool) -> None:
    output.tell("Sign in at this address:")
    output.say(url)
    if browser:
        webbrowser.open(url)


def pasted() -> str:
    """The address that the browser ended at, from the person."""
    if sys.stdin.isatty():
        output.tell("After signing in, paste the address that the browser ended at:")
    return sys.stdin.readline().strip()


def _listener(port: int, path: str) -> _Listener:
    try:
        listener = _Listener(("127.0.0.1", port), _Page)
    except OSError as error:
        raise WrongUsage(
            f"port {port} cannot be listened at ({error.strerror}); name another with --port, and register it at the service"
        ) from None
    listener.path = path
    return listener


class _Listener(HTTPServer):
    """Takes the first answer that bears our state."""

    timeout = _PATIENCE
    allow_reuse_address = False
    path: str = CALLBACK
    judge: Callable[[str], str]
    code: str | None = None
    refusal: Unauthorized | None = None


class _Page(BaseHTTPRequestHandler):
    """The page that the service sends the browser to."""

    server: _Listener
    timeout = 5.0

    def do_GET(self) -> None:
        if urlsplit(self.path).path != self.server.path:
            self._answer(404, "There is nothing here.")
            return
        try:
            self.server.code = self.server.judge(self.path)
        except _Foreign as error:
            # Not the answer to our question: whoever it is from cannot end the sign-in.
            self._answer(400, error.message)
        except Unauthorized as error:
            self.server.refusal = error
            self._answer(400, _REFUSED)
        else:
            self._answer(200, _DONE)

    def _answer(self, status: int, told: str) -> None:
        body = f"<!doctype html><meta charset=utf-8><title>flowengine</title><p>{html.escape(told)}</p>".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'none'")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's name
        """Nothing is logged: the address holds the code."""


class _Foreign(Unauthorized):
    """That answer does not belong to this sign-in."""


def _heard(listener: _Listener, state: str, seconds: float) -> str:
    listener.judge = lambda path: _code_in(path, state)
    until = time.monotonic() + seconds
    while listener.code is None and listener.refusal is None:
        if time.monotonic() > until:
            raise SignInNeeded(f"nobody came back from the service within {seconds:g} seconds")
        listener.handle_request()
    if listener.code is None:
        assert listener.refusal is not None
        raise listener.refusal
    return listener.code


def _code_in(address: str, state: str) -> str:
    """The code in the address that the service sent the browser back to."""
    given = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    if not hmac.compare_digest(given.get("state", "").encode(), state.encode()):
        raise _Foreign("the answer does not belong to this sign-in (its state is another): begin again")
    if "error" in given:
        told = given.get("error_description") or given["error"]
        raise Unauthorized(f"the service did not let you in: {told[:300]}")
    if not given.get("code"):
        raise Unauthorized("the service's answer holds no code")
    return given["code"]
