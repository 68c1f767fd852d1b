"""One operation of a connector: what it takes, what it gives back, how it is triggered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from flowengine.manifests.extensions import (
    Conversions,
    Idempotency,
    Pagination,
    WebhookSpec,
    read_conversions,
    read_idempotency,
    read_pagination,
    read_webhook,
)
from flowengine.manifests.lenient import as_flag, as_list, as_object, as_text, as_texts
from flowengine.manifests.schema import Field, Schemas, flatten, type_of
from flowengine.types import Json, JsonObject

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
CALLBACK: Final = "$callback_url"
"""The input by which a webhook's operation is told where the service shall deliver: no author writes it."""
READING_METHODS = frozenset({"GET", "HEAD"})
_CALLBACK = "x-ms-notification-url"
_PLACES = {place.lower(): place for place in ("path", "query", "header", "body", "formData")}
"""`in` as it is meant, whatever its letters."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing an author may give: a path, query, header or form parameter, or a property of the body."""

    name: str
    path: str
    """Where authors write it: dotted for properties of the body (`requester.mail`), else the name."""
    location: str
    """`path`, `query`, `header`, `formData` or `body`: the definition's `in`."""
    required: bool
    """Whether its own object needs it."""
    required_always: bool
    """Whether no call can succeed without it."""
    type: str | None = None
    """`string`, `integer`, `number`, `boolean`, `array`, `object`, `file`; None: anything."""
    format: str = ""
    enum: tuple[Json, ...] = ()
    default: Json = None
    has_default: bool = False
    title: str = ""
    """`x-ms-summary`: the name people see."""
    description: str = ""
    visibility: str = ""
    """`important`, `advanced`, `internal` or nothing."""
    schema: JsonObject = field(default_factory=dict)
    """The resolved schema (for parameters outside the body: the parameter's own entry)."""

    @property
    def internal(self) -> bool:
        return self.visibility == "internal"

    @property
    def double_encoded(self) -> bool:
        return as_text(self.schema.get("x-ms-url-encoding")).lower() == "double"

    @property
    def collection_format(self) -> str:
        """How arrays are written; Microsoft's gateway knows only `csv` in practice."""
        return as_text(self.schema.get("collectionFormat")) or "csv"

    @property
    def dynamic(self) -> JsonObject:
        """The `x-ms-dynamic-*` marks: which operation lists the choices or gives the schema."""
        return {key: value for key, value in self.schema.items() if key.startswith("x-ms-dynamic")}

    def to_json(self) -> JsonObject:
        document: JsonObject = {
            "name": self.name,
            "path": self.path,
            "in": self.location,
            "required": self.required,
            "type": self.type,
            "title": self.title,
            "description": self.description,
            "default": self.default,
            "enum": list(self.enum) or None,
            "visibility": self.visibility,
        }
        return {**document, "format": self.format} if self.format else document


