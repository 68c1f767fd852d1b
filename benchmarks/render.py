"""How long a render takes: plain templates (in process), templates with loops and formats (in the child), and both mixed.

    .venv/bin/python benchmarks/render.py

The target is under 100 microseconds a template, amortised over what flows really write: mostly plain ones.
"""

from __future__ import annotations

import asyncio
import time

from flowengine.config import Limits
from flowengine.expressions.evaluate import Limited, default

TICKET = {"id": 7, "subject": "Refund", "requester": {"mail": "ann@example.com"}, "tags": ["a", "b", "c"]}
PLAIN = {
    "ticketId": "{{ trigger.id }}",
    "message": "Hello {{ trigger.requester.mail }}, about {{ trigger.subject | upper }}",
    "first": "{{ trigger.tags | first }}",
    "none": "{{ trigger.owner | default('nobody') }}",
}
CHILD = {
    "lines": "{% for tag in trigger.tags %}{{ loop.index }} {{ tag }}\n{% endfor %}",
    "text": "{{ 'a' | center(9) }}",
}


async def measure(evaluator: Limited, name: str, value: dict[str, str], times: int) -> None:
    await evaluator.render(value, {"trigger": TICKET})
    began = time.perf_counter()
    for _ in range(times):
        await evaluator.render(value, {"trigger": TICKET})
    each = (time.perf_counter() - began) / times / len(value) * 1e6
    print(f"{name:<40} {each:7.1f} µs a template")


async def main() -> None:
    async with default(Limits()) as evaluator:
        await measure(evaluator, "plain, four an action", PLAIN, 20_000)
        await measure(evaluator, "in the child, two an action", CHILD, 3_000)
        await measure(evaluator, "mixed, six an action", {**PLAIN, **CHILD}, 3_000)


if __name__ == "__main__":
    asyncio.run(main())
