"""A made-up connector's webhook triggers, one for each way in which services authenticate deliveries, and the service."""

from __future__ import annotations

from flowengine.errors import OperationFailed
from flowengine.manifests.extensions import Conversions, Unregister, WebhookSecret, WebhookSpec
from flowengine.manifests.operation import Operation
from flowengine.triggers.subscriptions import Wanted
from flowengine.types import Outputs

OURS = WebhookSpec(
    callback="url",
    secret=WebhookSecret(parameter="auth.secret_key", path="secret_key"),
    match={"action": "incoming_chat"},
    dedupe=("organization_id", "payload.chat.id"),
    id="id",
    unregister=Unregister("Forget", {"id": "{id}", "note": "was {id}"}),
    register_with={"action": "incoming_chat", "type": "license"},
    conversions=Conversions(epoch_to_datetime=("payload.chat.started",)),
)
THEIRS = WebhookSpec(
    callback="url", secret=WebhookSecret(parameter=None, path="token", source="response.token"), id="hook.id"
)
PLAIN = WebhookSpec(callback="url")
SPECS = {"Ours": OURS, "Theirs": THEIRS, "Plain": PLAIN, "Quiet": PLAIN}


def operation(connector, name):
    if name not in SPECS:
        return None
    return Operation(
        connector=connector,
        id=name,
        kind="trigger",
        method="POST",
        path="/hooks",
        trigger_kind="webhook",
        webhook=SPECS[name],
    )


def flow_text(name, more=""):
    return f"flow: Chats\ntrigger: {{use: chat.{name}}}\nactions: [{{log: hello}}{more}]\n"


class Service:
    """Remembers what it was asked; answers registrations with ids that count up."""

    def __init__(self):
        self.asked, self.failing = [], {}
        self.only_one = False

    def operation(self, connector, name):
        return operation(connector, name)

    def unsubscribing(self, connector, name, inputs, outputs):
        return ("Hidden", {"hookId": outputs.body["id"]}) if name == "Quiet" else None

    async def delete_at(self, connector, operation, connection, url):
        self.asked.append((f"{connector}.{operation}.delete", {"url": url}))

    async def ask(self, connector, operation, connection, inputs):
        self.asked.append((f"{connector}.{operation}", inputs))
        if operation in self.failing:
            raise self.failing[operation]
        if self.only_one and operation in SPECS and self.told().count(f"{connector}.Forget") == 0:
            raise OperationFailed("there is one already", status_code=409)
        number = len(self.asked)
        body = {"id": f"hook-{number}", "hook": {"id": number}, "token": f"token-{number}"}
        location = {} if operation == "Quiet" else {"Location": f"https://service.example/hooks/{number}"}
        return Outputs(201, location, body)

    def told(self):
        return [name for name, _ in self.asked]


def wanted(flow, url="https://engine.example/hooks/x"):
    trigger = flow.triggers[0]
    return Wanted(flow, trigger, operation("chat", trigger.operation), url)
