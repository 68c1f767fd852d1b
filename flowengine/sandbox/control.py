"""The control endpoint: makes things happen at the service, orders faults, and shows what was asked and delivered.

It answers callers on this machine only.
"""

from __future__ import annotations

import ipaddress
from typing import Final

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from flowengine.findings import did_you_mean
from flowengine.sandbox.faults import KINDS
from flowengine.sandbox.limits import Limit
from flowengine.sandbox.messages import Refused
from flowengine.sandbox.stand_in import CONTROL, StandIn
from flowengine.types import Json, JsonObject

_EXAMPLES: Final = {
    "chat-start": '{"name": "Ann", "email": "ann@example.com", "message": "Where is my refund?"}',
    "chat-message": '{"text": "Are you there?"}',
    "ticket": '{"subject": "Refund", "requester": {"mail": "ann@example.com"}}',
    "webhook": '{"action": "agent_created"}',
    "agent-status": '{"status": "Away"}',
}
"""What may be given, for the page; for the others nothing needs to be."""


def control(stand_in: StandIn) -> ASGIApp:
    """The application under `/_sandbox`, and the page at `/`."""
    endpoints = _Endpoints(stand_in)
    routes = [
        Route("/", endpoints.page),
        Route(CONTROL, endpoints.page),
        Route(f"{CONTROL}/faults", endpoints.faults, methods=["GET", "POST", "DELETE"]),
        Route(f"{CONTROL}/limits", endpoints.limits, methods=["GET", "POST"]),
        Route(f"{CONTROL}/requests", endpoints.requests),
        Route(f"{CONTROL}/deliveries", endpoints.deliveries),
        Route(f"{CONTROL}/webhooks", endpoints.webhooks),
        Route(f"{CONTROL}/reset", endpoints.reset, methods=["POST"]),
        Route(f"{CONTROL}/{{signal}}", endpoints.signal, methods=["POST"]),
    ]
    return _OnlyHere(Starlette(routes=routes, exception_handlers={ValueError: _mistaken, Refused: _refused}))


class _OnlyHere:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_here(scope):
            refusal = PlainTextResponse("The control endpoint answers callers on this machine only.\n", 403)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_here(scope: Scope) -> bool:
    try:
        return ipaddress.ip_address(scope["client"][0]).is_loopback
    except (TypeError, ValueError):
        return False


async def _mistaken(_: Request, error: Exception) -> Response:
    return _shown({"error": str(error)}, 400)


async def _refused(_: Request, error: Exception) -> Response:
    """What was to happen is something that the service itself does not allow."""
    assert isinstance(error, Refused)
    return Response(error.answer.body, error.answer.status, dict(error.answer.headers))


class _Endpoints:
    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in

    async def page(self, request: Request) -> Response:
        return PlainTextResponse(page(self._stand_in))

    async def signal(self, request: Request) -> Response:
        name = request.path_params["signal"]
        signals = self._stand_in.service.signals
        if name not in signals:
            return _shown({"error": f'"{name}" cannot be made to happen here; {did_you_mean(name, signals)}'}, 404)
        before = self._stand_in.courier.begun
        result = signals[name](_object(await _body(request)))
        return _shown({**result, "deliveries": self._stand_in.courier.begun - before})

    async def faults(self, request: Request) -> Response:
        faults = self._stand_in.faults
        if request.method == "POST":
            faults.order(await _body(request))
        elif request.method == "DELETE":
            faults.clear()
        return _shown({"faults": [fault.to_json() for fault in faults.ordered]})

    async def limits(self, request: Request) -> Response:
        window = self._stand_in.window
        if request.method == "POST":
            window.limit = _limit(_object(await _body(request)), window.limit)
            window.clear()
        limit = window.limit
        return _shown({"calls": limit and limit.calls, "period": limit and limit.period})

    async def requests(self, request: Request) -> Response:
        record, query = self._stand_in.record, request.query_params
        method, path = query.get("method"), query.get("path")
        found = record.find(method and method.upper(), path, _number(query.get("after"), 0))
        if query.get("count"):
            count = sum(1 for _ in found) if method or path or "after" in query else record.total
            counts = {"by_call": record.counts, "by_status": record.statuses, "by_key": record.keys}
            return _shown({"count": count} | ({} if query["count"] == "only" else counts))
        return _shown({"requests": list(found)[-_number(query.get("limit"), 100_000) :]})

    async def deliveries(self, request: Request) -> Response:
        return _shown({"deliveries": [delivery.to_json() for delivery in list(self._stand_in.courier.deliveries)]})

    async def webhooks(self, request: Request) -> Response:
        return _shown({"webhooks": self._stand_in.service.webhooks()})

    async def reset(self, request: Request) -> Response:
        await self._stand_in.reset()
        return _shown({"reset": True})


async def _body(request: Request) -> Json:
    content = await request.body()
    try:
        return orjson.loads(content) if content.strip() else {}
    except orjson.JSONDecodeError as error:
        raise ValueError(f"the body is not JSON: {error}") from None


def _object(given: Json) -> JsonObject:
    if not isinstance(given, dict):
        raise ValueError('the body is an object, such as {"subject": "Refund"}')  # noqa: TRY004  (what was sent is wrong)
    return given


def _number(given: str | None, default: int) -> int:
    if given is None:
        return default
    if not given.isdecimal() or int(given) == 0:
        raise ValueError(f'"{given}" is not a number above 0')
    return int(given)


def _limit(given: JsonObject, present: Limit | None) -> Limit | None:
    """The ordered limit; `{"calls": null}` lifts it."""
    calls, period = given.get("calls"), given.get("period", present.period if present else 60)
    if calls is None:
        return None
    if not isinstance(calls, int) or calls < 0 or not isinstance(period, (int, float)) or period <= 0:
        raise ValueError('a limit is {"calls": 100, "period": 60}; the period is in seconds')
    return Limit(calls, period)


def _shown(body: Json, status: int = 200) -> Response:
    return Response(orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS), status, media_type="application/json")


def page(stand_in: StandIn) -> str:
    """What this server is and how to use it, in plain text."""
    url, control_url = stand_in.url, stand_in.control_url
    service = stand_in.service
    limit = stand_in.window.limit
    lines = [
        f"{service.title}: a stand-in with invented data in memory. Nothing leaves this machine but the webhooks you register.",
        "",
        f"Address      {url}",
        f"Rate limit   {f'{limit.calls} calls in {limit.period:g} seconds' if limit else 'none'}",
        "",
        "For connections.yaml (the credentials are made up):",
        f"  {service.name}:",
        f"    connector: {service.name}",
        "    parameters:",
        *(f"      {name}: {value}" for name, value in service.credentials.items()),
        f"    base_url: {url}",
        "    allow_private_network: true",
        *(f"  # {note}" for note in service.notes),
        "",
        "Make something happen (the JSON overrides what would be invented):",
        *(f"  curl -X POST {control_url}/{name} -d '{_EXAMPLES.get(name, '{}')}'" for name in service.signals),
        "",
        "Look:",
        *(f"  curl {control_url}/{name}" for name in ("requests", "requests?count=1", "deliveries", "webhooks")),
        "",
        "Break it:",
        f"""  curl -X POST {control_url}/faults -d '{{"match": "POST *", "kind": "status", "status": 500, "times": 2}}'""",
        *(f"    kind {kind}: {meaning}" for kind, meaning in KINDS.items()),
        f"  curl -X POST {control_url}/limits -d '{{\"calls\": 100000}}'",
        f"  curl -X POST {control_url}/reset",
    ]
    return "\n".join(lines) + "\n"
