"""Asking the engine that runs elsewhere: it holds the database, so changes go through its API."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flowengine.cli.errors import NotReady, WrongUsage
from flowengine.errors import Conflict, FlowEngineError, NotFound, SignInNeeded, Unauthorized

if TYPE_CHECKING:
    from flowengine.config import Settings


@dataclass(frozen=True, slots=True)
class Server:
    """A running engine."""

    url: str
    pid: int
    token: str = field(default="", repr=False)

    def ask(self, method: str, path: str, body: Any = None, seconds: float = 30.0) -> dict[str, Any]:
        """One call of its API; `path` begins below `/api/v1`.

        Raises `NotReady` when it does not answer, and the error that its answer stands for.
        """
        connection, prefix = self._connection(seconds)
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            connection.request(method, f"{prefix}/api/v1{path}", None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            process = f" (process {self.pid})" if self.pid else ""
            raise NotReady(
                f"the engine{process} does not answer at {self.url}: {getattr(error, 'strerror', None) or error}"
            ) from None
        finally:
            connection.close()
        return _document(answer.status, content)

    def trouble(self) -> str:
        """Why it is not ready; empty when it is."""
        connection, prefix = self._connection(5.0)
        try:
            connection.request("GET", f"{prefix}/readyz")
            answer = connection.getresponse()
            said = json.loads(answer.read())
        except (OSError, ValueError, http.client.HTTPException):
            return "it does not answer"
        finally:
            connection.close()
        return "" if answer.status == 200 else str(said.get("trouble") or said["error"]["message"])

    def _connection(self, seconds: float) -> tuple[http.client.HTTPConnection, str]:
        """A connection to it, and what stands before every path."""
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        return kind(parts.hostname or "127.0.0.1", parts.port, timeout=seconds), parts.path.rstrip("/")


def _document(status: int, content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError:
        document = {}
    if not isinstance(document, dict):
        document = {}
    if status < 400:
        return document
    error = document.get("error")
    message = str(error.get("message") if isinstance(error, dict) else error or f"the engine answered {status}")
    if isinstance(error, dict) and error.get("code") in (Unauthorized.code, SignInNeeded.code):
        raise Unauthorized(message)
    match status:
        case 404:
            raise NotFound(message)
        case 409:
            raise Conflict(message)
        case 401 | 403:
            raise NotReady(f"{message}; FLOWENGINE_TOKEN must hold a token of the server's that may do this")
        case _:
            raise FlowEngineError(message)


def address_of(url: str) -> str:
    """The address that a person typed, as one to call. Raises `WrongUsage`."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        known = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        known = False
    if not known or parts.username or parts.query or parts.fragment:
        raise WrongUsage(f"--server takes an address such as https://flows.example.com, not {url}")
    return parts.geturl().rstrip("/")


def running(here: Settings) -> Server | None:
    """The engine that `--server` names; else the one that holds this project's database now, if one does."""
    from flowengine.store.lock import holder

    if here.server:
        return Server(address_of(here.server), 0, here.token)
    held = holder(here.database)
    if not held or not held.get("url"):
        return None
    return Server(str(held["url"]), int(held.get("pid") or 0), here.token or _own_token(here))


def _own_token(here: Settings) -> str:
    """What shows an engine of this project that a command is this machine's: derived from the key, which both can read."""
    from flowengine.errors import ConfigurationError
    from flowengine.store.access import COMMANDS
    from flowengine.store.seal import Seal

    if not here.key.is_file():
        return ""
    try:
        return Seal(here.key).derive(COMMANDS)
    except ConfigurationError:
        return ""
