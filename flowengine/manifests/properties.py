"""apiProperties: what a connection needs, which policies apply, what the connector can be asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flowengine.manifests.lenient import as_flag, as_list, as_object, as_text, as_texts
from flowengine.manifests.policies import Policy, read_policies
from flowengine.types import Json, JsonObject


@dataclass(frozen=True, slots=True)
class OAuth:
    """`oAuthSettings` of a connection parameter of type `oauthSetting`."""

    provider: str
    """Microsoft's name of the way, in lower case: `oauth2`, `oauth2generic`, `aad`, ..."""
    client_id: str = ""
    scopes: tuple[str, ...] = ()
    redirect_url: str = ""
    custom: Mapping[str, str] = field(default_factory=dict)
    """`customParameters`, each by its value: `authorizationUrl`, `tokenUrl`, `refreshUrl`, templates, ..."""
    properties: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConnectionParameter:
    """One thing a connection must or may say."""

    name: str
    type: str
    """`string`, `securestring`, `oauthSetting`, `int`, `bool`, `gatewaySetting`, ..."""
    required: bool = True
    title: str = ""
    description: str = ""
    default: Json = None
    allowed: tuple[Json, ...] = ()
    hidden: bool = False
    oauth: OAuth | None = None

    @property
    def secret(self) -> bool:
        """Whether its value must never be written in clear."""
        return self.type.lower() in ("securestring", "oauthsetting")

    def to_json(self) -> JsonObject:
        return {
            "name": self.name,
            "type": self.type,
            "required": self.required,
            "title": self.title,
            "description": self.description,
            "default": self.default,
            "allowed": list(self.allowed),
        }


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """One of several ways to sign in, of which a connection takes one."""

    name: str
    parameters: tuple[ConnectionParameter, ...]
    title: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionSpec:
    """What a connection to the service needs."""

    parameters: tuple[ConnectionParameter, ...] = ()
    """Every parameter there is, whichever way of signing in it belongs to."""
    sets: tuple[ParameterSet, ...] = ()

    def parameter(self, name: str) -> ConnectionParameter | None:
        return next((parameter for parameter in self.parameters if parameter.name == name), None)

    def missing(self, given: Collection[str], named: str = "") -> tuple[str, ...]:
        """The required parameters that `given` lacks; with several ways to sign in, of the one `named` or that it fits best.

        Parameters with a default, hidden ones and sign-ins (which no file can hold) are never missing.
        """
        if not self.sets:
            return _missing(self.parameters, given)
        if any(one.name == named for one in self.sets):
            return _missing(self.way({}, named), given)
        return min((_missing(one.parameters, given) for one in sorted(self.sets, key=_fit(given))), key=len)

    def way(self, given: Mapping[str, Json], named: str = "") -> tuple[ConnectionParameter, ...]:
        """The parameters of one way to sign in: the one of that name, else the one that the values in `given` fit best."""
        if not self.sets:
            return self.parameters
        found = next((one for one in self.sets if one.name == named), None)
        return (found or min(self.sets, key=lambda one: _misfit(one, given))).parameters

    def to_json(self) -> JsonObject:
        document: JsonObject = {"parameters": [parameter.to_json() for parameter in self.parameters]}
        if self.sets:
            document["sets"] = [
                {
                    "name": one.name,
                    "title": one.title,
                    "description": one.description,
                    "parameters": [parameter.name for parameter in one.parameters],
                }
                for one in self.sets
            ]
        return document


@dataclass(frozen=True, slots=True)
class Properties:
    """The whole of apiProperties that matters here."""

    connection: ConnectionSpec = field(default_factory=ConnectionSpec)
    policies: tuple[Policy, ...] = ()
    capabilities: tuple[str, ...] = ()
    scripted: frozenset[str] = frozenset()
    """Operations that Microsoft runs through a C# script, which this engine cannot do."""
    publisher: str = ""


