"""Connections: how one account at one service is called, and the file that holds them."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from flowengine.connectors.values import describe
from flowengine.errors import Unauthorized
from flowengine.findings import Finding, Severity, Span, did_you_mean
from flowengine.spec.source import Location, Source, read_source
from flowengine.spec.times import parse_duration
from flowengine.types import Json

FILE: Final = "connections.yaml"
KEYS: Final = (
    "connector",
    "parameters",
    "authentication",
    "base_url",
    "limits",
    "allow_private_network",
    "keep_base_path",
)
_TEMPLATE = re.compile(r"\{\{\s*(env|secrets)\.([A-Za-z_][\w-]*)\s*\}\}")
_SECRET_NAME = re.compile(r"secret|passw|token|api_?key|private_?key|credential", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True, slots=True, repr=False)
class Connection:
    """A named account: the parameters that the connector's definition asks for, and where and how often to call."""

    name: str = ""
    connector: str = ""
    parameters: Mapping[str, Json] = field(default_factory=dict)
    """May compute its values when they are read: secrets are read late, so that a new one takes effect."""
    base_url: str = ""
    """Another place that answers for the service: a stand-in or a proxy. With a path, it replaces the base path too."""
    limits: tuple[tuple[int, float], ...] = ()
    """Calls and seconds; empty: the manifest's."""
    allow_private_network: bool = False
    keep_base_path: bool = False
    """Whether the definition's base path stays when a policy puts another host in its place."""
    address_secrets: tuple[str, ...] = ()
    """The secrets that stand in `base_url`: some services give an account an address that nobody may know."""
    authentication: str = ""
    """Which of the definition's ways to sign in (`connectionParameterSets`); empty: the one that the parameters fit."""

    def __repr__(self) -> str:
        """Names only: values are credentials."""
        return f"Connection({self.name!r}, connector={self.connector!r}, parameters={sorted(self.parameters)})"

    @property
    def shown_url(self) -> str:
        """`base_url` for people, without its secrets."""
        url = self.base_url
        for secret in self.address_secrets:
            url = url.replace(secret, "***")
        return url

    def parameter(self, name: str) -> str | None:
        """A parameter's value as text, its name in any case; None when there is none.

        `token:name` is a custom parameter of the sign-in called `token`: it may be given with or without the prefix.
        """
        found = _folded(self.parameters, name)
        return _folded(self.parameters, name.rpartition(":")[2]) if found is None and ":" in name else found

    @property
    def secret_names(self) -> frozenset[str]:
        """The parameters that are filled from secrets."""
        layers = self.parameters.maps if isinstance(self.parameters, ChainMap) else [self.parameters]
        return frozenset[str]().union(*(layer.secret_names for layer in layers if isinstance(layer, Values)))


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


@dataclass(frozen=True, slots=True, repr=False)
class Values(Mapping[str, Json]):
    """Parameters as their file writes them; `{{ env.X }}` and `{{ secrets.x }}` are filled in when they are read."""

    connection: str
    written: Mapping[str, Json]
    environ: Mapping[str, str]
    secrets: Callable[[str], str | None]

    def __getitem__(self, name: str) -> Json:
        value = self.written[name]
        return _TEMPLATE.sub(self._value, value) if isinstance(value, str) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self.written)

    def __len__(self) -> int:
        return len(self.written)

    @property
    def secret_names(self) -> frozenset[str]:
        return frozenset(
            name
            for name, value in self.written.items()
            if isinstance(value, str) and any(found[1] == "secrets" for found in _TEMPLATE.finditer(value))
        )

    def _value(self, found: re.Match[str]) -> str:
        source, name = found.groups()
        value = self.environ.get(name) if source == "env" else self.secrets(name)
        if value is None:
            raise Unauthorized(f'the connection "{self.connection}" cannot be used: {lacking(source, name)}')
        return value


def lacking(source: str, name: str) -> str:
    """What is not there, and how to put it there."""
    if source == "env":
        return f"the environment variable {name} is not set"
    return f'there is no secret "{name}"; set it: flowengine secrets set {name}'


