"""What happens when events come while runs of the flow are going: `mode`, `max` and `per`.

A lane is the runs of one flow with one value of `per`. A run holds its place in the lane from its beginning to its end, waits
included.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from flowengine.spec.flow import Flow

LaneKey: TypeAlias = tuple[str, str | None]


class Place(Enum):
    """Where a new run goes."""

    START = "start"
    QUEUE = "queue"
    DROP = "drop"
    RESTART = "restart"
    """It follows as soon as the runs before it, which are to be cancelled, have ended."""


@dataclass(slots=True)
class Lane:
    """Run ids: those that hold a place, and those that wait for one, in order."""

    most: int
    """How many places there are, by the flow that was seen last."""
    holders: set[str] = field(default_factory=set)
    queue: dict[str, None] = field(default_factory=dict)
    to_cancel: dict[str, list[str]] = field(default_factory=dict)
    """For runs that restart the lane: the runs that were there before them."""


class Lanes:
    """All lanes that are not empty."""

    def __init__(self) -> None:
        self._lanes: dict[LaneKey, Lane] = {}

    def place(self, flow: Flow, key: str | None) -> Place:
        """Where the next run of this flow and key goes. Changes nothing."""
        lane = self._lanes.get((flow.id, key))
        if lane is None or (len(lane.holders) < at_once(flow) and not lane.queue):
            return Place.START
        match flow.mode:
            case "single":
                return Place.DROP
            case "restart":
                return Place.RESTART
            case "queued" if len(lane.queue) >= longest_queue(flow):
                return Place.DROP
            case _:
                return Place.QUEUE

    def hold(self, key: LaneKey, run_id: str, most: int) -> None:
        """Give the run a place."""
        lane = self._lane(key, most)
        lane.queue.pop(run_id, None)
        lane.holders.add(run_id)

    def queue(self, key: LaneKey, run_id: str, most: int, *, restart: bool = False) -> None:
        """Put the run at the lane's end; with `restart`, all before it are to be cancelled."""
        lane = self._lane(key, most)
        if restart:
            lane.to_cancel[run_id] = [*lane.holders, *lane.queue]
        lane.queue[run_id] = None

    def to_cancel(self, key: LaneKey, run_id: str) -> list[str]:
        """The runs that this one takes the place of; told once."""
        lane = self._lanes.get(key)
        return lane.to_cancel.pop(run_id, []) if lane else []

    def all_to_cancel(self) -> list[str]:
        """Every run that a newer one takes the place of; told once."""
        found = {run_id for lane in self._lanes.values() for older in lane.to_cancel.values() for run_id in older}
        for lane in self._lanes.values():
            lane.to_cancel.clear()
        return sorted(found)

    def leave(self, key: LaneKey, run_id: str) -> None:
        """The run has ended, or was never stored."""
        lane = self._lanes.get(key)
        if lane is None:
            return
        lane.holders.discard(run_id)
        lane.queue.pop(run_id, None)
        lane.to_cancel.pop(run_id, None)
        if not lane.holders and not lane.queue:
            del self._lanes[key]

    def next_in(self, key: LaneKey) -> str | None:
        """Move the first of the queue to a place, when there is one."""
        lane = self._lanes.get(key)
        if lane is None or not lane.queue or len(lane.holders) >= lane.most:
            return None
        run_id = next(iter(lane.queue))
        del lane.queue[run_id]
        lane.holders.add(run_id)
        return run_id

    def holds(self, key: LaneKey, run_id: str) -> bool:
        """Whether the run has a place."""
        lane = self._lanes.get(key)
        return lane is not None and run_id in lane.holders

    def waits(self, key: LaneKey, run_id: str) -> bool:
        """Whether the run waits for a place."""
        lane = self._lanes.get(key)
        return lane is not None and run_id in lane.queue

    def queued(self) -> int:
        """How many runs wait for a place."""
        return sum(len(lane.queue) for lane in self._lanes.values())

    def _lane(self, key: LaneKey, most: int) -> Lane:
        lane = self._lanes.setdefault(key, Lane(most))
        lane.most = most
        return lane


def at_once(flow: Flow) -> int:
    """How many runs of a lane go side by side."""
    return flow.max if flow.mode == "parallel" else 1


def longest_queue(flow: Flow) -> float:
    """How many runs of `mode: queued` may wait: `max`, where the author wrote one; else no event is ever turned away."""
    written = isinstance(flow.source.data, dict) and "max" in flow.source.data
    return flow.max if written else float("inf")
