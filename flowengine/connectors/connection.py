"""A connection: how one account at one service is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flowengine.types import Json

_SHORTEST_SECRET = 6
"""Shorter values are not struck out of answers: they would be found everywhere."""


@dataclass(frozen=True, slots=True, repr=False)
class Connection:
    """A named account: the parameters that the connector's definition asks for, and where and how often to call.

    `parameters` may compute its values when they are read (secrets are read late, so that a rotation takes effect).
    """

    name: str = ""
    connector: str = ""
    parameters: Mapping[str, Json] = field(default_factory=dict)
    base_url: str = ""
    """Another place that answers for the service: a stand-in or a proxy. With a path, it replaces the base path too."""
    limits: tuple[tuple[int, float], ...] = ()
    """Calls and seconds; empty: the manifest's."""
    allow_private_network: bool = False
    keep_base_path: bool = False
    """Whether the definition's base path stays when a policy puts another host in its place."""

    def __repr__(self) -> str:
        """Names only: values are credentials."""
        return f"Connection({self.name!r}, connector={self.connector!r}, parameters={sorted(self.parameters)})"

    def parameter(self, name: str) -> str | None:
        """A parameter's value as text, its name in any case; None when there is none.

        `token:name` is a custom parameter of the sign-in called `token`: it may be given with or without the prefix.
        """
        for wanted in (name, name.rpartition(":")[2]):
            found = _folded(self.parameters, wanted)
            if found is not None:
                return found
        return None


def _folded(parameters: Mapping[str, Json], name: str) -> str | None:
    key = name if name in parameters else next((key for key in parameters if key.lower() == name.lower()), None)
    if key is None:
        return None
    value = parameters[key]
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def secret_values(connection: Connection, secret_names: frozenset[str]) -> tuple[str, ...]:
    """The values that must not appear anywhere, longest first."""
    found = {connection.parameter(name) or "" for name in secret_names if name in connection.parameters}
    return tuple(sorted((value for value in found if len(value) >= _SHORTEST_SECRET), key=len, reverse=True))
