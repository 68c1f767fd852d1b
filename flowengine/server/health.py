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
    """The store can be read and written and triggers are in force; 503 with the reason while it cannot.

    `engine` is false at a web process whose worker does not run: events are taken in, and wait for it.
    """
    app = app_of(request)
    trouble = app.store.journal.trouble or (None if app.triggers.watching else "triggers are being set")
    if trouble is None:
        await app.store.flows.enabled()
    answer = {"ready": trouble is None, "flows": len(app.library.flows()), "engine": await app.store.engine_runs()}
    return JSONResponse(answer | ({"trouble": trouble} if trouble else {}), 200 if trouble is None else 503)


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
        "# HELP flowengine_events_total Events, by the trigger's kind and what became of them.",
        "# TYPE flowengine_events_total counter",
        *(
            f'flowengine_events_total{{trigger="{kind}",disposition="{name}"}} {count}'
            for (kind, name), count in sorted(app.dispatcher.counts.items())
        ),
        "# HELP flowengine_runs Runs in memory: under way, or ready for a place.",
        "# TYPE flowengine_runs gauge",
        *(f'flowengine_runs{{state="{state}"}} {count}' for state, count in app.engine.in_memory().items()),
        "# HELP flowengine_database_writable Whether the database takes what is written.",
        "# TYPE flowengine_database_writable gauge",
        f"flowengine_database_writable {int(app.store.journal.trouble is None)}",
        "# HELP flowengine_commits_total Group commits of this process.",
        "# TYPE flowengine_commits_total counter",
        f"flowengine_commits_total {app.store.journal.commits}",
        "# HELP flowengine_flows Flows in force, and files that have errors.",
        "# TYPE flowengine_flows gauge",
        f'flowengine_flows{{state="in_force"}} {len(app.library.flows())}',
        f'flowengine_flows{{state="broken_file"}} {broken}',
    ]
    states = [registration.state for registration in app.triggers.subscriptions.records.values()]
    lines += ["# HELP flowengine_subscriptions Webhooks at services.", "# TYPE flowengine_subscriptions gauge"]
    lines += [f'flowengine_subscriptions{{state="{state}"}} {states.count(state)}' for state in sorted(set(states))]
    return lines
