"""What an action failed with is raised as the same class by a walk that finds it on record."""

import pytest

from flowengine import errors
from flowengine.engine.checkpoint import failure_of, outputs_of, revived, value_of
from flowengine.interpreter.signals import RepeatExhausted
from flowengine.store.records import ActionRecord
from flowengine.types import Status
from tests.fakes.standing_clock import StandingClock


def all_of(kind):
    return [kind, *(each for below in kind.__subclasses__() for each in all_of(below))]


KINDS = [kind for kind in all_of(errors.ActionError) if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", [*KINDS, RepeatExhausted], ids=lambda kind: kind.__name__)
def test_every_error_comes_back_as_itself(kind):
    failed = kind("it went wrong")
    failed.status_code, failed.body = 418, {"why": "tea"}
    error = failure_of(("send_mail",), "Send mail", failed)

    again = revived(error, attempts=3)

    assert type(again) is kind
    assert (again.message, again.status_code, again.body, again.attempts) == ("it went wrong", 418, {"why": "tea"}, 3)
    assert (again.retryable, again.kind) == (failed.retryable, failed.kind)


def test_every_error_has_a_code_of_its_own():
    assert len({kind.code for kind in KINDS}) == len(KINDS)


def test_a_code_that_nobody_knows_any_more_is_a_failed_action():
    again = revived({"code": "of_former_days", "message": "gone"}, attempts=0)
    assert (type(again), again.message, again.attempts) == (errors.ActionError, "gone", 1)


def test_a_record_that_failed_raises_whoever_asks_for_what_it_gave():
    error = failure_of(("ask",), "Ask", errors.SignInNeeded("sign in first"))
    failed = ActionRecord(
        run_id="r",
        path=("ask",),
        name="Ask",
        kind="use",
        status=Status.FAILED,
        started_at=StandingClock().now(),
        error=error,
    )
    for read in (outputs_of, value_of):
        with pytest.raises(errors.SignInNeeded, match="sign in first"):
            read(failed)
