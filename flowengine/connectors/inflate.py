"""Decoding of compressed answers with a bound, so that a small answer cannot become a huge one in memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from flowengine.errors import OperationFailed


def decoder(encoding: str, status: int) -> Callable[[bytes, int], bytes]:
    """A function of (bytes, most) that gives decoded bytes, `most` at the utmost; `encoding` is the answer's header.

    A result of exactly `most` bytes means that there may be more: the caller gives up then.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return lambda raw, _most: raw
        case "gzip" | "x-gzip" | "deflate":
            return _Inflate(status).feed
        case other:
            raise OperationFailed(
                f"the answer is compressed in a way that was not asked for ({other})", status_code=status
            )


class _Inflate:
    """gzip, of one or more members, zlib, and the bare deflate that some servers call `deflate`."""

    def __init__(self, status: int) -> None:
        self._stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        self._status = status
        self._begun = False

    def feed(self, raw: bytes, most: int) -> bytes:
        try:
            return self._inflate(raw, most)
        except zlib.error:
            raise OperationFailed("the answer's compression is damaged", status_code=self._status) from None

    def _inflate(self, raw: bytes, most: int) -> bytes:
        out = bytearray()
        while raw and len(out) < most:
            out += self._first(raw, most) if not self._begun else self._stream.decompress(raw, most - len(out))
            raw = self._stream.unused_data
            if raw:
                self._stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        return bytes(out)

    def _first(self, raw: bytes, most: int) -> bytes:
        self._begun = True
        try:
            return self._stream.decompress(raw, most)
        except zlib.error:
            self._stream = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
            return self._stream.decompress(raw, most)
