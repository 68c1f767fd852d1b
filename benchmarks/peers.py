"""The same flow at flowengine, n8n and Node-RED on this machine: webhook to done, and what is left of it after kill -9.

    python benchmarks/peers.py [--n8n DIR] [--node-red DIR] [--rounds 3] [--seconds 5] [--callers 32]

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
from peer_programs import N8n, NodeRed, Ours, Peer, started
from programs import Program, read, target
from sessions import cpu, memory, tell

EVENT = json.dumps({"id": "1", "subject": "Refund @number@", "text": "x" * 900}).encode()
FIRST = 100
"""Runs before the first turn: connections are opened, programs warm up."""
QUIET = 10.0
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
    """The first two are warming up."""
    half: Load | None = None

    def rate(self) -> float:
        return statistics.median(turn.rate for turn in self.turns[2:])

    def cpu(self) -> float:
        return statistics.median(turn.cpu for turn in self.turns[2:])

    def take(self, events: int, callers: int, rate: float | None = None) -> Turn:
        with self._awake():
            ended, called = self.peer.finished(self.folder, self.serving, "one-call"), sum(seen(self.service).values())
            before = cpu(self.serving)
            load = post(self.hook, EVENT, events, callers, rate)
            if load.refused:
                raise SystemExit(f"{self.peer.name} refused {load.refused} of {events} events")
            self.wait_for(ended + events)
            seconds = time.time() - load.started
            assert sum(seen(self.service).values()) == called + events, "a run ended without its call"
            return Turn(events / seconds, (cpu(self.serving) - before) / events, load)

    def wait_for(self, runs: int) -> None:
        until = time.monotonic() + 120
        while (ended := self.peer.finished(self.folder, self.serving, "one-call")) < runs:
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
            until_taken(seat.hook)
            seat.wait_for(1)
            seat.turns.append(seat.take(FIRST, callers))
            seats.append(seat)
        # Round 0 does not count: just-in-time compilers go on for thousands of runs.
        for number in range(rounds + 1):
            for seat in seats:
                events = max(FIRST, int(seat.turns[-1].rate * seconds))
                seat.turns.append(seat.take(events, callers))
            told = ", ".join(f"{seat.peer.name} {seat.turns[-1].rate:,.0f}/s" for seat in seats)
            print(f"round {number} (load {os.getloadavg()[0]:.1f}): {told}", flush=True)
        for seat in seats:
            rate = seat.rate() / 2
            seat.half = seat.take(max(100, int(rate * seconds)), callers, rate).load
        print("\n".join(["", *table(seats), ""]), flush=True)
    return seats


def table(seats: list[Seat]) -> Iterator[str]:
    yield "| engine | done/s | CPU a run | answer p50 / p99 | at half its rate | memory after | keeps of a run |"
    yield "|---|---|---|---|---|---|---|"
    for seat in seats:
        loads = [turn.load for turn in seat.turns[2:]]
        p50, p99 = (
            statistics.median(times) for times in zip(*((load.median, load.p99) for load in loads), strict=True)
        )
        assert seat.half is not None
        yield (
            f"| {seat.peer.name} {seat.peer.version()} | {seat.rate():,.0f} | {seat.cpu() * 1e3:.2f} ms "
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
    """Seconds from the restart until the engine took a webhook."""
    said: str


def after_a_kill(peer: Peer, folder: Path, service: str, events: int, callers: int) -> Survived:
    """Acknowledge events whose calls all still hang, kill -9, start again, wait until nothing more comes."""
    read(service + "hold")
    before = seen(service)
    with started(peer, folder) as serving:
        until_taken(peer.hook(serving, "one-call"))
        load = post(peer.hook(serving, "one-call"), EVENT, events - 1, callers)
    if load.refused:
        raise SystemExit(f"{peer.name} refused {load.refused} events")
    read(service + "release")
    began = time.monotonic()
    with started(peer, folder) as serving:
        until_taken(peer.hook(serving, "after"), EVENT.replace(b"Refund", b"After"))
        back = time.monotonic() - began
        finished = _when_quiet(peer, folder, serving, service, events)
        said = peer.said_of_the_rest(folder)
    twice = sum(times - before.get(body, 0) > 1 for body, times in seen(service).items())
    return Survived(peer, events, finished, twice, back, said)


def until_taken(hook: str, event: bytes = EVENT) -> None:
    """Send one event, again and again until it is acknowledged: n8n says that it is ready before its webhooks are."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            read(hook, event)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"nothing takes events at {hook}")


def _when_quiet(peer: Peer, folder: Path, serving: Program, service: str, wanted: int) -> int:
    last, since = (-1, 0), time.monotonic()
    while (ended := peer.finished(folder, serving, "one-call")) < wanted and time.monotonic() - since < QUIET:
        now = ended, sum(seen(service).values())
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.2)
    return ended


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
    wanted.add_argument("--seconds", type=float, default=5, help="how long a turn is to take")
    wanted.add_argument("--callers", type=int, default=32)
    wanted.add_argument("--killed", type=int, default=200, help="acknowledged events at the kill")
    given = wanted.parse_args()
    peers: list[Peer] = [Ours()]
    if given.node_red:
        peers.append(NodeRed(given.node_red.resolve()))
    if given.n8n:
        peers.append(N8n(given.n8n.resolve(), "legacy"))
    with target() as service, tempfile.TemporaryDirectory() as scratch:
        made = [(peer, _made(peer, Path(scratch), service)) for peer in peers]
        # What n8n keeps does not depend on what evaluates its expressions: one of the two is killed.
        killed = [(peer, _copy(folder, "killed")) for peer, folder in made]
        if given.n8n:
            made.append((N8n(given.n8n.resolve()), _copy(made[-1][1], "vm")))
        side_by_side(made, service, given.rounds, given.seconds, given.callers)
        rows = [after_a_kill(peer, folder, service, given.killed, given.callers) for peer, folder in killed]
        print("\n".join(survivors(rows)))


def _copy(folder: Path, name: str) -> Path:
    return shutil.copytree(folder, folder.with_name(f"{folder.name}, {name}"))


def _made(peer: Peer, scratch: Path, service: str) -> Path:
    print(f"{peer.name} {peer.version()}", flush=True)
    folder = scratch / peer.name
    folder.mkdir()
    peer.prepare(folder, {"one-call": service, "after": service})
    return folder


if __name__ == "__main__":
    main()
