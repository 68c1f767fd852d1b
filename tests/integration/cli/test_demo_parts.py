"""The demo's folder and its words; the whole demo is an acceptance test."""

import stat

import pytest

from flowengine.app.shipped import sample_flows
from flowengine.cli import demo_events, demo_pages, demo_project
from flowengine.cli.demo_told import Told
from flowengine.cli.errors import NotReady, WrongUsage
from flowengine.store import Store


def test_the_folder_holds_the_sample_flows_and_is_made_anew(tmp_path):
    folder = demo_project.make(tmp_path / "demo")
    assert sorted(path.name for path in (folder / "flows").iterdir()) == [path.name for path in sample_flows()]
    (folder / "flows" / "other.yaml").write_text("x")
    (folder / ".flowengine").mkdir()
    demo_project.make(folder)
    assert not (folder / "flows" / "other.yaml").exists()
    assert not (folder / ".flowengine").exists()
    assert (folder / ".gitignore").read_text() == "*\n"


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(WrongUsage, match="not a demo's"):
        demo_project.make(tmp_path)
    with pytest.raises(WrongUsage, match="not a demo's"):
        demo_project.make(tmp_path / "mine.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_taken(tmp_path):
    assert demo_project.make(tmp_path) == tmp_path


def test_a_place_that_cannot_be_written():
    with pytest.raises(WrongUsage, match="choose another folder"):
        demo_project.make(demo_project.Path("/proc/demo"))


async def test_a_demo_that_runs_is_not_disturbed(tmp_path):
    folder = demo_project.make(tmp_path / "demo")
    async with Store.open(f"sqlite:///{folder}/.flowengine/flowengine.db", write=True):
        with pytest.raises(NotReady, match="a demo runs in"):
            demo_project.make(folder)


def test_happenings_that_fail_say_what_answered():
    with pytest.raises(NotReady, match=r"POST http://127\.0\.0\.1:9/_sandbox/ticket"):
        demo_events._call("POST", "http://127.0.0.1:9/_sandbox/ticket", {}, {})


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"kind": "use", "name": "a.B", "detail": ""}, "on a.B"),
        ({"kind": "webhook"}, "on a call of its own web address"),
        ({"kind": "poll", "name": "a.B"}, "on anything new in a.B"),
        ({"kind": "schedule", "next_at": "2026-01-31T09:00:00+00:00"}, "by the clock (next: 2026-01-31T09:00:00Z)"),
        ({"kind": "manual"}, "by hand"),
    ],
)
def test_what_starts_a_flow_in_words(state, words):
    assert demo_pages._starts(state) == words


def test_a_demo_without_runs_is_not_as_expected(tmp_path):
    told = Told(tmp_path)
    assert not told.as_expected
    assert any("runs list" in command for command in demo_pages.commands(told))


def test_inputs_are_cut_to_the_room_there_is():
    assert demo_pages._given({"a": "x" * 50, "b": {"c": 1}}, 30) == "a: " + "x" * 24 + "..."
    assert demo_pages._given({"b": {"c": 1}}, 30) == "b: {c: 1}"
    assert demo_pages._given(None, 30) == ""


def test_the_sample_flows_are_plain_files():
    assert len(sample_flows()) >= 8
    assert all(stat.S_ISREG(path.stat().st_mode) for path in sample_flows())
