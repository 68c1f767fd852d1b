"""Settings: read once, from `FLOWENGINE_*` variables and `flowengine.toml`, and passed down from there."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from flowengine.errors import ConfigurationError
from flowengine.findings import did_you_mean, wrong_value

PREFIX = "FLOWENGINE_"
FILE = "flowengine.toml"


class Limits(BaseModel):
    """What the engine refuses to exceed. Sizes in bytes, times in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    webhook_body: int = 1_000_000
    answer: int = 10_000_000
    flow_file: int = 1_000_000
    template_source: int = 65_536
    template_result: int = 1_000_000
    template_seconds: float = 1.0
    template_memory: int = 256_000_000
    json_depth: int = 64
    actions: int = 500
    nesting: int = 8
    loop_items: int = 100_000
    at_once: int = 50
    repeat: int = 5_000
    attempt_seconds: float = 120.0
    run_seconds: float = 30 * 86_400.0
    history_days: int = 28


class Settings(BaseModel):
    """One project's settings.

    `project` is the folder that holds `flows/`, `connectors/`, `connections.yaml` and `.flowengine/`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    project: Path = Path()
    database_url: str = ""
    """SQLAlchemy's URL; empty means SQLite in `.flowengine/`."""
    public_url: str = ""
    """Where services reach this engine's webhooks, such as `https://flows.example.com`; empty: the served address."""
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65_535)
    token: str = ""
    """What API callers outside loopback present as `Authorization: Bearer`; it may do everything."""
    sign_in: Literal["auto", "always"] = "auto"
    """`auto` trusts this machine's user on loopback while `token` is not set; `always` asks for a token there, too."""
    oidc_issuer: str = ""
    """The address of an OpenID provider whose people may sign in, such as `https://login.example.com`."""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_claim: str = "groups"
    """The claim of the id token whose values give roles."""
    oidc_roles: dict[str, Literal["viewer", "operator", "admin"]] = {}
    """From a value of that claim, or `*` for everybody who can sign in, to a role; others are not let in."""
    server: str = ""
    """The address of a running engine that commands are to ask instead of this folder's database: `--server`."""
    key_file: Path | None = None
    allow_private_network: bool = False
    """Whether every connection may call addresses that are not public."""
    log_format: Literal["text", "json"] = "text"
    """How `serve` writes its logs to stderr: lines for people, or one JSON object a line."""
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    """`info` also tells the end of each run and each action that failed."""
    telemetry: bool = False
    """Whether runs are sent as OpenTelemetry spans; needs the extra `opentelemetry`."""
    runs_at_once: int = Field(default=256, ge=1)
    failpoint: str = ""
    """For crash tests: `name:count` stops the process at the count-th pass of a named durable point."""
    limits: Limits = Limits()

    @classmethod
    def load(cls, project: Path, environ: Mapping[str, str] = os.environ, **given: Any) -> Settings:
        """Read a project's settings: what is `given` wins over variables, and these over `flowengine.toml`.

        Raises `ConfigurationError` with the name of the setting and what is wrong with it.
        """
        values = _read_file(project / FILE)
        for variable, value in environ.items():
            name = variable.removeprefix(PREFIX).lower()
            if variable.startswith(PREFIX) and name in cls.model_fields and name not in ("project", "limits"):
                values[name] = value
        values.update({name: value for name, value in given.items() if value is not None})
        try:
            return cls(**{**values, "project": project.resolve()})
        except ValidationError as error:
            raise ConfigurationError(_in_words(error)) from None

    @property
    def state(self) -> Path:
        """The folder of the database, its lock and the key."""
        return self.project / ".flowengine"

    @property
    def flows(self) -> Path:
        return self.project / "flows"

    @property
    def connectors(self) -> Path:
        return self.project / "connectors"

    @property
    def connections_file(self) -> Path:
        return self.project / "connections.yaml"

    @property
    def key(self) -> Path:
        """The file of the key that secrets are encrypted with."""
        return self.key_file or self.state / "key"

    @property
    def database(self) -> str:
        """The database's URL, with the default filled in."""
        return self.database_url or f"sqlite:///{self.state / 'flowengine.db'}"


def _read_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: not a TOML file: {error}") from None


def _in_words(error: ValidationError) -> str:
    told = []
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            told.append(f'unknown setting "{name}"; {did_you_mean(name, Settings.model_fields)}')
        else:
            told.append(f"setting {name} ({PREFIX}{name.upper()}) {wrong_value(problem)}, not {problem['input']!r}")
    return "; ".join(told)
