"""One run, from its start to what it ended as."""

from __future__ import annotations

import asyncio

from flowengine.config import Limits
from flowengine.errors import ActionError, ActionTimedOut
from flowengine.expressions.evaluate import Evaluator
from flowengine.interpreter.effects import Effects, Failure, Outcome, Start
from flowengine.interpreter.scope import Scope
from flowengine.interpreter.sequence import run_list
from flowengine.interpreter.signals import ActionFailed, Stopped
from flowengine.interpreter.walk import Walk
from flowengine.record import replace
from flowengine.spec.flow import Flow
from flowengine.types import Json, Path, Status

RUN: Path = ()
ON_FAILURE: Path = ("on_failure",)


async def run_flow(
    flow: Flow, start: Start, effects: Effects, evaluator: Evaluator, limits: Limits | None = None
) -> Outcome:
    """Walk a flow to its end and give what the run ended as; "What a run ends as" in the language reference has the rules.

    Pure but for `effects`: with the same answers it does the same again, so an interrupted run is gone on with by a second walk
    over the recorded answers. Cancelling the surrounding `asyncio` task is how a run is cancelled: `finally` parts run, then
    the outcome is `cancelled`. `Suspended`, raised by an effect, leaves this function at once and records nothing.
    """
    walk = Walk(flow, start, effects, evaluator, limits or Limits(), run_list)
    scope = walk.root()
    try:
        outcome = await _main(walk, scope)
        if outcome.status in (Status.FAILED, Status.TIMED_OUT):
            return await _on_failure(walk, scope, outcome)
        return outcome
    except asyncio.CancelledError:
        return Outcome(status=Status.CANCELLED)


async def _main(walk: Walk, scope: Scope) -> Outcome:
    until = walk.start.started_at + walk.flow.timeout
    try:
        output = await walk.effects.limit(RUN, until, _actions(walk, scope))
    except ActionFailed as failed:
        return Outcome(status=failed.status, error=failed.failure)
    except ActionTimedOut as error:
        return Outcome(status=Status.TIMED_OUT, error=walk.run_failure(error))
    except ActionError as error:
        return Outcome(status=Status.FAILED, error=walk.run_failure(error))
    except Stopped as end:
        return Outcome(status=end.status, error=end.told)
    return Outcome(status=Status.SUCCEEDED, output=output)


async def _actions(walk: Walk, scope: Scope) -> Json:
    await _first_values(walk, scope)
    try:
        await run_list(walk, walk.flow.actions, RUN, scope)
    except Stopped as end:
        if end.status is not Status.SUCCEEDED:
            raise
    return await walk.render(walk.flow.output, scope, ("output",), ("output",))


async def _first_values(walk: Walk, scope: Scope) -> None:
    """The variables' first values; each may use those above it."""
    for name, value in walk.flow.vars.items():
        first = await walk.render(value, scope, ("vars", name), ("vars", name))
        walk.variables = {**walk.variables, name: first}


async def _on_failure(walk: Walk, scope: Scope, outcome: Outcome) -> Outcome:
    assert outcome.error is not None
    try:
        await run_list(walk, walk.flow.on_failure, ON_FAILURE, scope.branch(error=outcome.error.to_json()))
    except ActionFailed as second:
        return Outcome(status=Status.FAILED, error=_both(outcome.error, second.failure))
    except Stopped:
        pass  # ends on_failure; the run has failed all the same
    return outcome


def _both(first: Failure, second: Failure) -> Failure:
    message = f'{first.message}; then on_failure failed too, at "{second.name}": {second.message}'
    return replace(first, message=message)
