"""The evaluator: cheap templates here, all others in a child process whose time and memory are limited."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from flowengine.config import Limits
from flowengine.errors import ExpressionError
from flowengine.expressions import child, wire
from flowengine.expressions.bounded import is_bounded
from flowengine.expressions.evaluate import InProcess, Limited, default
from flowengine.expressions.functions.draw import SEED, seed

LOOP = "{% for i in range(3) %}{{ x }}{% endfor %}"
ENDLESS = "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}"
QUICK = Limits(template_seconds=0.25, template_memory=100_000_000)


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def evaluator() -> AsyncIterator[Limited]:
    async with default(QUICK) as made:
        yield made


async def test_both_ways_give_the_same(evaluator: Limited) -> None:
    value = {"a": ["{{ x }}", LOOP], "b": {"c": "{{ x | center(3) }}", "d": 1}, "e": "{{ range(2) }}"}
    scope = {"x": "ü", "unused": object}
    expected = {"a": ["ü", "üüü"], "b": {"c": " ü ", "d": 1}, "e": [0, 1]}
    assert await evaluator.render(value, scope) == expected
    assert await InProcess().render(value, scope) == expected


async def test_an_error_in_the_child_has_its_place(evaluator: Limited) -> None:
    with pytest.raises(ExpressionError) as caught:
        await evaluator.render(
            {"a": ["", "{% for i in range(3) %}{{ trigger.subjekt }}{% endfor %}"]}, {"trigger": {"subject": 1}}
        )
    error = caught.value
    assert error.message == 'there is no "subjekt" in trigger; did you mean "subject"?'
    assert error.at == ("a", 1)
    assert error.span
    assert (error.span.column, error.span.end_column) == (35, 42)
    with pytest.raises(ExpressionError, match="there is: other, x"):
        await evaluator.render("{% for i in zzz %}{% endfor %}", {"x": 1, "other": 2})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ 7**6000000 % 3 }}", "1,000 digits"),
        ("{{ 'a' * 10**9 }}", "1 MB"),
        (ENDLESS, "longer than 0.25 s"),
        ("{{ isMatch('a' * 40 ~ '!', '(a+)+$') }}", "longer than 0.25 s"),
        (
            "{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a }}",
            "0.25 s|memory",
        ),
        (
            "{% set ns = namespace(a='x') %}{% for i in range(60) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}",
            "memory|0.25 s",
        ),
        ("{{ 'x' | center(999999999) }}", "memory|larger"),
        ("{{ '%999999999d' | format(1) }}", "memory|larger"),
        ("{{ range(1000000000) | list }}", "1 MB"),
        ("{{ [1] | batch(1000000000, 0) | list }}", "memory|0.25 s"),
        ("{{ [1] | slice(1000000000) | list }}", "memory|0.25 s"),
        ("{% for i in range(300000) %}xxxxxxxxxx{% endfor %}", "larger than 1 MB"),
        ("{{ data | map('center', 99999999) | list }}", "memory|larger|0.25 s"),
        ("{{ replace(data[0], 'a', long) }}", "1 MB"),
        ("{{ 'a'.zfill(999999999) }}", "cannot be called"),
        ("{{ 'a'.ljust(999999999) }}", "cannot be called"),
        ("{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}", "without end|memory|0.25 s"),
    ],
)
async def test_a_template_that_would_hold_the_engine_is_stopped(evaluator: Limited, text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        await evaluator.render({"q": text}, {"data": ["a" * 60_000], "long": "b" * 60_000})


async def test_others_go_on_while_one_runs_away(evaluator: Limited) -> None:
    assert await evaluator.render([LOOP], {"x": 1}) == ["111"]

    async def runs_away() -> None:
        with pytest.raises(ExpressionError, match="longer"):
            await evaluator.render(ENDLESS, {})

    away = asyncio.create_task(runs_away())
    done = 0
    while not away.done():
        assert await evaluator.render(LOOP, {"x": 2}) == "222"
        done += 1
    await away
    assert done > 5


async def test_a_cancelled_caller_leaves_no_answer_for_the_next(evaluator: Limited) -> None:
    asked = asyncio.create_task(evaluator.render(ENDLESS, {}))
    await asyncio.sleep(0.1)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert await evaluator.render(LOOP, {"x": 3}) == "333"


async def test_no_child_is_left_behind() -> None:
    async with default(QUICK) as made:
        await made.render(LOOP, {"x": 1})
        (idle,) = made._pool._idle
    assert idle.process.poll() is not None
    with pytest.raises(ProcessLookupError):
        os.kill(idle.process.pid, 0)


async def test_large_data_goes_to_the_child_and_odd_data_survives_the_way(evaluator: Limited) -> None:
    scope = {"items": list(range(5000)), "huge": 10**30, "half": "\ud800"}
    assert await evaluator.render("{{ items | last }}", scope) == 4999
    assert await evaluator.render(LOOP.replace("x", "huge"), scope) == str(10**30) * 3
    assert await evaluator.render("{% if true %}{{ half }}{% endif %}", scope) == "\ud800"


async def test_time_and_chance_are_the_same_in_the_child(evaluator: Limited) -> None:
    scope = {SEED: seed(datetime(2026, 3, 15, tzinfo=UTC), "run1:first")}
    value = ["{% for i in range(2) %}{{ uuid() }}{% endfor %}", "{{ uuid() }}{{ now() }}"]
    first = await evaluator.render(value, scope)
    assert first == await evaluator.render(value, scope) == await InProcess().render(value, scope)
    assert first[1].endswith("2026-03-15T00:00:00Z")


async def test_lenient_works_in_the_child_too(evaluator: Limited) -> None:
    assert await evaluator.render("{{ nope | center(3) }}", {}, lenient=True) is None
    assert await evaluator.render("{{ nope.x }}", {}, lenient=True) is None


@pytest.mark.parametrize(
    ("text", "bounded"),
    [
        ("{{ a.b | default('x') | upper }} {{ c ~ d }}", True),
        ("{% if a %}{{ b }}{% endif %}", True),
        (LOOP, False),
        ("{% set a = 1 %}{{ a }}", False),
        ("{{ a | format(1) }}", False),
        ("{{ isMatch(a, b) }}", False),
        ("{{ " + " ~ ".join(["a"] * 40) + " }}", False),
    ],
)
async def test_which_templates_are_bounded(text: str, bounded: bool) -> None:
    assert is_bounded(text) is bounded


async def test_the_child_answers_requests() -> None:
    request = {"templates": [["{{ a }}b", []], [LOOP, ["x"]]], "scope": {"a": 1, "x": 2}, "lenient": False}
    reply = wire.unpack(child.answer(request)[wire.LENGTH :])
    assert reply["values"] == ["1b", "222"]
    request["templates"].append(["{{ zz }}", ["y", 0]])
    told = wire.unpack(child.answer(request)[wire.LENGTH :])["error"]
    assert told["at"] == ["y", 0]
    assert told["span"] == [1, 4, 1, 6]


async def test_the_child_ends_with_its_line() -> None:
    import socket
    import threading

    ours, theirs = socket.socketpair()
    with ours, theirs:
        served = threading.Thread(target=child.serve, args=(theirs,))
        served.start()
        ours.sendall(wire.pack({"templates": [["{{ 1 + 1 }}", []]], "scope": {}, "lenient": False}))
        ours.shutdown(socket.SHUT_WR)
        served.join(timeout=10)
        assert not served.is_alive()
        assert b'"values":[2]' in ours.recv(10_000)


async def test_everyday_templates_are_rendered_without_a_child() -> None:
    scope = {"trigger": {"ticket": {"id": 7, "subject": "Refund"}}}
    value = {"id": "{{ trigger.ticket.id }}", "text": "{{ trigger.ticket.subject | upper }} #{{ trigger.ticket.id }}"}
    async with default(QUICK) as made:
        assert await made.render(value, scope) == {"id": 7, "text": "REFUND #7"}
        assert not made._pool._idle