def read_properties(document: Any) -> Properties:
    """ApiProperties as a record; `properties` may be the root itself."""
    entry = as_object(as_object(document).get("properties")) or as_object(document)
    return Properties(
        connection=_connection(entry),
        policies=read_policies(entry.get("policyTemplateInstances")),
        capabilities=as_texts(entry.get("capabilities")),
        scripted=frozenset(as_texts(entry.get("scriptOperations"))),
        publisher=as_text(entry.get("publisher")),
    )


def _connection(entry: JsonObject) -> ConnectionSpec:
    sets = tuple(
        _set(as_object(value))
        for value in as_list(as_object(entry.get("connectionParameterSets")).get("values"))
        if isinstance(value, dict)
    )
    found = {parameter.name: parameter for parameter in _parameters(entry.get("connectionParameters"))}
    for one in sets:
        for parameter in one.parameters:
            found.setdefault(parameter.name, _in_any_way(parameter, sets))
    return ConnectionSpec(tuple(found.values()), sets)


def _in_any_way(parameter: ConnectionParameter, sets: tuple[ParameterSet, ...]) -> ConnectionParameter:
    """A parameter of one way to sign in, required only when every way requires it."""
    requiring = [any(one.name == parameter.name and one.required for one in way.parameters) for way in sets]
    return replace(parameter, required=all(requiring))


def _set(entry: JsonObject) -> ParameterSet:
    shown = as_object(entry.get("uiDefinition"))
    return ParameterSet(
        name=as_text(entry.get("name")),
        parameters=_parameters(entry.get("parameters")),
        title=as_text(shown.get("displayName")),
        description=as_text(shown.get("description")),
    )


def _parameters(value: Any) -> tuple[ConnectionParameter, ...]:
    return tuple(_parameter(name, as_object(entry)) for name, entry in as_object(value).items())


def _parameter(name: str, entry: JsonObject) -> ConnectionParameter:
    shown = as_object(entry.get("uiDefinition"))
    constraints = as_object(shown.get("constraints"))
    settings = as_object(entry.get("oAuthSettings"))
    return ConnectionParameter(
        name=name,
        type=as_text(entry.get("type")) or "string",
        required=as_flag(constraints.get("required")),
        title=as_text(shown.get("displayName")) or name,
        description=as_text(shown.get("description")) or as_text(shown.get("tooltip")),
        default=entry.get("defaultValue", constraints.get("default")),
        allowed=_allowed(entry.get("allowedValues") or constraints.get("allowedValues")),
        hidden=as_flag(constraints.get("hidden")),
        oauth=_oauth(settings) if settings else None,
    )


def _allowed(value: Any) -> tuple[Json, ...]:
    return tuple(entry.get("value") if isinstance(entry, dict) else entry for entry in as_list(value))


def _oauth(entry: JsonObject) -> OAuth:
    custom = as_object(entry.get("customParameters"))
    return OAuth(
        provider=as_text(entry.get("identityProvider")).lower(),
        client_id=as_text(entry.get("clientId")),
        scopes=as_texts(entry.get("scopes")),
        redirect_url=as_text(entry.get("redirectUrl")),
        custom={
            name: as_text(value.get("value") if isinstance(value, dict) else value) for name, value in custom.items()
        },
        properties=as_object(entry.get("properties")),
    )


def _missing(parameters: tuple[ConnectionParameter, ...], given: Collection[str]) -> tuple[str, ...]:
    return tuple(
        parameter.name
        for parameter in parameters
        if parameter.required
        and parameter.name not in given
        and parameter.default is None
        and not parameter.hidden
        and parameter.oauth is None
    )


def _fit(given: Collection[str]) -> Any:
    """Sorts first the way of signing in of which most is given."""
    return lambda one: -sum(parameter.name in given for parameter in one.parameters)


def _misfit(way: ParameterSet, given: Mapping[str, Json]) -> tuple[int, int, int]:
    """How badly values fit a way to sign in: forbidden ones first, then required ones that lack, then few that are used."""
    named = [parameter for parameter in way.parameters if parameter.name in given]
    forbidden = sum(bool(one.allowed) and given[one.name] not in one.allowed for one in named)
    return forbidden, len(_missing(way.parameters, given)), -len(named)
