"""The engine's key: what secrets and `secure` values are encrypted with, and what unguessable names are derived from.

The key is a file of its own, mode 0600, outside the database: a copy of the database alone gives nothing away.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from flowengine.errors import ConfigurationError
from flowengine.store.room import to_disk

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


class Seal:
    """Encrypts with the first key of the file and decrypts with any; the file is made when something is first encrypted."""

    def __init__(self, key_file: Path | None) -> None:
        self._file = key_file
        self._keys: tuple[bytes, ...] = ()
        self._cipher: MultiFernet | None = None

    def close(self, text: str) -> str:
        """The text, encrypted."""
        return self._fernet().encrypt(text.encode()).decode()

    def open(self, token: str) -> str:
        """The inverse of `close`. Raises `ConfigurationError` when the key is not the one it was encrypted with."""
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet().decrypt(token).decode()
        except InvalidToken:
            # Another process may have put a new key into the file since it was read.
            self._cipher = None
        try:
            return self._fernet().decrypt(token).decode()
        except InvalidToken:
            raise ConfigurationError(
                f"the key in {self._file} is not the one the database was written with: put the right key file back"
            ) from None

    def derive(self, label: str) -> str:
        """43 url-safe characters that only this key's holder can make of the label: the last key of the file, so that
        rotation changes no address that a service already knows.
        """
        self._fernet()
        digest = hmac.new(self._keys[-1], label.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def add_key(self) -> None:
        """Put a new key first; what was encrypted before stays readable."""
        from cryptography.fernet import Fernet

        self._fernet()
        assert self._file is not None
        self._write((Fernet.generate_key(), *self._keys))
        self._cipher = None

    def _fernet(self) -> MultiFernet:
        if self._cipher is None:
            from cryptography.fernet import Fernet, MultiFernet

            self._keys = self._read()
            try:
                self._cipher = MultiFernet([Fernet(key) for key in self._keys])
            except (ValueError, binascii.Error):
                raise ConfigurationError(
                    f"the key file {self._file} does not hold a key: put the right one back"
                ) from None
        return self._cipher

    def _read(self) -> tuple[bytes, ...]:
        if self._file is None:
            raise ConfigurationError("there is no key file: set FLOWENGINE_KEY_FILE to a path outside the database")
        try:
            if not self._file.exists():
                self._make()
            keys = tuple(line for line in self._file.read_bytes().split() if line)
        except OSError as error:
            raise ConfigurationError(f"the key file {self._file} cannot be read or made: {error.strerror}") from None
        if not keys:
            raise ConfigurationError(f"the key file {self._file} is empty: put the right one back")
        return keys

    def _make(self) -> None:
        from cryptography.fernet import Fernet

        with contextlib.suppress(FileExistsError):  # another process that starts now was faster: its key is the key
            self._write((Fernet.generate_key(),), place=os.link)

    def _write(self, keys: tuple[bytes, ...], place: Callable[[Path, Path], None] = os.replace) -> None:
        """Written beside and put into place, so that no crash leaves half a key, and no power cut none."""
        assert self._file is not None
        self._file.parent.mkdir(parents=True, exist_ok=True)
        beside = self._file.with_name(f"{self._file.name}.{os.getpid()}.new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as opened:
            opened.write(b"\n".join(keys) + b"\n")
            opened.flush()
            os.fsync(opened.fileno())
        try:
            place(beside, self._file)
        finally:
            beside.unlink(missing_ok=True)
        to_disk(self._file.parent)
