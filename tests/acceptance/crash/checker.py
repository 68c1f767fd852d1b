"""The checker: what was acknowledged, what the witness saw and what the database says, held against the engine's promises.

Reads the database with plain SQL and the witness's file, and knows nothing of the engine's code.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text

UNFINISHED = ("queued", "running", "waiting")


@dataclass(frozen=True)
class Evidence:
    """Everything there is to compare. `acknowledged` are the numbers of the events that were answered with success."""

    database: str
    witness: Path
    acknowledged: frozenset[int]
    crashes: int


def violations(evidence: Evidence) -> list[str]:
    """What was promised and did not hold, one sentence each."""
    engine = create_engine(evidence.database)
    with engine.connect() as connection:
        rows = {
            name: [dict(row._mapping) for row in connection.execute(text(f"SELECT * FROM {name}"))]
            for name in ("events", "runs", "actions")
        }
    engine.dispose()
    calls = [json.loads(line) for line in evidence.witness.read_text().splitlines()]
    return [
        *nothing_acknowledged_is_lost(rows, evidence.acknowledged),
        *no_event_has_two_runs(rows),
        *no_run_is_stuck(rows),
        *no_action_is_on_record_twice(rows),
        *calls_carry_their_path(rows, calls),
        *no_finished_action_is_repeated(rows, calls, evidence.crashes),
    ]


def numbers(rows: dict) -> dict[str, int]:
    """The number that each event came with, by the event's id; events of schedules have none."""
    found = {}
    for event in rows["events"]:
        body = bytes(event["body"])
        if event["trigger_kind"] == "webhook" and body:
            found[event["id"]] = json.loads(body)["number"]
    return found


def nothing_acknowledged_is_lost(rows: dict, acknowledged: Iterable[int]) -> Iterable[str]:
    """G1."""
    stored = numbers(rows)
    with_runs = {stored[run["event_id"]] for run in rows["runs"] if run["event_id"] in stored}
    for number in sorted(set(acknowledged) - with_runs):
        yield f"event {number} was acknowledged and has no run"


def no_event_has_two_runs(rows: dict) -> Iterable[str]:
    """G1: the dedupe key holds, however often a sender repeats itself."""
    stored = numbers(rows)
    counted = Counter(stored[run["event_id"]] for run in rows["runs"] if run["event_id"] in stored)
    yield from (f"event {number} has {count} runs" for number, count in counted.items() if count > 1)


def no_run_is_stuck(rows: dict) -> Iterable[str]:
    """G2, once everything had its time."""
    yield from (f"run {run['id']} is still {run['status']}" for run in rows["runs"] if run["status"] in UNFINISHED)


def no_action_is_on_record_twice(rows: dict) -> Iterable[str]:
    counted = Counter((action["run_id"], action["path"]) for action in rows["actions"])
    yield from (
        f"{path} of run {run} is on record {count} times" for (run, path), count in counted.items() if count > 1
    )


def calls_carry_their_path(rows: dict, calls: list[dict]) -> Iterable[str]:
    """G4: the key of every call is its run and path, and the same at every try."""
    known = {run["id"] for run in rows["runs"]}
    for call in calls:
        run, _, path = (call["key"] or "").partition(":")
        if run not in known or not path:
            yield f"the call {call['path']} carries the key {call['key']!r}"


def no_finished_action_is_repeated(rows: dict, calls: list[dict], crashes: int) -> Iterable[str]:
    """G3 and G4: a call is made as often as the record has tries, and once more for each crash at most; never after its end."""
    tries = {f"{a['run_id']}:{a['path']}": a for a in rows["actions"]}
    made: dict[str, list[float]] = defaultdict(list)
    for call in calls:
        made[call["key"]].append(call["at"])
    extra_of_run: Counter[str] = Counter()
    for key, times in made.items():
        action = tries.get(key)
        if action is None:
            yield f"a call {key} was made and is not on record"
            continue
        recorded = len(json.loads(action["attempts"] or "[]"))
        extra_of_run[key.partition(":")[0]] += max(0, len(times) - recorded)
        finished = action["finished_at"]
        if finished is not None and max(times) > seconds(finished) + 0.001:
            yield f"{key} was called again after it had finished"
    yield from (
        f"run {run}: {extra} repeated calls at {crashes} crashes"
        for run, extra in extra_of_run.items()
        if extra > crashes * 2
    )


def seconds(moment: int) -> float:
    """The store's whole numbers are microseconds since 1970."""
    return moment / 1_000_000
