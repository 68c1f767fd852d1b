"""Finding connectors by name: a project's own, those that ship with the package, and the built-in `http`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from flowengine.errors import InvalidFile, NotFound
from flowengine.findings import Finding, did_you_mean
from flowengine.manifests.definition import Connector, read_connector
from flowengine.manifests.files import connector_name, is_connector
from flowengine.manifests.index import Summary, summarize

BUILT_IN = Path(__file__).parent / "builtin"
HTTP = "http"
"""The connector that is always there and needs no connection."""


def shipped_connectors() -> Path:
    """The folder of the connectors that come with the package: in an installed wheel, else in the source tree."""
    package = Path(__file__).parent.parent
    installed = package / "shipped" / "connectors"
    return installed if installed.is_dir() else package.parent / "connectors"


class Catalog:
    """The connectors of some folders, each read when it is first asked for.

    `folders` hold one folder a connector; where a name occurs twice the earlier folder wins, so a project can replace
    a shipped connector. The built-in ones come last. `cache` is the file that keeps the summaries of `summaries()`.
    """

    def __init__(self, folders: Sequence[Path], cache: Path | None = None) -> None:
        self._roots = [*folders, BUILT_IN]
        self._cache = cache
        self._read: dict[str, tuple[Connector | None, list[Finding]]] = {}

    def names(self) -> list[str]:
        """What flows can write before the dot of `use`, sorted."""
        return sorted(self._folders)

    def get(self, name: str) -> Connector:
        """The connector of that name, or of a folder of that name.

        Raises `NotFound` with the nearest name, `InvalidFile` when its files cannot be used.
        """
        connector, findings = self.read(name)
        if connector is None:
            raise InvalidFile(findings)
        return connector

    def read(self, name: str) -> tuple[Connector | None, list[Finding]]:
        """The connector (None when its files cannot be used) and what was found in its files. Raises `NotFound`."""
        known = name if name in self._folders else connector_name(Path(name))
        if known not in self._folders:
            raise NotFound(f'there is no connector "{name}"; {did_you_mean(name, self._folders)}')
        if known not in self._read:
            self._read[known] = read_connector(self._folders[known][0], known)
        return self._read[known]

    def folder(self, name: str) -> Path:
        """Where a connector's files stand. Raises `NotFound`."""
        if name not in self._folders:
            raise NotFound(f'there is no connector "{name}"; {did_you_mean(name, self._folders)}')
        return self._folders[name][0]

    def summaries(self) -> list[Summary]:
        """Every connector in a line, sorted by name; quick from the second time on."""
        found = ((name, *self._folders[name]) for name in self.names())
        return summarize(found, self._cache)

    def __contains__(self, name: str) -> bool:
        return name in self._folders

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    @cached_property
    def _folders(self) -> dict[str, tuple[Path, str]]:
        """Name to folder and source; the earlier root wins."""
        found: dict[str, tuple[Path, str]] = {}
        for root in self._roots:
            source = {BUILT_IN: "built-in", shipped_connectors(): "shipped"}.get(root, "project")
            for folder in sorted(root.iterdir()) if root.is_dir() else ():
                if is_connector(folder):
                    found.setdefault(connector_name(folder), (folder, source))
        return found
