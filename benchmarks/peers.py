"""The same flow at flowengine, n8n and Node-RED on this machine: webhook to done, and what is left of it after kill -9.

    python benchmarks/peers.py [--n8n DIR] [--node-red DIR] [--rounds 3] [--seconds 6] [--callers 32]

DIR is a folder in which npm installed the program. All are started once and take turns, so that other work on the machine meets
them alike; one that has no turn is stopped (SIGSTOP). A run is done when the service was called for it and its engine says so.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from load import Load, post
from peer_programs import N8n, NodeRed, Ours, Peer, cpu, memory, started, tell
from programs import Program, read, target

EVENT = json.dumps({"id": "1", "subject": "Refund @number@", "text": "x" * 900}).encode()
FIRST = 200
"""Runs before the clock starts: connections are opened, programs warm up."""
SLOW = 8.0
"""Seconds that the service takes when an engine is killed: longer than any of them needs to answer all the events."""
QUIET = 6.0
"""Seconds without a new call after which nothing more is expected of a restarted engine."""


@dataclass(frozen=True)
class Turn:
    rate: float
    """Finished runs a second."""
    cpu: float
    """Processor seconds a run, of all the engine's processes."""
    load: Load


@dataclass
class Seat:
    """A peer that runs, and its turns so far."""

    peer: Peer
    folder: Path
    serving: Program
    hook: str
    service: str
    turns: list[Turn] = field(default_factory=list)
    half: Load | None = None

    def take(self, events: int, callers: int, rate: float | None = None) -> Turn:
        with self._awake():
            ended, called = self.peer.finished(self.folder, self.serving), sum(seen(self.service).values())
            before = cpu(self.serving)
            load = post(self.hook, EVENT, events, callers, rate)
            if load.refused:
                raise SystemExit(f"{self.peer.name} refused {load.refused} of {events} events")
            self._wait_for(ended + events)
            seconds = time.time() - load.started
            assert sum(seen(self.service).values()) == called + events, "a run ended without its call"
            return Turn(events / seconds, (cpu(self.serving) - before) / events, load)

    def _wait_for(self, runs: int) -> None:
        until = time.monotonic() + 120
        while (ended := self.peer.finished(self.folder, self.serving)) < runs:
            if time.monotonic() > until:
                raise SystemExit(f"{self.peer.name} finished {ended} of {runs} runs and no more")
            time.sleep(0.02)

    @contextmanager
    def _awake(self) -> Iterator[None]:
        tell(self.serving, signal.SIGCONT)
        try:
            yield
        finally:
            tell(self.serving, signal.SIGSTOP)


def seen(service: str) -> dict[str, int]:
    """How often the service was called with each body."""
    return dict(json.loads(read(service)))