@dataclass(frozen=True, slots=True)
class BodySpec:
    """The body parameter."""

    name: str
    """What the definition calls it: not always `body`."""
    schema: JsonObject
    """As written: `$ref`s are followed with `Connector.schemas`."""
    required: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing the service can be asked for, or can tell about."""

    connector: str
    id: str
    kind: Literal["action", "trigger"]
    method: str
    """In capitals."""
    path: str
    """Below the connector's base URL, with `{placeholders}`."""
    trigger_kind: Literal["webhook", "polling"] | None = None
    batch: bool = False
    """Whether a trigger's answer is a list, one event an item."""
    summary: str = ""
    description: str = ""
    trigger_hint: str = ""
    visibility: str = ""
    deprecated: bool = False
    parameters: tuple[Parameter, ...] = ()
    body: BodySpec | None = None
    consumes: tuple[str, ...] = ()
    produces: tuple[str, ...] = ()
    returns: JsonObject = field(default_factory=dict)
    """The schema of what it gives; of a webhook trigger: what a delivery holds. `{}`: unknown."""
    notification: JsonObject | None = None
    """What a webhook delivers: `x-ms-notification-content`."""
    answers: Mapping[str, JsonObject] = field(default_factory=dict)
    """Status code (or `default`) to the declared answer: `description`, `schema`, `headers`."""
    security: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    """Alternatives; each maps the names of security definitions that hold together to their scopes."""
    reads: bool = False
    """Whether it changes nothing: GET and HEAD, and what the manifest marks."""
    pagination: Pagination | None = None
    next_link: str | None = None
    """`x-ms-pageable`: where the answer holds the next page's address."""
    idempotency: Idempotency | None = None
    webhook: WebhookSpec | None = None
    response: Conversions | None = None
    """How an answer (of a webhook trigger: a delivery) becomes what the manifest promises."""

    def parameter(self, path: str) -> Parameter | None:
        """The parameter that authors write as `path`."""
        return next((parameter for parameter in self.parameters if parameter.path == path), None)

    def to_json(self) -> JsonObject:
        """An entry of `operations` in the document of `connectors show`."""
        return {
            "id": self.id,
            "kind": self.kind,
            "trigger_kind": self.trigger_kind,
            "method": self.method,
            "path": self.path,
            "summary": self.summary,
            "description": self.description,
            "visibility": self.visibility,
            "deprecated": self.deprecated,
            "scopes": sorted({scope for way in self.security for scopes in way.values() for scope in scopes}),
            "parameters": [parameter.to_json() for parameter in self.parameters],
            "returns": self.returns,
        }


def read_operation(
    connector: str,
    id_: str,
    place: tuple[str, str],
    schemas: Schemas,
    *,
    security: tuple[Mapping[str, tuple[str, ...]], ...],
) -> Operation:
    """Build one operation. `place` is its path and method; `security` what holds unless it says otherwise."""
    path, method = place
    item = as_object(as_object(schemas.document.get("paths")).get(path) or schemas.document.get(path))
    entry = as_object(item.get(method))
    declared = _declared(schemas, item, entry)
    callback = _callback(schemas, declared)
    notification = _notification(schemas, item) if callback else None
    conversions = read_conversions(entry.get("x-flowengine-response"))
    answers = {status: schemas.follow(answer) for status, answer in as_object(entry.get("responses")).items()}
    return Operation(
        connector=connector,
        id=id_,
        kind="trigger" if entry.get("x-ms-trigger") else "action",
        trigger_kind=("webhook" if callback else "polling") if entry.get("x-ms-trigger") else None,
        batch=entry.get("x-ms-trigger") == "batch",
        method=method.upper(),
        path=path,
        summary=as_text(entry.get("summary")) or as_text(entry.get("x-ms-summary")),
        description=as_text(entry.get("description")),
        trigger_hint=as_text(entry.get("x-ms-trigger-hint")),
        visibility=as_text(entry.get("x-ms-visibility")),
        deprecated=as_flag(entry.get("deprecated")),
        parameters=tuple(_parameters(schemas, declared)),
        body=_body(declared),
        consumes=as_texts(entry.get("consumes")) or as_texts(schemas.document.get("consumes")),
        produces=as_texts(entry.get("produces")) or as_texts(schemas.document.get("produces")),
        returns=_answer(answers) if notification is None else notification,
        notification=notification,
        answers=answers,
        security=read_security(entry["security"]) if isinstance(entry.get("security"), list) else security,
        reads=method.upper() in READING_METHODS or entry.get("x-flowengine-reads") is True,
        pagination=read_pagination(entry.get("x-flowengine-pagination")),
        next_link=as_text(as_object(entry.get("x-ms-pageable")).get("nextLinkName")) or None,
        idempotency=read_idempotency(entry.get("x-flowengine-idempotency")),
        webhook=read_webhook(entry.get("x-flowengine-webhook"), callback, conversions) if callback else None,
        response=conversions,
    )


def read_security(value: Any) -> tuple[Mapping[str, tuple[str, ...]], ...]:
    """`security`: any one of the objects; everything within one of them."""
    return tuple({name: as_texts(scopes) for name, scopes in as_object(way).items()} for way in as_list(value))


