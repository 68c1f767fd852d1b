"""A run's records as one walk writes them: what began, what ended, and what of it is durable."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from flowengine import failpoints
from flowengine.engine.checkpoint import Checkpoints
from flowengine.engine.tenure import Tenure
from flowengine.errors import StorageUnavailable
from flowengine.interpreter.effects import ActionEvent, Suspended
from flowengine.record import replace
from flowengine.store import Store, action_rows
from flowengine.store.journal import Fenced, Write
from flowengine.store.records import ActionRecord, RunRecord
from flowengine.store.runs import mark
from flowengine.types import Json, Path, Status, format_path


class Ledger:
    """Action runs by path.

    That an action has begun is written when it lasts, or not at all when its end comes first: most are over in no time, and one
    row is half the work of two.
    """

    def __init__(
        self,
        run: RunRecord,
        known: Checkpoints,
        store: Store,
        changed: Callable[[RunRecord, ActionRecord | None], None],
        tenure: Tenure,
    ) -> None:
        self.lost = False
        """The run has another owner, or the database is away: nothing more is written."""
        self.unserved = False
        """It was the database: the run is to be taken up again when it is back."""
        self._run = run
        self._known = known
        self._store = store
        self._changed = changed
        self._tenure = tenure
        self._number = known.next_number
        self._begun: dict[Path, ActionRecord] = {}
        self._unwritten: set[Path] = set()
        self._unsettled = False

    # Beginning.

    def begin(
        self, path: Path, name: str, kind: str, inputs: Json, secure: frozenset[str], status: Status = Status.RUNNING
    ) -> ActionRecord:
        """The record of an action that begins now, or that began in an earlier walk."""
        begun = self._begun.get(path)
        if begun is not None:
            return begun
        before = self._known.unfinished.get(path)
        if before is not None and before.status is not Status.CANCELLED:
            begun = replace(before, name=name, kind=kind, secure=secure, status=status)
        else:
            begun = ActionRecord(
                run_id=self._run.id,
                path=path,
                name=name,
                kind=kind,
                status=status,
                started_at=self._store.clock.now(),
                inputs=inputs,
                number=before.number if before is not None else self._take_number(),
                secure=secure,
            )
        self._begun[path] = begun
        self._unwritten.add(path)
        return begun

    def is_under_way(self, path: Path) -> bool:
        """Whether the action has begun and not ended."""
        return path in self._begun

    def is_new(self, path: Path) -> bool:
        """Whether nothing is known of the action, from this walk or an earlier one."""
        return path not in self._begun and path not in self._known.unfinished

    def begun(self, path: Path) -> ActionRecord:
        """The record of an action under way."""
        return self._begun[path]

    def change(self, record: ActionRecord) -> None:
        """The action goes on differently; written with the next record of it."""
        self._begun[record.path] = record

    def flush(self, before: datetime | None = None) -> None:
        """Put actions on record that began before this and still go on, so that people see them; all, if no time is given."""
        for path in list(self._unwritten):
            if before is None or self._begun[path].started_at <= before:
                self.put(self._begun[path])

    # Writing.

    def put(self, record: ActionRecord) -> None:
        """Put the action on record as it is, without waiting."""
        self._unwritten.discard(record.path)
        self._append(self._write_of(record))
        self._changed(self._run, record)

    async def commit(self, record: ActionRecord) -> None:
        """Put the action on record as it is, durable on return."""
        self._unwritten.discard(record.path)
        await self._guarded(self._store.journal.commit(self._write_of(record)))
        self._changed(self._run, record)

    def finish(self, begun: ActionRecord, status: Status, **fields: Any) -> None:
        """Put the action's end on record, without waiting."""
        self.put(self._ended(begun, status, fields))

    def put_whole(self, event: ActionEvent) -> None:
        """Put an action on record that begins and ends at once, without waiting: most control actions do."""
        now = self._store.clock.now()
        self.put(
            ActionRecord(
                run_id=self._run.id,
                path=event.path,
                name=event.name,
                kind=event.kind,
                status=event.status,
                started_at=now,
                finished_at=now,
                inputs=event.inputs,
                outputs=event.outputs,
                error=event.error.to_json() if event.error else None,
                skipped_because=event.skipped_because,
                number=self._take_number(),
                secure=event.secure,
            )
        )

    async def conclude(self, path: Path, status: Status, **fields: Any) -> None:
        """Put the action's end on record, durable on return (reliability's G3)."""
        self._known.unsure = False
        failpoints.reach("before_record_commit")
        await self.commit(self._ended(self._begun[path], status, fields))
        failpoints.reach("after_record_commit")

    def note(self, path: Path, kind: str, value: Json, at: datetime) -> None:
        """Keep something that a second walk must see as this one did."""
        self._append(mark(self._run.id, format_path(path), kind, value, at))
        self._unsettled = True
        self._known.unsure = False

    async def settle(self) -> None:
        """Before a request goes out: returns when what was noted is durable, and the database was ours a moment ago.

        Raises `Suspended` when it is not.
        """
        if self._unsettled:
            await self._commit_all()
        await self._tenure.ensure(self._commit_all)

    async def _commit_all(self) -> None:
        await self._guarded(self._store.journal.settled())
        self._unsettled = False

    def _ended(self, begun: ActionRecord, status: Status, fields: dict[str, Any]) -> ActionRecord:
        self._begun.pop(begun.path, None)
        self._unwritten.discard(begun.path)
        return replace(begun, status=status, finished_at=self._store.clock.now(), due_at=None, **fields)

    def _take_number(self) -> int:
        self._number += 1
        return self._number - 1

    def _write_of(self, record: ActionRecord) -> Write:
        return action_rows.put(record, self._run.epoch, self._store.seal)

    def _append(self, write: Write) -> None:
        try:
            self._store.journal.append(write)
        except StorageUnavailable:
            raise self.leave_unserved() from None

    async def _guarded(self, writing: Awaitable[None]) -> None:
        try:
            await self._tenure.proven_by(writing)
        except Fenced:
            self.lost = True
            raise Suspended from None
        except StorageUnavailable:
            raise self.leave_unserved() from None

    def leave_unserved(self) -> Suspended:
        """What to raise where the database is needed and away."""
        self.lost = self.unserved = True
        return Suspended()
