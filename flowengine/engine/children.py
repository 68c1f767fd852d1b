"""Runs that runs begin: `call`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flowengine.engine.port import CalledFlow
from flowengine.errors import ActionError, FlowEngineError
from flowengine.interpreter.effects import WaitForFlow
from flowengine.store import Store
from flowengine.store.ids import new_id
from flowengine.store.records import RunRecord
from flowengine.types import Path, Status, format_path


class Children:
    """Finds or begins the run of a `call`, which is one for each path of the calling run."""

    def __init__(self, store: Store, called: CalledFlow | None, wake: Callable[[Sequence[RunRecord]], None]) -> None:
        self._store = store
        self._called = called
        self._wake = wake

    async def begin(self, run: RunRecord, path: Path, wait: WaitForFlow) -> RunRecord:
        """The run that an earlier walk began, else a new one. Raises `ActionError`."""
        found = await self._store.runs.called_by(run.id, format_path(path))
        if found is not None:
            return found
        child = self._child_of(run, path, wait)
        await self._store.runs.add(child)
        self._wake([child])
        return child

    def _child_of(self, run: RunRecord, path: Path, wait: WaitForFlow) -> RunRecord:
        if self._called is None:
            raise ActionError("this engine runs no flows for other flows")
        try:
            flow, inputs = self._called(wait.flow, wait.inputs)
        except ActionError:
            raise
        except FlowEngineError as error:
            raise ActionError(error.message) from error
        return RunRecord(
            id=new_id(self._store.clock),
            flow=flow.id,
            flow_version=flow.version,
            status=Status.QUEUED,
            event_id=None,
            trigger_kind="call",
            trigger_name=run.flow,
            created_at=self._store.clock.now(),
            trigger=inputs,
            inputs=inputs,
            parent=(run.id, format_path(path)),
        )