def _declared(schemas: Schemas, item: JsonObject, entry: JsonObject) -> list[JsonObject]:
    """The path item's parameters and the operation's, which win over those of the same name and place."""
    found: dict[tuple[str, str], JsonObject] = {}
    for raw in [*as_list(item.get("parameters")), *as_list(entry.get("parameters"))]:
        parameter = schemas.follow(raw)
        place = _PLACES.get(as_text(parameter.get("in")).lower())
        if parameter.get("name"):
            parameter = {**parameter, "in": place} if place else parameter
            found[as_text(parameter.get("in")), as_text(parameter["name"])] = parameter
    return list(found.values())


def _parameters(schemas: Schemas, declared: list[JsonObject]) -> Iterator[Parameter]:
    for entry in declared:
        if entry.get("in") == "body":
            yield from _of_body(schemas, entry)
        else:
            yield _parameter(entry)


def _parameter(entry: JsonObject) -> Parameter:
    required = as_flag(entry.get("required")) or entry.get("in") == "path"
    name = as_text(entry["name"])
    top = Field(name, name, entry, required, required, internal=entry.get("x-ms-visibility") == "internal")
    return _shown(top, as_text(entry.get("in")) or "query")


def _of_body(schemas: Schemas, entry: JsonObject) -> Iterator[Parameter]:
    """An object's properties at the top level; anything else under the body's own name."""
    name, schema = as_text(entry["name"]), entry.get("schema")
    root = schemas.resolve(schema)
    required = as_flag(entry.get("required"))
    whole = Field(name, name, {**root, **_beside(entry)}, required, required, internal=_internal(entry, root))
    if not as_object(root.get("properties")):
        yield _shown(whole, "body")
    prefix = "" if as_object(root.get("properties")) else name
    for one in flatten(schemas, schema, prefix=prefix, required=required or bool(root.get("required"))):
        yield _shown(one, "body")


def _beside(entry: JsonObject) -> JsonObject:
    return {key: value for key, value in entry.items() if key in ("description", "x-ms-summary", "x-ms-visibility")}


def _internal(entry: JsonObject, root: JsonObject) -> bool:
    return "internal" in (entry.get("x-ms-visibility"), root.get("x-ms-visibility"))


def _shown(one: Field, location: str) -> Parameter:
    schema = one.schema
    return Parameter(
        name=one.name,
        path=one.path,
        location=location,
        required=one.required,
        required_always=one.required_always,
        type=type_of(schema),
        format=as_text(schema.get("format")),
        enum=tuple(as_list(schema.get("enum"))),
        default=schema.get("default"),
        has_default="default" in schema,
        title=as_text(schema.get("x-ms-summary")) or as_text(schema.get("title")),
        description=as_text(schema.get("description")),
        visibility="internal" if one.internal else as_text(schema.get("x-ms-visibility")),
        schema=schema,
    )


def _body(declared: list[JsonObject]) -> BodySpec | None:
    for entry in declared:
        if entry.get("in") == "body":
            return BodySpec(
                name=as_text(entry["name"]),
                schema=as_object(entry.get("schema")),
                required=as_flag(entry.get("required")),
                description=as_text(entry.get("description")),
            )
    return None


def _callback(schemas: Schemas, declared: list[JsonObject]) -> str:
    """The dotted path of the parameter that takes the callback URL, if there is one."""
    for parameter in _parameters(schemas, declared):
        if as_flag(parameter.schema.get(_CALLBACK)):
            return parameter.path
    return ""


def _notification(schemas: Schemas, item: JsonObject) -> JsonObject | None:
    content = item.get("x-ms-notification-content")
    return as_object(schemas.follow(content).get("schema")) if isinstance(content, dict) else None


def _answer(answers: Mapping[str, JsonObject]) -> JsonObject:
    """The schema of success: the lowest 2xx that has one, else `default` when no 2xx is declared."""
    fine = sorted(status for status in answers if status.startswith("2"))
    for status in fine or ["default"]:
        schema = as_object(as_object(answers.get(status)).get("schema"))
        if schema:
            return schema
    return {}