def read_connections(
    text: str | Path,
    environ: Mapping[str, str],
    secrets: Callable[[str], str | None],
    secret_parameters: Callable[[str], frozenset[str]] | None = None,
) -> tuple[dict[str, Connection], list[Finding]]:
    """Read `connections.yaml` (its text or its path) and what is wrong with it; a connection with an error is left out.

    `secrets` looks a secret up; `secret_parameters` gives the parameters of a connector that must not stand in clear, and
    their names are judged without it.
    """
    file, content, problem = _content(text)
    if problem is not None:
        return {}, [problem]
    source, findings = read_source(content, file)
    if source is None:
        return {}, findings
    reader = _Reader(source, environ, secrets, secret_parameters)
    return reader.connections(), [*findings, *reader.findings]


def _content(text: str | Path) -> tuple[str, bytes | str, Finding | None]:
    if not isinstance(text, Path):
        return FILE, text, None
    try:
        return str(text), text.read_bytes(), None
    except OSError as error:
        told = f"the file cannot be opened: {(error.strerror or str(error)).lower()}"
        return str(text), b"", Finding(str(text), Span(1, 1, 1, 1), "not-readable", told)


class _Reader:
    """The file's data into connections, with every mistake at its place."""

    def __init__(
        self,
        source: Source,
        environ: Mapping[str, str],
        secrets: Callable[[str], str | None],
        secret_parameters: Callable[[str], frozenset[str]] | None,
    ) -> None:
        self.source = source
        self.findings: list[Finding] = []
        self.environ = environ
        self.secrets = secrets
        self.secret_parameters = secret_parameters

    def connections(self) -> dict[str, Connection]:
        data = self.source.data
        if data is None:
            return {}
        if not isinstance(data, dict):
            self._report((), "wrong-type", "the file must hold connections by name", "write: name: {connector: ...}")
            return {}
        found = {name: self._connection(name, entry) for name, entry in data.items()}
        return {name: connection for name, connection in found.items() if connection is not None}

    def _connection(self, name: str, entry: Json) -> Connection | None:
        before = self._errors()
        if not _NAME.fullmatch(name):
            hint = "use letters, digits, -, _ and ."
            self._report((name,), "connection-name", f'"{name}" cannot be a connection\'s name', hint, key=True)
        if not isinstance(entry, dict):
            self._wrong_type((name,), "an object", entry, "write: connector: and parameters: below it")
            return None
        self._refuse_unknown(name, entry)
        connector = self._text(name, entry, "connector", required=True)
        connection = Connection(
            name=name,
            connector=connector,
            parameters=self._parameters(name, connector, entry.get("parameters")),
            base_url=self._base_url(name, entry),
            address_secrets=self._secrets_of(entry.get("base_url")),
            limits=self._limits(name, entry.get("limits")),
            allow_private_network=self._flag(name, entry, "allow_private_network"),
            keep_base_path=self._flag(name, entry, "keep_base_path"),
            authentication=self._text(name, entry, "authentication"),
        )
        return connection if self._errors() == before else None

    def _report(self, loc: Location, rule: str, message: str, hint: str = "", *, key: bool = False) -> None:
        span = self.source.key_span(loc) if key else self.source.span(loc)
        self.findings.append(Finding(self.source.file, span, rule, message, hint))

    def _warn(self, loc: Location, rule: str, message: str, hint: str = "") -> None:
        self.findings.append(Finding(self.source.file, self.source.span(loc), rule, message, hint, Severity.WARNING))

    def _wrong_type(self, loc: Location, wanted: str, value: Json, hint: str = "") -> None:
        told = f"{loc[-1]} must be {wanted}, not {describe(value)}"
        self._report(loc, "wrong-type", told, hint, key=value is None)

    def _errors(self) -> int:
        return sum(finding.severity == "error" for finding in self.findings)

    def _refuse_unknown(self, name: str, entry: dict[str, Json]) -> None:
        for key in entry:
            if key not in KEYS:
                told = f'a connection has no key "{key}"'
                self._report((name, key), "unknown-key", told, did_you_mean(key, KEYS), key=True)

    def _text(self, name: str, entry: dict[str, Json], key: str, *, required: bool = False) -> str:
        value = entry.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if value is not None:
            self._wrong_type((name, key), "text", value)
        elif required:
            told = f'the connection "{name}" does not say which {key} it is for'
            self._report((name,), "missing-key", told, f"add {key}: and its name", key=True)
        return ""

    def _flag(self, name: str, entry: dict[str, Json], key: str) -> bool:
        value = entry.get(key, False)
        if not isinstance(value, bool):
            self._wrong_type((name, key), "true or false", value)
        return value is True

    def _base_url(self, name: str, entry: dict[str, Json]) -> str:
        written = self._text(name, entry, "base_url")
        self._check_templates((name, "base_url"), written)
        try:
            url = str(Values(name, {"base_url": written}, self.environ, self.secrets)["base_url"]).rstrip("/")
        except Unauthorized:
            # A missing value was reported where it is missing.
            return ""
        if url and not url.startswith(("http://", "https://")):
            told = "base_url must begin with http:// or https://"
            self._report((name, "base_url"), "connection-address", told)
        return url

    def _secrets_of(self, written: Json) -> tuple[str, ...]:
        """The values of the secrets that a text names."""
        named = _TEMPLATE.findall(written) if isinstance(written, str) else ()
        found = (self.secrets(name) for source, name in named if source == "secrets")
        return tuple(value for value in found if value)

    def _parameters(self, name: str, connector: str, entry: Json) -> Mapping[str, Json]:
        if entry is None:
            return {}
        if not isinstance(entry, dict):
            self._wrong_type((name, "parameters"), "an object", entry)
            return {}
        hidden = self.secret_parameters(connector) if self.secret_parameters else None
        for key, value in entry.items():
            loc = (name, "parameters", key)
            if isinstance(value, dict | list):
                self._wrong_type(loc, "text, a number, or true or false", value)
            elif isinstance(value, str):
                self._check_templates(loc, value)
                secret = key in hidden if hidden is not None else _SECRET_NAME.search(key)
                if secret and value and not _TEMPLATE.search(value):
                    self._warn_of_clear_text(loc, key)
        return Values(name, entry, self.environ, self.secrets)

    def _warn_of_clear_text(self, loc: tuple[str, ...], key: str) -> None:
        stem = re.sub(r"\W+", "_", f"{loc[0]}_{key}").lower()
        hint = f'run `flowengine secrets set {stem}` and write "{{{{ secrets.{stem} }}}}"'
        self._warn(loc, "secret-in-clear", f'"{key}" is a secret and stands here in clear', hint)

    def _check_templates(self, loc: tuple[str, ...], text: str) -> None:
        """Only `env` and `secrets` may be named here; nothing is computed."""
        if "{{" in _TEMPLATE.sub("", text) or "{%" in text:
            hint = 'write "{{ env.NAME }}" or "{{ secrets.name }}"'
            self._report(
                loc, "connection-template", "a connection can name environment variables and secrets only", hint
            )
            return
        for found in _TEMPLATE.finditer(text):
            source, name = found.groups()
            if (self.environ.get(name) if source == "env" else self.secrets(name)) is None:
                self._warn(loc, "missing-value", lacking(source, name))

    def _limits(self, name: str, entry: Json) -> tuple[tuple[int, float], ...]:
        if entry is None:
            return ()
        loc = (name, "limits")
        entries = entry if isinstance(entry, list) else [entry]
        read = (
            self._limit((*loc, index) if isinstance(entry, list) else loc, one) for index, one in enumerate(entries)
        )
        return tuple(limit for limit in read if limit is not None)

    def _limit(self, loc: tuple[str | int, ...], entry: Json) -> tuple[int, float] | None:
        hint = "write: {calls: 100, period: 60 seconds}"
        if not isinstance(entry, dict) or set(entry) != {"calls", "period"}:
            self._report(loc, "connection-limits", "limits must say calls and period", hint)
            return None
        calls, period = entry["calls"], entry["period"]
        if not isinstance(calls, int) or isinstance(calls, bool) or calls < 1:
            self._wrong_type((*loc, "calls"), "a whole number above 0", calls)
            return None
        try:
            seconds = parse_duration(period).total_seconds() if isinstance(period, str) else float(period)
        except (TypeError, ValueError) as error:
            self._report((*loc, "period"), "connection-limits", str(error), hint)
            return None
        return (calls, seconds) if seconds > 0 else None