def side_by_side(peers: list[tuple[Peer, Path]], service: str, rounds: int, seconds: float, callers: int) -> list[Seat]:
    with ExitStack() as stack:
        seats = []
        for peer, folder in peers:
            serving = stack.enter_context(started(peer, folder))
            seat = Seat(peer, folder, serving, peer.hook(serving, "one-call"), service)
            seat.turns.append(seat.take(FIRST, callers))
            seats.append(seat)
        for number in range(rounds):
            for seat in seats:
                events = max(FIRST // 2, int(seat.turns[-1].rate * seconds))
                seat.turns.append(seat.take(events, callers))
            told = ", ".join(f"{seat.peer.name} {seat.turns[-1].rate:,.0f}/s" for seat in seats)
            print(f"round {number + 1} (load {os.getloadavg()[0]:.1f}): {told}", flush=True)
        for seat in seats:
            rate = median(seat, "rate") / 2
            seat.half = seat.take(max(100, int(rate * seconds)), callers, rate).load
        print("\n".join(["", *table(seats), ""]), flush=True)
    return seats


def median(seat: Seat, what: str) -> float:
    return statistics.median(getattr(turn, what) for turn in seat.turns[1:])


def table(seats: list[Seat]) -> Iterator[str]:
    yield "| engine | done/s | CPU a run | answer p50 / p99 | at half its rate | memory after | keeps of a run |"
    yield "|---|---|---|---|---|---|---|"
    for seat in seats:
        loads = [turn.load for turn in seat.turns[1:]]
        p50, p99 = (statistics.median(getattr(load, what) for load in loads) for what in ("median", "p99"))
        assert seat.half is not None
        yield (
            f"| {seat.peer.name} {seat.peer.version()} | {median(seat, 'rate'):,.0f} | {median(seat, 'cpu') * 1e3:.2f} ms "
            f"| {p50 * 1e3:.0f} / {p99 * 1e3:.0f} ms | {seat.half.median * 1e3:.0f} / {seat.half.p99 * 1e3:.0f} ms "
            f"| {memory(seat.serving):.0f} MB | {seat.peer.stores} |"
        )


@dataclass(frozen=True)
class Survived:
    peer: Peer
    acknowledged: int
    finished: int
    """Runs that the engine says ended well, all of them after its restart."""
    twice: int
    """Events for which the service was called again: the call hung when the engine died, so nobody knew its end."""
    back: float
    """Seconds from the restart until the engine was ready."""
    said: str


def after_a_kill(peer: Peer, folder: Path, service: str, events: int, callers: int) -> Survived:
    """Acknowledge events whose calls all still hang, kill -9, start again, wait until nothing more comes."""
    before = sum(seen(service).values())
    with started(peer, folder) as serving:
        load = post(peer.hook(serving, "slow-call"), EVENT, events, callers)
        early = peer.finished(folder, serving)
    if load.refused or early:
        raise SystemExit(f"{peer.name}: {load.refused} events were refused and {early} runs had ended before the kill")
    began = time.monotonic()
    with started(peer, folder) as serving:
        back = time.monotonic() - began
        _until_quiet(peer, folder, serving, service, events)
        finished, said = peer.finished(folder, serving), peer.said_of_the_rest(folder)
    calls = sum(seen(service).values()) - before
    return Survived(peer, events, finished, max(0, calls - events), back, said)


def _until_quiet(peer: Peer, folder: Path, serving: Program, service: str, wanted: int) -> None:
    last, since = (0, 0), time.monotonic()
    while (ended := peer.finished(folder, serving)) < wanted and time.monotonic() - since < SLOW + QUIET:
        now = ended, sum(seen(service).values())
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.2)


def survivors(rows: list[Survived]) -> Iterator[str]:
    yield "| engine | acknowledged | finished after kill -9 and a restart | lost | called again | ready after | what it says of the rest |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        yield (
            f"| {row.peer.name} | {row.acknowledged} | {row.finished} | {row.acknowledged - row.finished} | {row.twice} "
            f"| {row.back:.1f} s | {row.said} |"
        )


def main() -> None:
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--n8n", type=Path, help="the folder in which npm installed n8n")
    wanted.add_argument("--node-red", type=Path, help="the folder in which npm installed node-red")
    wanted.add_argument("--rounds", type=int, default=3)
    wanted.add_argument("--seconds", type=float, default=6, help="how long a turn is to take")
    wanted.add_argument("--callers", type=int, default=32)
    wanted.add_argument("--killed", type=int, default=200, help="acknowledged events at the kill")
    given = wanted.parse_args()
    peers: list[Peer] = [Ours()]
    peers += [N8n(given.n8n.resolve())] if given.n8n else []
    peers += [NodeRed(given.node_red.resolve())] if given.node_red else []
    with target() as quick, target(SLOW) as slow, tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "made"
        for peer in peers:
            print(f"{peer.name} {peer.version()}", flush=True)
            (made / peer.name).mkdir(parents=True)
            peer.prepare(made / peer.name, {"one-call": quick, "slow-call": slow})
        shutil.copytree(made, again := Path(scratch) / "again")
        side_by_side([(peer, made / peer.name) for peer in peers], quick, given.rounds, given.seconds, given.callers)
        rows = [after_a_kill(peer, again / peer.name, slow, given.killed, given.callers) for peer in peers]
        print("\n".join(survivors(rows)))


if __name__ == "__main__":
    main()
