"""The pages of runs and events from records made by hand, and tables as a terminal shows them."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from flowengine.app.new_connection import made_of
from flowengine.cli import connection_ask, output, run_page
from flowengine.cli.events import condition_text, reason_text
from flowengine.cli.record import document_of
from flowengine.cli.run_page import Found, log_lines, print_action, print_run
from flowengine.cli.run_watch import Progress, ending
from flowengine.engine import broken_off
from flowengine.errors import NotFound
from flowengine.manifests.properties import ConnectionParameter, ConnectionSpec
from flowengine.store.records import ActionRecord, Attempt, RunRecord
from flowengine.types import Status

BEGAN = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)

TEXT = "flow: Mail\ntrigger: { manual: true }\nactions:\n  - name: Notify all\n    for_each: []\n    do:\n      - name: Send mail\n"


def attempt(number, status_code, message):
    error = {"code": "operation_failed", "message": message} if message else None
    at = BEGAN + timedelta(seconds=number)
    return Attempt(number=number, started_at=at, duration_ms=12, status_code=status_code, error=error)


def action(*path, status=Status.SUCCEEDED, kind="use", **more):
    ended = BEGAN + timedelta(seconds=4) if status.finished else None
    return ActionRecord(
        run_id="01run",
        path=path,
        name=str(path[-1]),
        kind=kind,
        status=status,
        started_at=BEGAN,
        finished_at=ended,
        **more,
    )


def found(run_status=Status.FAILED, actions=(), **more):
    ended = BEGAN + timedelta(seconds=5) if run_status.finished else None
    run = RunRecord(
        id="01run", flow="mail", flow_version="abc", status=run_status, event_id=None, trigger_kind="manual",
        trigger_name="manual", created_at=BEGAN, started_at=BEGAN, finished_at=ended, **more,
    )  # fmt: skip
    return Found(run, tuple(actions), None, TEXT, "flows/mail.yaml")


ERROR = {
    "action": "notify_all/3/send_mail",
    "name": "Send mail",
    "code": "operation_failed",
    "message": "mail.Send was answered 500",
    "status_code": 500,
    "body": {"lines": list(range(40))},
    "line": 7,
    "column": 9,
}


def test_a_failure_in_a_loop_names_the_item_the_line_and_the_tries(capsys):
    tries = (attempt(1, 500, "oh"), attempt(2, None, "no answer"), attempt(3, 500, "oh"))
    failed = action(
        "notify_all", 3, "send_mail", status=Status.FAILED, attempts=tries, inputs={"to": "a@example.com"}, error=ERROR
    )
    print_run(found(actions=[action("notify_all", status=Status.FAILED, kind="for_each"), failed], error=ERROR))
    said = capsys.readouterr()
    assert 'Failed at "Send mail" (item 4 of notify_all): mail.Send was answered 500' in said.out
    assert "  flows/mail.yaml:7:9\n    7 |       - name: Send mail\n      |         ^^^^^^^^^^^^^^^\n" in said.out
    assert "tried 3 times:" in said.out
    assert "  -  no answer" in said.out
    assert '"to": "a@example.com"' in said.out
    assert "more lines, see --action" in said.out
    assert "runs show 01run --action notify_all/3/send_mail" in said.err


def test_an_error_of_on_failure_is_shown_too(capsys):
    print_run(found(error={**ERROR, "body": None, "line": None, "on_failure": {"message": "worse"}}))
    assert "and on_failure failed, too: " in capsys.readouterr().out


def test_a_run_that_goes_on_says_until_when(capsys):
    waiting = action("pause", status=Status.WAITING, kind="wait")
    print_run(found(Status.WAITING, [waiting], due_at=BEGAN + timedelta(hours=1)))
    said = capsys.readouterr()
    assert "still going on" in said.out
    assert "goes on   2026-01-31T10:00:00Z" in said.out
    assert "flowengine runs watch 01run" in said.err


def test_a_run_that_did_nothing_yet(capsys):
    print_run(found(Status.QUEUED))
    assert "It did nothing yet." in capsys.readouterr().out


def test_actions_by_a_pattern(capsys):
    actions = [action("each", at, "send", inputs={"n": at}) for at in range(3)]
    print_action(
        found(Status.SUCCEEDED, [*actions, action("last", status=Status.SKIPPED, skipped_because="not needed")]),
        "each/*",
    )
    said = capsys.readouterr().out
    assert [f'"n": {at}' in said for at in range(3)] == [True] * 3
    print_action(found(Status.SUCCEEDED, [action("last", status=Status.SKIPPED, skipped_because="not needed")]), "last")
    assert "skipped because not needed" in capsys.readouterr().out


def test_an_action_that_is_not_there_is_told_the_nearest():
    with pytest.raises(NotFound, match='did you mean "send_mail"'):
        print_action(found(Status.SUCCEEDED, [action("send_mail")]), "send_mial")


def test_a_try_under_way_and_one_that_its_engine_broke_off_are_told_in_words(capsys):
    calling = broken_off.again(action("call", status=Status.RUNNING, attempts=(attempt(1, 500, "busy"),)), BEGAN)
    print_action(found(Status.RUNNING, [calling]), "call")
    assert "no answer yet" in capsys.readouterr().out
    print_action(found(Status.RUNNING, [broken_off.taken_up(calling)]), "call")
    said = capsys.readouterr().out
    assert "tried 2 times" in said
    assert "the engine stopped while the request was under way" in said


def test_a_test_made_from_a_run_says_what_the_service_answered_and_not_what_its_engine_broke_off():
    calling = broken_off.again(action("call", status=Status.RUNNING, attempts=(attempt(1, 500, "busy"),)), BEGAN)
    cut = broken_off.taken_up(calling)
    done = action("call", attempts=(*cut.attempts, attempt(3, 200, "")), outputs={"status_code": 200, "body": "ok"})
    sequence = document_of(found(Status.SUCCEEDED, [done]))["answers"]["call"]["sequence"]
    assert [answer["status_code"] for answer in sequence] == [500, 200]


def test_what_actions_say_in_a_log():
    made = [
        action("note", kind="log", outputs={"text": "done"}),
        action("call", attempts=(attempt(1, 500, "x"), attempt(2, 200, ""))),
    ]
    lines = {line["path"]: line["text"] for line in log_lines(found(Status.SUCCEEDED, made))}
    assert lines == {"note": "done", "call": "4.0 s, 2 tries"}


def test_progress_shows_changes_once_and_containers_when_they_end(capsys):
    progress = Progress()
    loop = action("loop", status=Status.RUNNING, kind="for_each")
    progress.show([loop, action("loop", 0, "call", status=Status.RUNNING)])
    progress.show([loop, action("loop", 0, "call", status=Status.FAILED, error={"message": "no"})])
    progress.show([loop, action("loop", 0, "call", status=Status.FAILED, error={"message": "no"})])
    assert capsys.readouterr().out == "  running    loop/0/call\n  failed     loop/0/call  no\n"


def test_the_end_of_a_run_in_a_line():
    assert ending(found(error={"message": "mail is down"}).run) == "failed after 5.0 s: mail is down"


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (None, ""),
        ({"message": "the flow is off"}, "the flow is off"),
        ("seen before", "seen before"),
        ({"conditions": [{"operator": "more_than", "left": 1, "right": 2, "held": False}]}, "1 more than 2: no"),
        ({"conditions": [{"operator": "truth", "left": "{{ x }}", "held": False}]}, '"{{ x }}": no'),
    ],
)
def test_reasons_in_words(reason, text):
    assert reason_text(reason) == text


def test_a_condition_that_held():
    assert condition_text({"operator": "is", "left": None, "right": "a", "held": True}) == 'null is "a": yes'


def test_ids_are_never_broken_on_a_narrow_terminal(capsys, narrow_terminal):
    output.table(("run", "flow", "error"), [["x" * 26, "a-flow-with-a-long-name", "an error " * 12]])
    assert "x" * 26 in capsys.readouterr().out


def test_values_are_asked_for_at_a_terminal_and_secrets_are_not_echoed(monkeypatch, capsys):
    asked = []

    def prompt(question, **how):
        asked.append((question, how["hide_input"]))
        return "" if "may be left empty" in question else "v"

    monkeypatch.setattr(connection_ask.sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(connection_ask.typer, "prompt", prompt)
    wanted = (
        ConnectionParameter("user", "string", description="Who you are."),
        ConnectionParameter("token:key", "securestring"),
        ConnectionParameter("region", "string", required=False),
    )
    desk = SimpleNamespace(name="desk", connection=ConnectionSpec(wanted))
    way, values = connection_ask.ask(desk)
    assert (way, values) == ("", {"user": "v", "token:key": "v"})
    made = made_of(desk, "my-desk", way, values, base_url=None, private=False)
    assert made.entry.parameters == {"user": "v", "token:key": "{{ secrets.my_desk_token_key }}"}
    assert made.secrets == {"my_desk_token_key": "v"}
    assert asked == [("user", False), ("token:key", True), ("region (may be left empty)", False)]
    assert "Who you are." in capsys.readouterr().err


def test_the_page_names_the_file_as_it_is(project):
    (project / "flows" / "a.yml").write_text("")
    here = SimpleNamespace(flows=project / "flows")
    assert (run_page.file_name(here, "a"), run_page.file_name(here, "b")) == ("flows/a.yml", "flows/b.yaml")


def test_an_action_between_two_tries_tells_what_went_wrong_and_when_it_is_tried_again():
    tries = (attempt(1, None, "http://127.0.0.1:9 cannot be reached"),)
    waiting = action("send", status=Status.RUNNING, attempts=tries, due_at=BEGAN + timedelta(seconds=8))
    told = run_page._told(waiting, None)
    assert told.startswith("try 2 at 2026-01-31")
    assert told.endswith("; the last one: http://127.0.0.1:9 cannot be reached")


def test_a_duplicate_is_told_in_words():
    assert reason_text({"dedupe_key": "T1"}) == "seen before: T1"
