"""`flowengine sandbox`: stand-ins of the services, to try flows without an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flowengine.cli import output, place
from flowengine.cli.errors import NotReady
from flowengine.cli.place import AsJson
from flowengine.errors import ConfigurationError, NotFound
from flowengine.findings import did_you_mean

if TYPE_CHECKING:
    from flowengine.sandbox.stand_in import StandIn

app = place.single("Stand-ins of LiveChat and Comm100 to try flows without an account.")


@app.command()
def sandbox(
    service: Annotated[str, typer.Argument(help="livechat, livechat-agent or comm100.")],
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="0 takes a free one.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Run a stand-in until Ctrl-C. It prints its address, the credentials to use, and how to make things happen there."""
    from flowengine.sandbox.server import SERVICES, run

    if service not in SERVICES:
        raise NotFound(f'there is no stand-in of "{service}"; {did_you_mean(service, SERVICES)}')
    try:
        run(service, port, told=_as_line if as_json else _as_page)
    except ConfigurationError as error:
        raise NotReady(error.message) from None


def _as_page(stand_in: StandIn) -> None:
    from flowengine.sandbox.control import page

    output.say(page(stand_in))


def _as_line(stand_in: StandIn) -> None:
    service = stand_in.service
    output.emit_line(
        stand_in={
            "service": service.name,
            "url": stand_in.url,
            "control_url": stand_in.control_url,
            "credentials": dict(service.credentials),
            "signals": sorted(service.signals),
        }
    )
