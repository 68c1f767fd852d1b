"""Runs from their event to their end: what is called, what is on record, what survives."""

from __future__ import annotations

import asyncio

import pytest

from flowengine.errors import Conflict, InvalidInputs, NotFound, OperationFailed
from flowengine.store.documents import event_document, run_document
from flowengine.types import Status
from tests.fakes.engines import until
from tests.fakes.records import a_run

THREE = """
actions:
  - {name: First, use: http.get, with: {url: "/1"}, save_as: one}
  - {name: Second, use: http.post, with: {url: "/2", body: "{{ one.url }}"}}
  - {name: Third, use: http.get, with: {url: "/3"}}
"""


async def test_a_run_calls_its_operations_and_leaves_a_history(bench):
    run = await bench.run(THREE)
    assert run.status is Status.SUCCEEDED
    assert bench.service.calls[1] == (run.id, "second", {"url": "/2", "body": "/1"})
    assert bench.service.keys == [f"{run.id}:{path}" for path in ("first", "second", "third")]
    actions = await bench.store.runs.actions(run.id)
    assert [(action.number, action.name, str(action.status)) for action in actions] == [
        (1, "First", "succeeded"),
        (2, "Second", "succeeded"),
        (3, "Third", "succeeded"),
    ]
    assert actions[0].outputs == {"status_code": 200, "headers": {}, "body": {"url": "/1"}}
    assert await bench.store.runs.get(run.id) == run


async def test_documents_have_the_fields_that_scripts_rely_on(bench):
    run = await bench.run(THREE)
    event = await bench.store.events.get(run.event_id)
    document = run_document(run, actions=await bench.store.runs.actions(run.id), event=event, flow_file="flows/t.yaml")
    assert document["event"] == {"id": event.id, "body": {"subject": "refund"}}
    assert (document["status"], document["error"], document["file"]) == ("succeeded", None, "flows/t.yaml")
    assert document["duration_ms"] >= 0
    assert document["actions"][1]["attempts"][0]["status_code"] == 200
    assert document["started_at"].endswith("Z")
    listed = event_document(event, [run.id], body=True)
    assert (listed["disposition"], listed["runs"], listed["body"]) == ("started", [run.id], {"subject": "refund"})


async def test_a_failure_is_recorded_with_its_place_in_the_file(bench):
    bench.service.answers["/2"] = [OperationFailed("no such ticket", status_code=404, body={"error": "gone"})]
    run = await bench.run(THREE)
    assert run.status is Status.FAILED
    assert run.error["action"] == "second"
    assert (run.error["status_code"], run.error["body"], run.error["line"]) == (404, {"error": "gone"}, 6)
    assert await bench.shown(run) == {"first": "succeeded", "second": "failed", "third": "skipped"}


async def test_a_mistake_in_the_engine_fails_the_action_and_not_the_engine(bench, caplog):
    bench.service.answers["/1"] = [ZeroDivisionError("secret detail")]
    run = await bench.run(THREE)
    assert run.error["message"] == "the engine made a mistake (ZeroDivisionError); its log tells more"
    bench.service.answers["/1"] = [NotFound("there is no connection")]
    assert (await bench.run(THREE)).error["message"] == "there is no connection"


async def test_secure_values_are_kept_from_everybody(bench, tmp_path):
    bench.service.answers["/1"] = [{"iban": "canary-out"}]
    run = await bench.run(
        """
        actions:
          - {name: Look, use: http.get, with: {url: "/1", body: canary-in}, secure: [inputs, outputs], save_as: found}
          - {name: Use, use: http.get, with: {url: "/{{ found.iban | length }}"}}
        """
    )
    assert bench.service.calls[1][2] == {"url": "/10"}
    action = (await bench.store.runs.actions(run.id))[0]
    assert (action.inputs, action.outputs) == ("(secure)", "(secure)")
    assert not [path for path in tmp_path.iterdir() if b"canary" in path.read_bytes()]


async def test_the_error_of_a_secure_action_tells_nothing(bench, tmp_path):
    bench.service.answers["/1"] = [InvalidInputs("canary is no number")]
    run = await bench.run('actions: [{name: Look, use: http.get, with: {url: "/1"}, secure: [inputs]}]')
    assert (run.error["code"], run.error["message"]) == ("invalid_inputs", "(secure)")
    assert not [path for path in tmp_path.iterdir() if b"canary" in path.read_bytes()]


async def test_a_crash_repeats_nothing_that_had_finished(cold):
    flow = cold.deploy(THREE)
    async with cold.running(grace=None):
        reached, never = asyncio.Event(), asyncio.Event()

        async def hang():
            reached.set()
            await never.wait()

        cold.service.answers["/2"] = [hang]
        run = await cold.submit(flow)
        await reached.wait()
    cold.service.answers.clear()
    async with cold.running():
        done = await cold.engine.wait(run.id, 20)
    assert done.status is Status.SUCCEEDED
    assert cold.service.paths == ["first", "second", "second", "third"]
    assert cold.service.keys[1] == cold.service.keys[2]
    assert done.recoveries == 1


async def test_a_graceful_stop_lets_calls_finish_and_goes_on_later(cold):
    flow = cold.deploy(THREE)
    async with cold.running(grace=5.0):
        reached, leave = asyncio.Event(), asyncio.Event()

        async def slow():
            reached.set()
            await leave.wait()
            return "slow"

        cold.service.answers["/2"] = [slow]
        run = await cold.submit(flow)
        await reached.wait()
        asyncio.get_running_loop().call_later(0.05, leave.set)
    async with cold.running():
        done = await cold.engine.wait(run.id, 20)
    assert cold.service.paths == ["first", "second", "third"]
    assert (done.status, done.recoveries) == (Status.SUCCEEDED, 0)


