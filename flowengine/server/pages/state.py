"""What pages share: reading faces, names, how connections stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request

from flowengine.app import App
from flowengine.server.pages.tally import Tally
from flowengine.store.heads import Heads


@dataclass(frozen=True, slots=True)
class Faces:
    """What pages read with."""

    heads: Heads
    tally: Tally


def of(request: Request) -> Faces:
    """The faces of this server, made once."""
    found: Faces | None = getattr(request.app.state, "faces", None)
    if found is None:
        app: App = request.app.state.app
        found = request.app.state.faces = Faces(Heads(app.store.reader), Tally(app.store, app.clock))
    return found


def names(app: App) -> Mapping[str, str]:
    """What people call each flow, by id."""
    return {entry.id: entry.flow.name for entry in app.library.entries.values() if entry.flow}
