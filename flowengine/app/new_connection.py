"""A new connection: what a connector asks for, which of it is secret, and what is written where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flowengine.app import connection_file
from flowengine.connectors import urls
from flowengine.errors import InvalidInputs
from flowengine.findings import did_you_mean
from flowengine.manifests.definition import Connector
from flowengine.manifests.properties import ConnectionParameter

if TYPE_CHECKING:
    from flowengine.app.project import App

_APPLICATION: Final = (
    ConnectionParameter("client_id", "string", description="The id of your application at the service."),
    ConnectionParameter(
        "client_secret",
        "securestring",
        required=False,
        description="Its secret; leave it empty for an application that has none.",
    ),
)
"""What OAuth needs besides the definition: the application in a definition is Microsoft's own."""


@dataclass(frozen=True, slots=True, repr=False)
class Made:
    """A connection that is ready to be written."""

    entry: connection_file.Entry
    secrets: Mapping[str, str] = field(default_factory=dict)
    """To be stored, by name; the entry only names them."""
    signs_in: bool = False
    """Whether somebody has to sign in before it works."""


def way_of(connector: Connector, given: str | None) -> str:
    """The name of the way to sign in; empty when there is only one. Raises `InvalidInputs`."""
    ways = [one.name for one in connector.connection.sets]
    if given:
        if given not in ways:
            told = did_you_mean(given, ways) or "it has only one way to sign in"
            raise InvalidInputs(f'{connector.name} has no way to sign in called "{given}"; {told}')
        return given
    if len(ways) > 1:
        raise InvalidInputs(f"{connector.name} offers several ways to sign in: say authentication {' or '.join(ways)}")
    return next(iter(ways), "")


def wanted(connector: Connector, way: str) -> list[ConnectionParameter]:
    """What to ask for, in order. An OAuth sign-in itself is not asked for, but the application that it is made with."""
    asked_by = connector.connection.way({}, way)
    asked = [each for each in asked_by if each.oauth is None and not each.hidden]
    if any(each.oauth for each in asked_by):
        known = {each.name.rpartition(":")[2].lower().replace("_", "") for each in asked}
        asked += [each for each in _APPLICATION if each.name.replace("_", "") not in known]
    return asked


def checked(parameter: ConnectionParameter, value: str) -> str:
    """The value, or the only one there can be. Raises `InvalidInputs`; it never tells the value."""
    if not value and parameter.required and len(parameter.allowed) == 1:
        return str(parameter.allowed[0])
    if not value and parameter.required and parameter.default is None:
        raise InvalidInputs(f"no value for {parameter.name}", parameter=parameter.name)
    choices = [str(one) for one in parameter.allowed]
    if value and choices and value not in choices:
        raise InvalidInputs(f"{parameter.name} must be one of: {', '.join(choices)}", parameter=parameter.name)
    return value


def made_of(
    connector: Connector, name: str, way: str, values: Mapping[str, str], *, base_url: str | None, private: bool
) -> Made:
    """The connection that these values make. Secret ones are stored by a name of their own and only named in the file."""
    if base_url and not urls.has_host(base_url):
        raise InvalidInputs("base_url must begin with https:// or http:// and a host", parameter="base_url")
    asked = {each.name: each for each in wanted(connector, way)}
    for unknown in values.keys() - asked.keys():
        raise InvalidInputs(f'there is no parameter "{unknown}"; {did_you_mean(unknown, asked)}'.rstrip("; "))
    given = {key: checked(parameter, values.get(key, "")) for key, parameter in asked.items()}
    secrets = {key: re.sub(r"\W", "_", f"{name}_{key}") for key, value in given.items() if value and asked[key].secret}
    written = {key: f"{{{{ secrets.{secrets[key]} }}}}" if key in secrets else value for key, value in given.items()}
    entry = connection_file.Entry(
        name=name,
        connector=connector.name,
        parameters={key: value for key, value in written.items() if value},
        authentication=way,
        base_url=base_url,
        private=private,
    )
    signs_in = any(each.oauth for each in connector.connection.way({}, way))
    return Made(entry, {secrets[key]: given[key] for key in secrets}, signs_in)


async def add(app: App, made: Made) -> None:
    """Store the secrets, add the connection at the end of connections.yaml, and take it into force.

    Raises `Conflict` when there is one of that name, or the file cannot be added to.
    """
    connection_file.refuse_known(app.settings, made.entry.name)
    connection_file.appended(app.settings, made.entry)
    for secret, value in made.secrets.items():
        await app.set_secret(secret, value)
    connection_file.append(app.settings, connection_file.appended(app.settings, made.entry))
    app.read_connections()


async def remove(app: App, name: str) -> list[str]:
    """Take a connection out of the file and forget its tokens; gives the names of the secrets that it used."""
    used = connection_file.cut(app.settings, name)
    await app.accounts.sign_out(name)
    app.read_connections()
    return used