async def test_a_stop_does_not_wait_longer_than_its_grace(cold):
    flow = cold.deploy(THREE)
    async with cold.running(grace=0.05):
        reached = asyncio.Event()

        async def hang():
            reached.set()
            await asyncio.Event().wait()

        cold.service.answers["/2"] = [hang]
        run = await cold.submit(flow)
        await reached.wait()
    cold.service.answers.clear()
    async with cold.running():
        assert (await cold.engine.wait(run.id, 20)).status is Status.SUCCEEDED
    assert cold.service.paths == ["first", "second", "second", "third"]


async def test_times_and_chance_are_the_same_after_a_crash(cold):
    flow = cold.deploy(
        """
        actions:
          - {name: First, use: http.get, with: {url: "/1", body: "{{ uuid() }} {{ now() }}"}}
        """
    )
    async with cold.running(grace=None):
        cold.service.answers["/1"] = [lambda: asyncio.Event().wait()]
        run = await cold.submit(flow)
        await until(lambda: cold.service.calls)
    cold.service.answers.clear()
    async with cold.running():
        await cold.engine.wait(run.id, 20)
    assert cold.service.calls[0] == cold.service.calls[1]


async def test_cancelling_runs_what_stands_under_finally(bench):
    flow = bench.deploy(
        """
        actions:
          - name: Guarded
            try: [{name: Hang, use: http.get, with: {url: "/hang"}}]
            finally: [{name: Tidy, use: http.get, with: {url: "/tidy"}}]
          - {name: Never, use: http.get, with: {url: "/never"}}
        """
    )
    bench.service.answers["/hang"] = [lambda: asyncio.Event().wait()]
    run = await bench.submit(flow)
    await until(lambda: bench.service.calls)
    await bench.engine.cancel(run.id, "not needed any more")
    done = await bench.engine.wait(run.id, 20)
    assert (done.status, done.error["message"]) == (Status.CANCELLED, "not needed any more")
    assert bench.service.paths == ["guarded/hang", "guarded/tidy"]
    assert (await bench.shown(run))["guarded/hang"] == "cancelled"
    with pytest.raises(Conflict, match="ended as cancelled"):
        await bench.engine.cancel(run.id)
    with pytest.raises(NotFound):
        await bench.engine.cancel("nothing")


async def test_waiting_for_a_run(bench):
    flow = bench.deploy('actions: [{name: Hang, use: http.get, with: {url: "/hang"}}]')
    leave = asyncio.Event()
    bench.service.answers["/hang"] = [leave.wait]
    run = await bench.submit(flow)
    with pytest.raises(TimeoutError):
        await bench.engine.wait(run.id, 0.02)
    leave.set()
    assert (await bench.engine.wait(run.id, 20)).status is Status.SUCCEEDED
    assert (await bench.engine.wait(run.id)).status is Status.SUCCEEDED
    with pytest.raises(NotFound):
        await bench.engine.wait("nothing")


async def test_a_caller_hears_what_the_run_responds(bench):
    flow = bench.deploy("actions: [{respond: {status: 202, body: {ok: true}}}, {log: done}]")
    run = await bench.submit(flow)
    response = await bench.engine.response(run.id, 20)
    assert (response.status, response.body) == (202, {"ok": True})
    quiet = await bench.submit(bench.deploy("actions: [{log: hello}]"))
    assert await bench.engine.response(quiet.id, 20) is None


async def test_watchers_see_every_change(bench):
    seen = []
    end = bench.engine.subscribe(lambda run, action: seen.append((run.status, action and action.path)))
    await bench.run(THREE)
    end()
    assert seen[-1] == (Status.SUCCEEDED, None)
    assert [path for _, path in seen if path] == [("first",), ("second",), ("third",)]
    count = len(seen)
    await bench.run(THREE)
    assert len(seen) == count


async def test_an_action_that_lasts_is_seen_while_it_lasts(bench):
    flow = bench.deploy(THREE)
    leave = asyncio.Event()
    bench.service.answers["/2"] = [leave.wait]
    run = await bench.submit(flow)
    async with asyncio.timeout(20):
        while (await bench.shown(run)).get("second") != "running":
            await asyncio.sleep(0.05)
    leave.set()
    await bench.engine.wait(run.id, 20)


async def test_a_flow_version_that_is_gone_fails_its_runs_in_words(bench):
    flow = bench.deploy(THREE)

    async def gone(flow_id, version):
        raise NotFound(f'flow "{flow_id}" has no version "{version}"')

    object.__setattr__(bench.engine._walker, "flows", gone)
    run = await bench.submit(flow)
    assert (await bench.engine.wait(run.id, 20)).error["code"] == "flow_version_unusable"


async def test_a_run_that_nobody_has_is_found_by_the_scan(bench):
    flow = bench.deploy(THREE)
    lost = a_run(id="0" * 26, flow_version=flow.version, status=Status.RUNNING)
    await bench.store.runs.add(lost)
    assert await bench.engine.scan() == [lost.id]
    assert (await bench.engine.wait(lost.id, 20)).status is Status.SUCCEEDED
    assert await bench.engine.scan() == []
