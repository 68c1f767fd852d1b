"""When the engine dies again and again at one place of a run: what of the run is not tried any more (reliability's G7)."""

from __future__ import annotations

from flowengine.engine.checkpoint import Checkpoints
from flowengine.errors import RecoveryExhausted
from flowengine.store.records import RunRecord
from flowengine.types import Path, Status

MOST_RECOVERIES = 5
"""After so many deaths without progress in between, what was under way fails."""
MOST_WITHOUT_FAILING = 2 * MOST_RECOVERIES
"""After so many not even that came about, and the run ends without another walk."""


class GivingUp:
    """What one walk of a run gives up.

    It is the calls that were under way at the last death. Where none is on record, it is whatever the walk comes to first.
    """

    def __init__(self, run: RunRecord, known: Checkpoints) -> None:
        wanted = died_without_progress(run, known) >= MOST_RECOVERIES
        self._paths = calls_under_way(known) if wanted else ()
        self._next = wanted and not self._paths

    def check(self, path: Path) -> None:
        """Raises `RecoveryExhausted` if what stands here is given up."""
        if self._next or path in self._paths:
            self._next = False
            raise RecoveryExhausted(given_up_after(MOST_RECOVERIES))


def given_up_after(deaths: int) -> str:
    """What is told of it."""
    return f"the engine died {deaths} times while this run was at the same place, and does not try again"


def died_without_progress(run: RunRecord, known: Checkpoints) -> int:
    """How often the engine has died since anything of this run came to an end."""
    return run.recoveries if known.progress <= run.progress else 0


def calls_under_way(known: Checkpoints) -> tuple[Path, ...]:
    """Operations that had begun and not ended, and were not pausing before another try. Of nested ones the innermost."""
    running = [
        path
        for path, action in known.unfinished.items()
        if action.kind == "use" and action.status is Status.RUNNING and action.due_at is None
    ]
    return tuple(path for path in running if not _is_above(path, known))


def _is_above(path: Path, known: Checkpoints) -> bool:
    """Whether it is an action that waits for something below it: it makes no call itself."""
    return any(
        len(other) > len(path) and other[: len(path)] == path and not action.status.finished
        for other, action in known.unfinished.items()
    )
