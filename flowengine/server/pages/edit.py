"""Writing flows: the form that begins a new one, and the editor's page.

What the editor does, it does through the API (see `static/editor.js`); until it saves, nothing is written.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from flowengine.app import App
from flowengine.app.files import read_flow_text
from flowengine.app.shipped import description, templates
from flowengine.errors import NotFound
from flowengine.server.context import app_of
from flowengine.server.pages.render import page
from flowengine.server.pages.routing import Row
from flowengine.spec.reading import FLOW_ID

EMPTY: Final = """\
flow: A new flow
description: What it is for, in a sentence.

trigger: { manual: true }

actions:
  - log: Hello
"""
NAME_AT_MOST: Final = 100
_TITLE: Final = re.compile(r"^flow:.*$", re.MULTILINE)
_PLAIN: Final = re.compile(r"[A-Za-z][\w .,()'/-]*[\w).']")
_WORDS: Final = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")


@dataclass(frozen=True, slots=True)
class Beginning:
    """Something to begin a flow with."""

    name: str
    about: str


async def new_flow(request: Request) -> Response:
    """`GET /new`: asks for a name and a template; with both, goes on to the editor. Nothing is written."""
    query = request.query_params
    name, template = " ".join(query.get("name", "").split()), query.get("template", "")
    problem = _problem(app_of(request), name) if "name" in query else ""
    if name and not problem:
        chosen = {"template": template} if template in templates() or _copied(app_of(request), template) else {}
        return RedirectResponse(
            f"/flows/{flow_id_of(name)}/edit?{urlencode({'name': name, **chosen})}", status_code=303
        )
    return await page(
        request,
        "flow_new.html",
        status=422 if problem else 200,
        beginnings=_beginnings(),
        copied=_copied(app_of(request), template),
        name=name,
        template=template,
        problem=problem,
        command=f"flowengine new {template if template in templates() else 'TEMPLATE'} {flow_id_of(name) or 'NAME'}",
    )


def flow_id_of(name: str) -> str:
    """A flow's id, which is its file's name, from what people call it: `Refund tickets!` is `refund-tickets`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain))


def _problem(app: App, name: str) -> str:
    """What is wrong with a new flow's name, if anything is."""
    flow_id = flow_id_of(name)
    if not flow_id or len(name) > NAME_AT_MOST:
        return f"Give it a name of 1 to {NAME_AT_MOST} characters, with at least one Latin letter or digit for its file's name."
    if flow_id in app.library.entries:
        return f"There is a flow in {app.library.entries[flow_id].file} already: give the new one another name."
    return ""


@lru_cache(maxsize=1)
def _beginnings() -> tuple[Beginning, ...]:
    return tuple(Beginning(name, description(path)) for name, path in templates().items())


def titled(text: str, name: str) -> str:
    """A flow's text with another name in it."""
    plain = _PLAIN.fullmatch(name) and name.lower() not in _WORDS
    title = name if plain else json.dumps(name, ensure_ascii=False)
    return _TITLE.sub(lambda _: f"flow: {title}", text, count=1)


async def edit_flow(request: Request) -> Response:
    """`GET /flows/{flow}/edit`: a flow's file, or the beginning of a new one; `?event=` is at hand for trying it."""
    app, query, flow_id = app_of(request), request.query_params, request.path_params["flow"]
    if not FLOW_ID.fullmatch(flow_id):
        raise NotFound(f'"{flow_id:.80}" cannot be a flow\'s id: use lower-case letters, digits and -')
    wanted = query.get("event", "")
    event = (await app.store.events.get(wanted)).body.decode("utf-8", "replace") if wanted else ""
    return await page(
        request,
        "flow_edit.html",
        flow_id=flow_id,
        known=flow_id in app.library.entries,
        beginning=_beginning(app, query.get("template", ""), query.get("name", "")[:NAME_AT_MOST]),
        event=event,
        command=f"flowengine check flows/{flow_id}.yaml",
    )


def _copied(app: App, template: str) -> str:
    """The id of the flow that `flow:ID` names; empty for anything else."""
    flow_id = template.removeprefix("flow:")
    return flow_id if template != flow_id and flow_id in app.library.entries else ""


def _beginning(app: App, template: str, name: str) -> str:
    """The text that a new flow begins with: a template's, a copy of another flow's, or nearly nothing."""
    found = templates().get(template)
    copied = _copied(app, template)
    if copied:
        text = read_flow_text(app.settings.flows, copied).text
    else:
        text = found.read_text(encoding="utf-8") if found else EMPTY
    return titled(text, name) if name.strip() else text


ROUTES: tuple[Row, ...] = (("GET", "/new", new_flow), ("GET", "/flows/{flow}/edit", edit_flow))
