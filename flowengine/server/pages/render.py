"""Pages from templates: every value is cleaned and escaped, and every page comes with the same strict headers."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from flowengine import __version__
from flowengine.app import App
from flowengine.server.access import Role, caller_of, may
from flowengine.server.context import app_of
from flowengine.server.pages import shown
from flowengine.server.pages.grid import grid
from flowengine.spec.times import lasted
from flowengine.store.heads import Heads

HERE: Final = Path(__file__).parent.parent
TEMPLATES: Final = HERE / "templates"
STATIC: Final = HERE / "static"

BY_LINK: Final = ("/approvals/", "/callbacks/")
"""Addresses that people come to who need not be allowed to see anything else."""

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    # Forms tell where they were sent from, which is how the gate knows that it was one of our pages.
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}
"""Of every page: nothing is loaded from anywhere else, and no script or style stands in a page."""


class Kept(FileSystemBytecodeCache):
    """Compiled templates beside the templates, as Python keeps its modules: compiling them anew took each start half a second."""

    def __init__(self) -> None:
        super().__init__(str(TEMPLATES / "__pycache__"), "%s.jinja")

    def load_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        if sys.dont_write_bytecode:
            return
        with contextlib.suppress(OSError):  # such as a package that is not ours to write to
            (TEMPLATES / "__pycache__").mkdir(exist_ok=True)
            super().dump_bytecode(bucket)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=Kept(),
    )
    made.filters.update(
        pretty=shown.pretty,
        brief=shown.brief,
        told=shown.told,
        lasted=lasted,
        away=shown.away,
        local=shown.local,
        utc=shown.utc,
        word=shown.word,
        as_word=lambda value: shown.quoted(shown.brief(value, 4_000)),
        part=lambda text: quote(str(text), safe=""),
    )
    made.globals.update(
        mark=shown.mark, grid=grid, between=shown.between, version=__version__, static=static_url, query=urlencode
    )
    return made


def _finalize(value: Any) -> Any:
    """Of every value that a template prints: text from outside shows what it holds, and nothing prints as nothing."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return shown.clean(value)
    return "" if value is None else value


def warm() -> None:
    """Have every template and its files at hand, so that nobody's first page waits for it."""
    for path in TEMPLATES.glob("*.html"):
        environment().get_template(path.name)


@lru_cache(maxsize=64)
def static_url(name: str) -> str:
    """A file's address; it changes with the file, so that browsers may keep it for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?{digest}"


async def page(request: Request, template: str, /, *, status: int = 200, **context: Any) -> Response:
    """Render a page. `command` in the context is what does the same in a terminal."""
    app = app_of(request)
    given: Mapping[str, Any] = {
        "now": app.clock.now(),
        "here": request.url.path,
        "project": app.settings.project.name or "project",
        "command": "",
        "told": told_by(request),
        "caller": caller_of(request),
        "navigation": await navigation(app, admin=may(request, Role.ADMIN)),
        **context,
    }
    return HTMLResponse(environment().get_template(template).render(given), status_code=status, headers=HEADERS)


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the menu."""

    href: str
    title: str
    count: int = 0
    tone: str = "wait"
    apart: bool = False


async def navigation(app: App, *, admin: bool) -> list[Item]:
    """The menu, with what waits for a person."""
    asking = await Heads(app.store.reader).asking()
    return menu(admin=admin, asking=len(asking), broken=sum(entry.broken for entry in app.library.entries.values()))


def menu(*, admin: bool, asking: int = 0, broken: int = 0) -> list[Item]:
    """Every page that stands by itself, of those that the reader may see."""
    for_admins = [Item("/tokens", "Tokens", apart=True), Item("/audit", "Audit")] if admin else []
    return [
        Item("/", "Overview"),
        Item("/flows", "Flows", broken, "bad"),
        Item("/runs", "Runs"),
        Item("/events", "Events"),
        Item("/approvals", "Approvals", asking),
        Item("/connections", "Connections", apart=True),
        Item("/secrets", "Secrets"),
        Item("/connectors", "Connectors"),
        Item("/health", "Health"),
        *for_admins,
    ]


def alone(title: str, *, status: int = 200, message: str = "", question: str = "", choice: str = "") -> Response:
    """A page for somebody who came by a link, without a menu and without a word of the project."""
    made = environment().get_template("alone.html")
    return HTMLResponse(
        made.render(title=title, message=message, question=question, choice=choice), status_code=status, headers=HEADERS
    )


def error_page(request: Request, status: int, message: str) -> Response:
    """What went wrong, for people: it reads nothing, so that it can tell of a database that cannot be read."""
    if request.url.path.startswith(BY_LINK):
        return alone("Nothing here", status=status, message=message)
    app = app_of(request)
    given: dict[str, Any] = {
        "now": app.clock.now(),
        "here": request.url.path,
        "project": app.settings.project.name or "project",
        "command": "",
        "told": "",
        "navigation": menu(admin=may(request, Role.ADMIN)),
        "status": status,
        "message": message,
    }
    return HTMLResponse(environment().get_template("error.html").render(given), status_code=status, headers=HEADERS)


TOLD: Final = {
    "enabled": "The flow is on.",
    "disabled": "The flow is off.",
    "cancelled": "The run is being cancelled.",
    "resubmitted": "This is the new run.",
    "cancelled_many": "The runs are being cancelled.",
    "resubmitted_many": "New runs have begun.",
    "started": "The run has begun.",
    "answered": "The answer is given; the run goes on.",
    "revoked": "The token is revoked: it lets nobody in any more.",
}
"""What pages say after a change, by the word in the address: an address cannot put words of its own on a page."""


def told_by(request: Request) -> str:
    """The message for the word after `told=`, if it is one of ours."""
    return TOLD.get(request.query_params.get("told", ""), "")


def with_query(request: Request, **changes: str | None) -> str:
    """The page's own address with some of its query changed; None takes a part away."""
    url = URL(scope={**request.scope, "scheme": "http"})
    kept = url.remove_query_params([name for name, value in changes.items() if value is None])
    changed = kept.include_query_params(**{name: value for name, value in changes.items() if value is not None})
    return f"{changed.path}?{changed.query}" if changed.query else changed.path
