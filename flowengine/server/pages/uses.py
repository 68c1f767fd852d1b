"""What a flow depends on: the services with the connections it uses, the flows that it calls, and those that call it."""

from __future__ import annotations

from dataclasses import dataclass

from flowengine.app import App
from flowengine.app.accounts import Account
from flowengine.spec.actions import Call, OperationAction
from flowengine.spec.flow import Flow
from flowengine.spec.triggers import OperationTrigger, Poll


@dataclass(frozen=True, slots=True)
class Service:
    """A connector that a flow uses."""

    connector: str
    accounts: tuple[Account, ...]
    """The connections that its actions and triggers may use; none where it needs none, or where one is missing."""


@dataclass(frozen=True, slots=True)
class Uses:
    """Everything around a flow."""

    services: tuple[Service, ...] = ()
    calls: tuple[str, ...] = ()
    called_by: tuple[str, ...] = ()

    @property
    def anything(self) -> bool:
        return bool(self.services or self.calls or self.called_by)


def uses_of(app: App, flow: Flow | None) -> Uses:
    """What the flow in force depends on."""
    if flow is None:
        return Uses()
    accounts = app.accounts.all()
    services = tuple(
        Service(connector, tuple(one for one in accounts if one.connection.connector == connector))
        for connector in dict.fromkeys(connectors_of(flow))
    )
    callers = tuple(one.id for one in app.library.flows() if flow.id in _called(one))
    return Uses(services, tuple(dict.fromkeys(_called(flow))), callers)


def connectors_of(flow: Flow) -> list[str]:
    """The connector of each trigger and action that calls a service."""
    used = [one.connector for one in flow.triggers if isinstance(one, (OperationTrigger, Poll))]
    return used + [action.connector for _, action in flow.walk() if isinstance(action, OperationAction)]


def _called(flow: Flow) -> list[str]:
    return [action.flow for _, action in flow.walk() if isinstance(action, Call)]
