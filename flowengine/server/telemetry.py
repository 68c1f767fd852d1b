"""Runs and actions as OpenTelemetry spans, where the extra `opentelemetry` is installed and the setting `telemetry` is on.

Where spans go is said by the variables that OpenTelemetry itself reads, such as `OTEL_EXPORTER_OTLP_ENDPOINT`. A span holds names,
statuses and times; never inputs, outputs or messages.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from flowengine import __version__
from flowengine.errors import ConfigurationError
from flowengine.store.codec import moment
from flowengine.store.records import ActionRecord, RunRecord
from flowengine.types import Status, format_path

GOING_AT_MOST: Final = 10_000
"""Runs whose span is kept open; of older ones that still go on a new one is begun."""


class Spans:
    """A watcher of the engine: one span a run, below it one for each action that ends."""

    def __init__(self, tracer: Any, inside: Callable[[Any], Any]) -> None:
        self._tracer = tracer
        self._inside = inside
        """The context in which a span's children begin."""
        self._going: dict[str, Any] = {}

    def __call__(self, run: RunRecord, action: ActionRecord | None) -> None:
        if action is not None:
            if action.status.finished and action.finished_at is not None:
                self._action(run, action, action.finished_at)
        elif run.status.finished:
            self._end(self._span(run), run.status, run.error, run.finished_at)
            self._going.pop(run.id, None)

    def _action(self, run: RunRecord, action: ActionRecord, ended: datetime) -> None:
        facts = {
            "flowengine.run": run.id,
            "flowengine.path": format_path(action.path),
            "flowengine.kind": action.kind,
            "flowengine.attempts": len(action.attempts),
        }
        context = self._inside(self._span(run))
        span = self._tracer.start_span(
            action.name, context=context, start_time=_nanoseconds(action.started_at), attributes=facts
        )
        self._end(span, action.status, action.error, ended)

    def _span(self, run: RunRecord) -> Any:
        if run.id not in self._going:
            if len(self._going) >= GOING_AT_MOST:
                self._going.pop(next(iter(self._going)))
            facts = {"flowengine.run": run.id, "flowengine.flow": run.flow, "flowengine.flow_version": run.flow_version}
            began = _nanoseconds(run.started_at or run.created_at)
            self._going[run.id] = self._tracer.start_span(run.flow, start_time=began, attributes=facts)
        return self._going[run.id]

    def _end(self, span: Any, status: Status, error: Any, at: datetime | None) -> None:
        span.set_attribute("flowengine.status", str(status))
        if error and status in (Status.FAILED, Status.TIMED_OUT):
            span.set_attribute("error.type", str(error.get("code")))
        span.end(_nanoseconds(at) if at else None)


def spans() -> tuple[Spans, Callable[[], None]]:
    """The watcher, and what to call at the end. Raises `ConfigurationError` when the extra is not installed."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace import set_span_in_context
    except ImportError:
        raise ConfigurationError(
            "the setting telemetry needs more packages: pip install 'flowengine[opentelemetry]'"
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": "flowengine", "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Spans(provider.get_tracer("flowengine", __version__), set_span_in_context), provider.shutdown


def _nanoseconds(at: datetime) -> int:
    return moment(at) * 1000
