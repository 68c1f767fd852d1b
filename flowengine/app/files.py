"""Changing flow files for people who edit in a browser: what they typed, byte for byte, and never over somebody else's change."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flowengine.errors import ConfigurationError, Conflict, NotFound
from flowengine.spec.reading import FLOW_ID

LONGEST: Final = 100
"""Letters that a flow's id may have: file systems end at 255 bytes for a name with its ending."""


@dataclass(frozen=True, slots=True)
class FlowText:
    """A flow's file as it stands."""

    flow: str
    path: Path
    text: str

    @property
    def hash(self) -> str:
        """What a change must name to be made: it was this text that the author saw."""
        return text_hash(self.text)


class ChangedMeanwhile(Conflict):
    """The file is not what the author began with."""

    def __init__(self, yours: str, theirs: FlowText | None) -> None:
        self.yours = yours
        self.theirs = theirs
        told = "was changed" if theirs else "is gone"
        super().__init__(f"the file {told} since you began: nothing was written; look at both texts and save again")


def text_hash(text: str) -> str:
    """SHA-256 of the bytes in the file."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_flow_text(folder: Path, flow_id: str) -> FlowText:
    """A flow's file. Raises `NotFound`, and `Conflict` for one that is no text."""
    path = _path(folder, flow_id)
    if path is None:
        raise NotFound(f'there is no file "{flow_id}.yaml" in {folder.name}/')
    try:
        return FlowText(flow_id, path, path.read_bytes().decode("utf-8"))
    except UnicodeDecodeError:
        raise Conflict(f"{path.name} is not UTF-8 text and cannot be edited here") from None
    except OSError as error:
        raise Conflict(f"{path.name} cannot be read: {error.strerror}") from None


def write_flow_text(folder: Path, flow_id: str, text: str, expected: str | None) -> FlowText:
    """Make the file hold this text, if it still is what the author saw.

    `expected` is the hash of that text; None makes a new file. Raises `ChangedMeanwhile` with both texts, and
    `ConfigurationError` when the folder cannot be written.
    """
    try:
        found = read_flow_text(folder, flow_id)
    except NotFound:
        found = None
    if (found.hash if found else None) != expected:
        raise ChangedMeanwhile(text, found)
    path = found.path if found else folder / f"{flow_id}.yaml"
    try:
        _replace(path, text.encode("utf-8"), new=found is None)
    except FileExistsError:
        raise ChangedMeanwhile(text, read_flow_text(folder, flow_id)) from None
    except OSError as error:
        raise ConfigurationError(f"{path.name} cannot be written: {error.strerror}") from None
    return FlowText(flow_id, path, text)


def _path(folder: Path, flow_id: str) -> Path | None:
    if not FLOW_ID.fullmatch(flow_id) or len(flow_id) > LONGEST:
        told = f"use lower-case letters, digits and -, at most {LONGEST} of them"
        raise NotFound(f'"{flow_id:.80}" cannot be a flow\'s id: {told}')
    return next((path for path in (folder / f"{flow_id}.yaml", folder / f"{flow_id}.yml") if path.is_file()), None)


def _replace(path: Path, content: bytes, *, new: bool) -> None:
    """Written beside and moved into place: whoever reads meanwhile sees one text or the other, never half of one."""
    target = path.resolve()
    handle, beside = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        if new:
            Path(beside).chmod(0o644)
            os.link(beside, target)
        else:
            Path(beside).chmod(target.stat().st_mode & 0o777)
            Path(beside).replace(target)
    finally:
        with contextlib.suppress(OSError):
            Path(beside).unlink()
