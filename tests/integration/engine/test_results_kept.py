"""A run that is done again does not call again what it keeps."""

from __future__ import annotations

from flowengine.engine.again import kept_before
from flowengine.types import Status
from tests.fakes.engines import Bench
from tests.fakes.records import a_run


async def test_a_run_with_kept_results_does_not_call_again(tmp_path):
    bench = Bench(f"sqlite:///{tmp_path / 'db'}", tmp_path / "key")
    text = "actions:\n  - {name: One, use: http.post, with: {url: /one}}\n  - {name: Two, use: http.post, with: {url: /two}}\n"
    async with bench.running():
        first = await bench.run(text)
        actions = await bench.store.runs.actions(first.id, reveal=True)
        flow = bench.flows["tickets"]
        begins = kept_before(flow, ("two",), actions, ())
        again = a_run(flow_version=flow.version, resubmitted_from=first.id)
        await bench.store.runs.add(again, begins.actions, begins.marks)
        bench.engine.wake([again])
        done = await bench.engine.wait(again.id, 20)
        assert done.status is Status.SUCCEEDED
        assert bench.service.paths == ["one", "two", "two"]
        assert bench.service.keys[-1] == f"{again.id}:two"
        assert await bench.shown(again) == {"one": "succeeded", "two": "succeeded"}
        assert await bench.store.runs.done_again([first.id, again.id]) == {first.id}
