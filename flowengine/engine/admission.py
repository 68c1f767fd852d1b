"""Which runs may begin: the flow's mode decides, before they are stored, so that their event can tell what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flowengine.engine.modes import LaneKey, Lanes, Place, at_once
from flowengine.record import replace
from flowengine.spec.flow import Flow
from flowengine.store import Store
from flowengine.store.records import EventRecord, RunRecord
from flowengine.types import Disposition, Status


class TurnedAway(str):
    """Why a run does not begin: its flow's mode takes no more."""

    __slots__ = ()


class Admission:
    """Places in lanes. A place is kept from `admit` until the run ends, or until it is given back."""

    def __init__(self, store: Store, room: Callable[[], int]) -> None:
        self.lanes = Lanes()
        self._store = store
        self._room = room
        """How many more runs the engine could carry out at once."""

    def admit(
        self, flow: Flow, event: EventRecord, runs: Sequence[RunRecord]
    ) -> tuple[EventRecord, tuple[RunRecord, ...]]:
        """The event with what became of it, and those of its runs that are to be stored, as they are to be stored."""
        admitted = tuple(kept for run in runs if (kept := self.place(flow, run)) is not None)
        if not runs or any(self.holds(run) for run in admitted) or (admitted and flow.mode == "restart"):
            return event, admitted
        if admitted:
            reason = f"runs are going, and mode {flow.mode} lets {at_once(flow)} go at once"
            return replace(event, disposition=Disposition.QUEUED, reason={"message": reason}), admitted
        return replace(event, disposition=Disposition.DROPPED, reason={"message": str(turned_away(flow))}), ()

    def place(self, flow: Flow, run: RunRecord) -> RunRecord | None:
        """The run with a place in its lane or its lane's queue; None when the mode takes no more."""
        lane, epoch = lane_of(run), self._store.epoch
        match self.lanes.place(flow, run.key):
            case Place.DROP:
                return None
            case Place.START:
                self.lanes.hold(lane, run.id, at_once(flow))
                if self._room() <= 0:
                    return replace(run, status=Status.QUEUED, epoch=epoch)
                # Stored as running from the first, so that no claim has to be written.
                return replace(run, status=Status.RUNNING, epoch=epoch, started_at=self._store.clock.now())
            case place:
                self.lanes.queue(lane, run.id, at_once(flow), restart=place is Place.RESTART)
                return replace(run, status=Status.QUEUED, epoch=epoch)

    def holds(self, run: RunRecord) -> bool:
        """Whether the run has its place, rather than waiting for one."""
        return self.lanes.holds(lane_of(run), run.id)

    def waits(self, run: RunRecord) -> bool:
        """Whether the run waits for a place."""
        return self.lanes.waits(lane_of(run), run.id)

    def to_cancel(self, run: RunRecord) -> list[str]:
        """The runs that `mode: restart` ends for this one; told once."""
        return self.lanes.to_cancel(lane_of(run), run.id)

    def leave(self, run: RunRecord) -> list[str]:
        """The run has ended, or was never stored; gives those that take its place."""
        lane = lane_of(run)
        self.lanes.leave(lane, run.id)
        return self.promote(lane)

    def promote(self, lane: LaneKey) -> list[str]:
        """Those that move from the queue to a place."""
        moved = []
        while (following := self.lanes.next_in(lane)) is not None:
            moved.append(following)
        return moved


def turned_away(flow: Flow) -> TurnedAway:
    """Why a run of this flow does not begin."""
    return TurnedAway(f"a run is going, and mode {flow.mode} takes no more")


def lane_of(run: RunRecord) -> LaneKey:
    return (run.flow, run.key)
