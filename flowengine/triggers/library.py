"""The project's flows: read from `flows/`, kept as versions, read again when a file changes.

A file with errors keeps the version that ran before it, and says so: its findings stand beside the version that is in force.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flowengine.errors import NotFound
from flowengine.findings import Finding, Severity, Span, did_you_mean
from flowengine.spec.flow import Flow
from flowengine.store import Store

SUFFIXES = (".yaml", ".yml")

Check = Callable[[bytes, str, str], tuple[Flow | None, list[Finding]]]
"""Reads and checks one file: (text, file, id) -> the flow unless it has errors, and all findings."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of `flows/`."""

    id: str
    file: str
    stamp: tuple[int, int]
    """Time of change and size, by which a new text is noticed."""
    flow: Flow | None
    """The version in force: of this text, or the one before when this text has errors."""
    findings: tuple[Finding, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether the file as it stands cannot be used."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)


class Library:
    """The flows in force."""

    def __init__(self, folder: Path, check: Check, store: Store) -> None:
        self.folder = folder
        self.check = check
        self.store = store
        self.entries: dict[str, Entry] = {}

    def get(self, flow_id: str) -> Flow:
        """The version in force. Raises `NotFound` with the nearest spelling, or with what is wrong with the file."""
        entry = self.entries.get(flow_id)
        if entry is None:
            raise NotFound(f'there is no flow "{flow_id}"; {did_you_mean(flow_id, self.entries)}'.rstrip("; "))
        if entry.flow is None:
            told = next((str(finding) for finding in entry.findings), "")
            raise NotFound(f'the flow "{flow_id}" cannot be used: {told}')
        return entry.flow

    def flows(self) -> list[Flow]:
        """Every flow that has a version in force."""
        return [entry.flow for entry in self.entries.values() if entry.flow]

    async def refresh(self) -> list[str]:
        """Look at the folder; the ids of flows that are new, changed or gone."""
        files = {path.stem: path for path in self._files()}
        gone = [flow_id for flow_id in self.entries if flow_id not in files]
        for flow_id in gone:
            del self.entries[flow_id]
        changed = [flow_id for flow_id, path in files.items() if await self._read(flow_id, path)]
        return [*gone, *changed]

    def _files(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if path.suffix in SUFFIXES and path.is_file())

    async def _read(self, flow_id: str, path: Path) -> bool:
        known = self.entries.get(flow_id)
        try:
            stamp, text = _newer(path, known.stamp if known else None)
        except OSError as error:
            return self._unreadable(flow_id, path, error)
        if text is None:
            return False
        flow, findings = self.check(text, self._shown(path), flow_id)
        if flow:
            await self.store.flows.save_version(flow_id, flow.version, flow.source.text)
        in_force = flow or (known.flow if known else await self._last_version(flow_id, path))
        self.entries[flow_id] = Entry(flow_id, self._shown(path), stamp, in_force, tuple(findings))
        return True

    async def _last_version(self, flow_id: str, path: Path) -> Flow | None:
        """The newest version that was in force before this process started."""
        versions = await self.store.flows.versions(flow_id)
        if not versions:
            return None
        text = await self.store.flows.version_text(flow_id, versions[0].version)
        return self.check(text.encode(), self._shown(path), flow_id)[0]

    def _unreadable(self, flow_id: str, path: Path, error: OSError) -> bool:
        """A file that vanished between two looks, or may not be read: told once."""
        known = self.entries.get(flow_id)
        if known and known.stamp == (0, 0):
            return False
        finding = Finding(
            self._shown(path), Span(1, 1, 1, 1), "unreadable", f"the file cannot be read: {error.strerror}"
        )
        self.entries[flow_id] = Entry(flow_id, self._shown(path), (0, 0), known.flow if known else None, (finding,))
        return True

    def _shown(self, path: Path) -> str:
        return f"{self.folder.name}/{path.name}"


def _newer(path: Path, stamp: tuple[int, int] | None) -> tuple[tuple[int, int], bytes | None]:
    """The file's stamp, and its text when the stamp is another one."""
    stat = path.stat()
    found = (stat.st_mtime_ns, stat.st_size)
    return found, None if found == stamp else path.read_bytes()
