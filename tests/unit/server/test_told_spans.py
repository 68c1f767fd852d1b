"""What is told of a run, an action and its requests, before OpenTelemetry comes into it."""

from datetime import timedelta

import pytest

from flowengine.connectors.traces import span_id, trace_id, traceparent
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


def test_a_call_names_the_action_s_span_as_its_parent():
    told = traceparent("01abc:each/1/send")
    assert told == f"00-{trace_id('01abc'):032x}-{span_id('01abc', 'each/1/send'):016x}-01"
    assert len(told) == 55
    assert traceparent("01abc") == ""
