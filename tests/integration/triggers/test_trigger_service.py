"""Triggers as a whole: files that change, alarms that ring, switches, and how it all is shown."""

from datetime import timedelta
from textwrap import dedent

import pytest

from flowengine.app import App
from flowengine.errors import NotFound, ServiceUnreachable
from flowengine.types import Disposition, Outputs
from tests.fakes.engines import until
from tests.fakes.projects import make_project

HOOK = """
    flow: Hook
    trigger: {webhook: {verify: none}}
    actions: [{log: hello}]
    """
TICK = """
    flow: Tick
    trigger: {schedule: every minute}
    actions: [{log: tick}]
    """
POLL = """
    flow: Poll
    trigger:
      poll: http.get
      every: 1 hour
      with: {url: "https://example.com/items"}
    actions: [{log: hello}]
    """


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path, {"hook": HOOK})


async def test_a_new_file_is_taken_up_and_a_removed_one_let_go(project):
    async with App.open(project) as app:
        (project.flows / "second.yaml").write_text(dedent(HOOK))
        assert await app.triggers.refresh() == ["second"]
        assert app.library.get("second").name == "Hook"
        (project.flows / "second.yaml").unlink()
        assert await app.triggers.refresh() == ["second"]
        assert await app.triggers.refresh() == []
        with pytest.raises(NotFound, match="there is no flow"):
            app.library.get("second")


async def test_a_file_with_errors_keeps_the_version_before_even_after_a_restart(project):
    async with App.open(project) as app:
        before = app.library.get("hook").version
        (project.flows / "hook.yaml").write_text("flow: Hook\nactoins: []\n")
        assert await app.triggers.refresh() == ["hook"]
        assert app.library.get("hook").version == before
        assert app.library.entries["hook"].broken
    async with App.open(project) as app:
        assert app.library.get("hook").version == before
        assert app.library.entries["hook"].broken


async def test_a_file_that_was_never_right_is_no_flow(project):
    (project.flows / "bad.yaml").write_bytes(b"\x00\x01")
    async with App.open(project) as app:
        with pytest.raises(NotFound, match="cannot be used"):
            app.library.get("bad")


async def test_a_schedule_rings_by_itself(tmp_path):
    async with App.open(make_project(tmp_path, {"tick": TICK})) as app:
        await app.store.schedules.commit("tick", "schedule", app.clock.now() - timedelta(minutes=5), [])
        await app.triggers.start("http://127.0.0.1:1")
        (run,) = await until(lambda: app.store.runs.list(flow="tick"))
        assert run.trigger_kind == "schedule"
        (state,) = app.triggers.states(app.library.get("tick"))
        assert (state.state, state.next_at is not None) == ("active", True)
        await app.triggers.stop()


async def test_a_poll_that_fails_is_shown_recorded_once_and_recovers(tmp_path):
    answers = [ServiceUnreachable("nobody there"), ServiceUnreachable("nobody there"), Outputs(200, {}, [{"id": 1}])]
    async with App.open(make_project(tmp_path, {"poll": POLL})) as app:

        async def ask(*_):
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        app.triggers.polls.ask = ask
        flow = app.library.get("poll")
        await app.triggers.start("http://127.0.0.1:1")
        (event,) = await until(lambda: app.store.events.list(dispositions=[Disposition.FAILED]))
        assert "nobody there" in event.reason["message"]
        await until(lambda: app.triggers.states(flow)[0].state == "failed")
        assert app.triggers.states(flow)[0].detail == "nobody there"
        await app.triggers._on_poll(flow, flow.triggers[0])
        await app.triggers._on_poll(flow, flow.triggers[0])
        assert len(await app.store.events.list(dispositions=[Disposition.FAILED])) == 1
        assert app.triggers.states(flow)[0].state == "active"
        assert len(await app.store.runs.list(flow="poll")) == 1
        await app.triggers.stop()


async def test_the_operator_s_switch_lasts(project):
    async with App.open(project) as app:
        await app.triggers.switch("hook", False)
        assert app.triggers.states(app.library.get("hook"))[0].state == "off"
        with pytest.raises(NotFound):
            await app.triggers.switch("none", False)
    async with App.open(project) as app:
        assert not app.triggers.enabled(app.library.get("hook"))


async def test_changed_connections_are_taken_up(project):
    async with App.open(project) as app:
        assert app.calls.connections == {}
        project.connections_file.write_text("web: {connector: http, base_url: 'https://example.com'}\n")
        await app.triggers.refresh()
        assert list(app.calls.connections) == ["web"]
        project.connections_file.write_text("web: [1]\n")
        await app.triggers.refresh()
        assert list(app.calls.connections) == ["web"]
        project.connections_file.unlink()
        await app.triggers.refresh()
        assert app.calls.connections == {}
