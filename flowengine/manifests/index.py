"""Summaries of connectors, kept on disk: listing 300 of them must not mean reading 20 MB each time.

An entry holds for as long as the folder's two files keep their time of change and their size.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from flowengine.manifests.definition import read_connector
from flowengine.manifests.files import definition_file, properties_file
from flowengine.manifests.lenient import as_object
from flowengine.types import JsonObject

_FORMAT = 1
"""To be raised when entries change their meaning; caches of other formats are made anew."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A connector as `connectors list` shows it. Internal operations are not counted."""

    name: str
    title: str
    version: str
    actions: int
    triggers: int
    source: str
    """`built-in`, `shipped` or `project`."""
    problem: str = ""
    """Why it cannot be used, if it cannot."""

    def to_json(self) -> JsonObject:
        return {key: value for key, value in asdict(self).items() if key != "problem" or value}


def summarize(found: Iterable[tuple[str, Path, str]], cache: Path | None) -> list[Summary]:
    """Summaries of (name, folder, source), in that order, with the help of the cache file.

    A cache that cannot be read or written only costs time.
    """
    kept = _read(cache)
    entries: JsonObject = {}
    summaries = []
    for name, folder, source in found:
        stamp = _stamp(folder)
        entry = as_object(kept.get(str(folder)))
        if entry.get("stamp") != stamp:
            entry = {"stamp": stamp, **_counted(name, folder)}
        entries[str(folder)] = entry
        known = {key: value for key, value in entry.items() if key != "stamp"}
        summaries.append(Summary(name=name, source=source, **known))
    if cache and entries != kept:
        _write(cache, entries)
    return summaries


def _counted(name: str, folder: Path) -> JsonObject:
    connector, findings = read_connector(folder, name)
    if connector is None:
        return {"title": name, "version": "", "actions": 0, "triggers": 0, "problem": str(findings[-1])}
    actions = triggers = 0
    for path, method in connector.places.values():
        entry = connector.schemas.document["paths"][path][method]
        if entry.get("x-ms-visibility") == "internal":
            continue
        triggers += bool(entry.get("x-ms-trigger"))
        actions += not entry.get("x-ms-trigger")
    return {"title": connector.title, "version": connector.version, "actions": actions, "triggers": triggers}


def _stamp(folder: Path) -> list[int]:
    stamp = []
    for path in (definition_file(folder)[0], properties_file(folder)[0]):
        if path is not None:
            state = path.stat()
            stamp += [state.st_mtime_ns, state.st_size]
    return stamp


def _read(cache: Path | None) -> JsonObject:
    with contextlib.suppress(OSError, orjson.JSONDecodeError):
        document = as_object(orjson.loads(cache.read_bytes())) if cache else {}
        if document.get("format") == _FORMAT:
            return as_object(document.get("connectors"))
    return {}


def _write(cache: Path, entries: JsonObject) -> None:
    """Written beside and moved into place, so that two processes never see half a file."""
    beside = cache.with_name(f"{cache.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(orjson.dumps({"format": _FORMAT, "connectors": entries}))
        beside.replace(cache)
