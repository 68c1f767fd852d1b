"""How the event loop and the process that writes talk: a length of four bytes, then that many of msgpack.

Units go one way, each statement's text only the first time; reports come back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from flowengine.errors import FlowEngineError, StorageUnavailable
from flowengine.store.trouble import first_line
from flowengine.store.units import Ended, Fenced, Part, Report, Statement, Unit, Write

LENGTH: Final = 4


def _plain(value: object) -> str | int:
    """A text or number of a class of its own, as it would be stored."""
    match value:
        case str():
            return str.__str__(value)
        case int():
            return int(value)
    raise TypeError(f"a value of {type(value).__name__} cannot be stored")


_pack: Final = msgspec.msgpack.Encoder(enc_hook=_plain).encode
_unpack: Final = msgspec.msgpack.Decoder().decode


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(LENGTH, "big") + body


class Frames:
    """Cuts what arrives into bodies."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._rest += data
        while len(self._rest) >= LENGTH:
            end = LENGTH + int.from_bytes(self._rest[:LENGTH], "big")
            if len(self._rest) < end:
                return
            body = bytes(self._rest[LENGTH:end])
            del self._rest[:end]
            yield body


class UnitPacker:
    """Packs units, and remembers which statements the other side knows by their number."""

    def __init__(self) -> None:
        self._numbers: dict[Statement, int] = {}
        self._new: list[tuple[str, bool, str]] = []

    def pack(self, units: Sequence[Unit]) -> tuple[bytes, list[Ended]]:
        """A message, and the units that cannot be in one: no database takes a lone surrogate or an endless number, either."""
        bodies = [self._body(unit) for unit in units]
        new, self._new = self._new, []
        try:
            return framed(_pack((new, bodies))), []
        except (ValueError, OverflowError, TypeError):
            failed = {at: told for at, body in enumerate(bodies) if (told := _refused(body))}
        kept = [body for at, body in enumerate(bodies) if at not in failed]
        ended = [Ended(units[at].number, [], StorageUnavailable(told)) for at, told in failed.items()]
        return framed(_pack((new, kept))), ended

    def _body(self, unit: Unit) -> tuple[Any, ...]:
        parts = [
            (self._writes(part.writes), None if part.otherwise is None else self._writes(part.otherwise))
            for part in unit.parts
        ]
        return unit.number, unit.patient, parts

    def _writes(self, writes: Sequence[Write]) -> list[tuple[Any, ...]]:
        numbers = self._numbers
        return [
            (
                numbers[write.statement] if write.statement in numbers else self._number(write.statement),
                write.row,
                write.key,
            )
            for write in writes
        ]

    def _number(self, statement: Statement) -> int:
        number = self._numbers[statement] = len(self._numbers)
        self._new.append((statement.sql, statement.fenced, statement.many))
        return number


def _refused(body: tuple[Any, ...]) -> str:
    try:
        _pack(body)
    except (ValueError, OverflowError, TypeError) as error:
        return first_line(error)
    return ""


class UnitUnpacker:
    """The other side of a `UnitPacker`."""

    def __init__(self) -> None:
        self._statements: list[Statement] = []

    def unpack(self, body: bytes) -> list[Unit]:
        new, units = _unpack(body)
        self._statements += [Statement(sql, fenced, many) for sql, fenced, many in new]
        return [Unit([self._part(*part) for part in parts], number, patient) for number, patient, parts in units]

    def _part(self, writes: list[Any], otherwise: list[Any] | None) -> Part:
        return Part(self._writes(writes), None if otherwise is None else self._writes(otherwise))

    def _writes(self, writes: list[Any]) -> list[Write]:
        statements = self._statements
        return [Write(statements[number], row, key) for number, row, key in writes]


def pack_report(report: Report) -> bytes:
    ended = [(one.number, one.taken, _error(one.error)) for one in report.ended]
    return framed(_pack((ended, report.trouble, report.commits, report.returns, _error(report.lost), report.seen)))


def unpack_report(body: bytes) -> Report:
    ended, trouble, commits, returns, lost, seen = _unpack(body)
    heard = [Ended(number, taken, _error_of(error)) for number, taken, error in ended]
    return Report(heard, trouble, commits, returns, _error_of(lost), seen)


def _error(error: FlowEngineError | None) -> tuple[bool, str] | None:
    return None if error is None else (isinstance(error, Fenced), error.message)


def _error_of(told: list[Any] | None) -> FlowEngineError | None:
    if told is None:
        return None
    fenced, message = told
    return Fenced(message) if fenced else StorageUnavailable(message)
