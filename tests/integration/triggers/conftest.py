"""A real store, a real evaluator, a clock that stands, and an engine that only listens."""

from textwrap import dedent

import orjson
import pytest

from flowengine.expressions.evaluate import InProcess
from flowengine.spec.load import parse_flow
from flowengine.store import Store
from flowengine.triggers.deliveries import Delivery
from flowengine.triggers.dispatch import Dispatcher
from flowengine.triggers.hooks import Hooks
from flowengine.triggers.subscriptions import Subscriptions
from tests.fakes.chat_manifest import Service, operation
from tests.fakes.standing_clock import StandingClock, WakeRecord


@pytest.fixture
def clock():
    return StandingClock()


@pytest.fixture
async def store(tmp_path, clock):
    async with Store.open(f"sqlite:///{tmp_path / 'engine.db'}", write=True, clock=clock) as opened:
        yield opened


@pytest.fixture
def engine():
    return WakeRecord()


@pytest.fixture
def dispatcher(store, engine, clock):
    return Dispatcher(store, engine, InProcess(), clock)


@pytest.fixture
def read():
    def read(text, flow_id="test-flow"):
        flow, findings = parse_flow(dedent(text).encode(), f"flows/{flow_id}.yaml", flow_id)
        assert flow, findings
        return flow

    return read


@pytest.fixture
def hooks(dispatcher, store):
    return Hooks(
        dispatcher,
        derive=store.secrets.derive,
        secrets=lambda name: "team-secret" if name == "team" else None,
        enabled=lambda flow: flow.enabled,
        json_depth=64,
    )


@pytest.fixture
def open_hook(hooks, read):
    """Open a flow's hook; gives a function that delivers to it."""

    def open_hook(text):
        flow = read(text)
        hooks.arrange(flow, lambda trigger: operation(trigger.connector, trigger.operation))
        key = hooks.address(flow.id, flow.triggers[0].key).rpartition("/")[2]

        async def deliver(body, key=key, **headers):
            raw = body if isinstance(body, bytes) else orjson.dumps(body)
            return await hooks.receive(flow.id, key, Delivery(raw, headers, "192.0.2.1"))

        deliver.flow = flow
        return deliver

    return open_hook


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def subscriptions(store, service, clock):
    return Subscriptions(store, service, InProcess(), clock, store.secrets.derive)
