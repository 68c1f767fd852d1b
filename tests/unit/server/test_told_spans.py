"""What is told of a run, an action and its requests, before OpenTelemetry comes into it."""

from datetime import timedelta

import pytest

from flowengine.connectors.traces import Elsewhere, parse_traceparent, span_id, trace_id, traceparent
from flowengine.server.telemetry import Spans, around, of_action, of_run
from flowengine.store.records import Attempt
from flowengine.types import Sent, Status
from tests.fakes.records import START, a_run, an_action

POST = Sent("POST", "https://api.example.com/tickets/canary?q=canary", {"X": "canary"}, "canary")


@pytest.mark.parametrize(
    ("path", "outer"),
    [
        (("send",), ()),
        (("notify_all", 3, "send"), ("notify_all",)),
        (("a", 0, "b", 1, "c"), ("a", 0, "b")),
        (("check", "then_send"), ("check",)),
        (("on_failure", "tell"), ()),
        (("on_failure", "each", 2, "tell"), ("on_failure", "each")),
    ],
)
def test_actions_stand_below_the_one_that_they_stand_in(path, outer):
    assert around(path) == outer


def test_each_try_is_a_span_below_its_action():
    run = a_run()
    tries = (
        Attempt(
            number=1,
            started_at=START,
            duration_ms=1_500,
            status_code=500,
            error={"code": "operation_failed", "message": "canary"},
            request=POST,
        ),
        Attempt(number=2, started_at=START, duration_ms=1, error={"code": "unreachable", "message": "x"}, request=POST),
        Attempt(number=3, started_at=START, duration_ms=1, status_code=201, request=POST),
    )
    own, first, second, third = of_action(run, an_action(run, path=("each", 1, "send"), attempts=tries))
    assert (own.parent, own.name, own.error) == (span_id(run.id, "each"), "Send", None)
    assert {one.parent for one in (first, second, third)} == {own.id}
    assert len({own.id, first.id, second.id, third.id}) == 4
    assert first.ended - first.began == timedelta(seconds=1.5)
    assert (first.error, second.error, third.error) == ("500", "unreachable", None)
    assert third.facts == {
        "http.request.method": "POST",
        "url.scheme": "https",
        "server.address": "api.example.com",
        "server.port": 443,
        "http.response.status_code": 201,
        "http.request.resend_count": 2,
    }
    assert "canary" not in str([own, first, second, third])


def test_only_what_has_ended_is_told():
    told = []
    watcher = Spans(told.append)
    run = a_run(status=Status.RUNNING)
    watcher(run, None)
    watcher(run, an_action(run, status=Status.RUNNING, finished_at=None))
    assert told == []
    watcher(a_run(id=run.id, status=Status.FAILED, error={"code": "timed_out"}, finished_at=START), None)
    assert [(one.error, one.parent, one.id) for one in told] == [("timed_out", None, span_id(run.id))]
    assert of_run(run).name == "tickets"


SENDER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("header", "sampled"),
    [
        (SENDER, True),
        (f"  {SENDER} ", True),
        (SENDER[:-2] + "00", False),
        (SENDER[:-2] + "03", True),
        ("cc" + SENDER[2:], True),
        ("cc" + SENDER[2:] + "-what-comes-later", True),
    ],
)
def test_where_a_request_says_it_comes_from(header, sampled):
    expected = Elsewhere(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, sampled)
    assert parse_traceparent(header) == expected


@pytest.mark.parametrize(
    "header",
    [
        "",
        SENDER.upper(),
        SENDER + "-more",
        SENDER + "0",
        "ff" + SENDER[2:],
        SENDER.replace("b7ad6b7169203331", "0" * 16),
        SENDER.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
        f"{SENDER}, {SENDER}",
        "００" + SENDER[2:],
        "cc" + SENDER[2:] + ".",
    ],
)
def test_what_is_no_such_header_says_nothing(header):
    assert parse_traceparent(header) is None


async def test_only_runs_that_a_request_began_are_looked_up_and_linked():
    told, asked = [], []

    async def headers_of(event_id):
        asked.append(event_id)
        return {"traceparent": SENDER, "x": "canary"}

    watcher = Spans(told.append, headers_of)
    ended = {"status": Status.SUCCEEDED, "finished_at": START, "event_id": "event1"}
    for given in ({"trigger_kind": "schedule"}, {"trigger_kind": "manual"}, {"event_id": None}):
        watcher(a_run(**{**ended, **given}), None)
    assert (len(told), asked) == (3, [])
    watcher(a_run(**ended), None)
    watcher(a_run(**ended, trigger_kind="use"), None)
    await watcher.settled()
    assert asked == ["event1", "event1"]
    assert [one.link is not None for one in told] == [False, False, False, True, True]
    assert told[-1].link == parse_traceparent(SENDER)
    assert {one.parent for one in told} == {None}


def test_a_call_names_the_action_s_span_as_its_parent():
    told = traceparent("01abc:each/1/send")
    assert told == f"00-{trace_id('01abc'):032x}-{span_id('01abc', 'each/1/send'):016x}-01"
    assert len(told) == 55
    assert traceparent("01abc") == ""
