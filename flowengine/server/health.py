"""Is it alive, is it ready, and what has it done: `/healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.responses import Response as Answer

from flowengine.app import App
from flowengine.server.context import app_of


async def healthz(_: Request) -> Answer:
    """The process answers."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Answer:
    """The store can be read and triggers are in force."""
    app = app_of(request)
    await app.store.flows.enabled()
    return JSONResponse({"ready": True, "flows": len(app.library.flows())})


async def metrics(request: Request) -> Answer:
    """Counters of this process, in the text format that Prometheus reads."""
    return PlainTextResponse("\n".join(_lines(app_of(request))) + "\n", media_type="text/plain; version=0.0.4")


def _lines(app: App) -> list[str]:
    broken = sum(entry.broken for entry in app.library.entries.values())
    lines = [
        "# HELP flowengine_webhook_deliveries_total Deliveries at hooks, by what became of them.",
        "# TYPE flowengine_webhook_deliveries_total counter",
        *(
            f'flowengine_webhook_deliveries_total{{disposition="{name}"}} {count}'
            for name, count in sorted(app.hooks.counts.items())
        ),
        "# HELP flowengine_runs_finished_total Runs that ended in this process, by what they ended as.",
        "# TYPE flowengine_runs_finished_total counter",
        *(
            f'flowengine_runs_finished_total{{status="{name}"}} {count}'
            for name, count in sorted(app.engine.finished.items())
        ),
        "# HELP flowengine_flows Flows in force, and files that have errors.",
        "# TYPE flowengine_flows gauge",
        f'flowengine_flows{{state="in_force"}} {len(app.library.flows())}',
        f'flowengine_flows{{state="broken_file"}} {broken}',
    ]
    states = [registration.state for registration in app.triggers.subscriptions.records.values()]
    lines += ["# HELP flowengine_subscriptions Webhooks at services.", "# TYPE flowengine_subscriptions gauge"]
    lines += [f'flowengine_subscriptions{{state="{state}"}} {states.count(state)}' for state in sorted(set(states))]
    return lines
