"""Runs as OpenTelemetry spans, where the extra `opentelemetry` is installed and the setting `telemetry` is on.

One trace a run: below the run's span one for each action, as they are nested in the flow, and below an action one for each request
that it sent, named by the semantic conventions of HTTP clients. Where spans go is said by the variables that OpenTelemetry itself
reads, such as `OTEL_EXPORTER_OTLP_ENDPOINT`. A span holds names, statuses, hosts and times; never paths, inputs, outputs or messages.

A webhook's `traceparent` is read from the headers that are stored with its event, when its run has ended, and becomes a link of the
run's span and not its parent: anybody could claim to belong to any trace.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlsplit

from flowengine import __version__
from flowengine.connectors.traces import NAME, Elsewhere, parse_traceparent, span_id, trace_id
from flowengine.errors import ConfigurationError, FlowEngineError
from flowengine.store.codec import moment
from flowengine.store.records import ActionRecord, Attempt, RunRecord
from flowengine.types import JsonObject, Path, Status, format_path

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

SERVICE: Final = "flowengine"
_BAD: Final = (Status.FAILED, Status.TIMED_OUT)
_BY_REQUEST: Final = ("use", "webhook")
"""Kinds of triggers whose events are requests of somebody."""

HeadersOf: TypeAlias = Callable[[str], Awaitable[Mapping[str, str]]]
"""What was stored of the headers of an event, by its id."""


@dataclass(slots=True, kw_only=True)
class Told:
    """One span, without OpenTelemetry."""

    name: str
    trace: int
    id: int
    parent: int | None
    client: bool = False
    """Whether it is a call of somebody else."""
    began: datetime
    ended: datetime | None
    error: str | None = None
    """What went wrong, in one word; None when all went well."""
    facts: JsonObject = field(default_factory=dict)
    link: Elsewhere | None = None
    """The span of whoever caused it."""


def of_run(run: RunRecord) -> Told:
    """The span of a run that has ended."""
    facts = {
        "flowengine.run": run.id,
        "flowengine.flow": run.flow,
        "flowengine.flow_version": run.flow_version,
        "flowengine.trigger": run.trigger_kind,
        "flowengine.status": str(run.status),
    }
    return Told(
        name=run.flow,
        trace=trace_id(run.id),
        id=span_id(run.id),
        parent=None,
        began=run.started_at or run.created_at,
        ended=run.finished_at,
        error=_word(run.status, run.error),
        facts=facts,
    )


def of_action(run: RunRecord, action: ActionRecord) -> list[Told]:
    """The spans of an action that has ended: its own, and one for each request."""
    path = format_path(action.path)
    facts = {
        "flowengine.run": run.id,
        "flowengine.flow": run.flow,
        "flowengine.path": path,
        "flowengine.kind": action.kind,
        "flowengine.status": str(action.status),
        "flowengine.attempts": len(action.attempts),
    }
    own = Told(
        name=action.name or path,
        trace=trace_id(run.id),
        id=span_id(run.id, path),
        parent=span_id(run.id, format_path(around(action.path))),
        began=action.started_at,
        ended=action.finished_at,
        error=_word(action.status, action.error),
        facts=facts,
    )
    return [own, *(_of_attempt(own, run, path, one) for one in action.attempts if one.request)]


def around(path: Path) -> Path:
    """The action that this one stands in; empty for the run itself. Numbers are its iterations."""
    outer = path[:-1]
    while outer and (isinstance(outer[-1], int) or outer == ("on_failure",)):
        outer = outer[:-1]
    return outer


def _of_attempt(own: Told, run: RunRecord, path: str, attempt: Attempt) -> Told:
    assert attempt.request is not None
    place = urlsplit(attempt.request.url)
    facts: JsonObject = {
        "http.request.method": attempt.request.method,
        "url.scheme": place.scheme,
        "server.address": place.hostname or "",
        "server.port": place.port or {"https": 443}.get(place.scheme, 80),
    }
    if attempt.status_code is not None:
        facts["http.response.status_code"] = attempt.status_code
    if attempt.number > 1:
        facts["http.request.resend_count"] = attempt.number - 1
    code = str(attempt.error.get("code")) if attempt.error else None
    return Told(
        name=attempt.request.method,
        trace=own.trace,
        id=span_id(run.id, path, attempt.number),
        parent=own.id,
        client=True,
        began=attempt.started_at,
        ended=attempt.started_at + timedelta(milliseconds=attempt.duration_ms),
        error=code and (str(attempt.status_code) if attempt.status_code else code),
        facts=facts,
    )


def _word(status: Status, error: Mapping[str, Any] | None) -> str | None:
    return str((error or {}).get("code") or status) if status in _BAD else None


class Spans:
    """A watcher of the engine: tells what has ended. Without `headers_of` runs are linked to nobody."""

    def __init__(self, tell: Callable[[Told], None], headers_of: HeadersOf | None = None) -> None:
        self._tell = tell
        self._headers_of = headers_of
        self._linking: set[asyncio.Task[None]] = set()

    def __call__(self, run: RunRecord, action: ActionRecord | None) -> None:
        if action is None:
            if run.status.finished:
                self._run_ended(run)
        elif action.status.finished and action.finished_at is not None:
            for one in of_action(run, action):
                self._tell(one)

    def _run_ended(self, run: RunRecord) -> None:
        if self._headers_of is None or run.event_id is None or run.trigger_kind not in _BY_REQUEST:
            self._tell(of_run(run))
            return
        linking = asyncio.ensure_future(self._tell_linked(of_run(run), self._headers_of(run.event_id)))
        self._linking.add(linking)
        linking.add_done_callback(self._linking.discard)

    async def _tell_linked(self, told: Told, headers: Awaitable[Mapping[str, str]]) -> None:
        found: Mapping[str, str] = {}
        with contextlib.suppress(FlowEngineError):  # a database that is away costs the link, never the span
            found = await headers
        self._tell(replace(told, link=parse_traceparent(found.get(NAME, ""))))

    async def settled(self) -> None:
        """Returns when all that has ended is told."""
        while self._linking:
            await asyncio.wait(self._linking)


def spans(headers_of: HeadersOf | None = None) -> tuple[Spans, Callable[[], None]]:
    """The watcher, and what to call at the end, beside the event loop. Raises `ConfigurationError` when the extra is not installed."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise ConfigurationError(
            "the setting telemetry needs more packages: pip install 'flowengine[opentelemetry]'"
        ) from None
    about = {"service.version": __version__}
    if not os.environ.get("OTEL_SERVICE_NAME"):
        about["service.name"] = SERVICE
    numbers = _given_numbers()
    provider = TracerProvider(resource=Resource.create(about), id_generator=numbers, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    watcher, loop = Spans(_telling(provider, numbers), headers_of), asyncio.get_running_loop()

    def end() -> None:
        asyncio.run_coroutine_threadsafe(watcher.settled(), loop).result()
        provider.shutdown()

    return watcher, end


async def ended_within(end: Callable[[], None], seconds: float) -> None:
    """Send what is left, beside the event loop: a collector that does not answer must not hold up the engine's end."""
    done, loop = asyncio.Event(), asyncio.get_running_loop()

    def work() -> None:
        end()
        # Nobody may wait any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=work, name="flowengine-spans", daemon=True).start()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(done.wait(), seconds)


def _given_numbers() -> Any:
    """OpenTelemetry makes numbers by chance; ours are known before."""
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class GivenNumbers(IdGenerator):
        trace = span = 1

        def generate_trace_id(self) -> int:
            return self.trace

        def generate_span_id(self) -> int:
            return self.span

    return GivenNumbers()


def _telling(provider: TracerProvider, numbers: Any) -> Callable[[Told], None]:
    from opentelemetry.context import Context
    from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags
    from opentelemetry.trace import set_span_in_context as inside

    tracer = provider.get_tracer(SERVICE, __version__)

    def below(told: Told) -> Context:
        if told.parent is None:
            return Context()
        # Whether a trace is taken is decided by its number alone, so for all of it alike.
        decision: Any = provider.sampler.should_sample(Context(), told.trace, told.name).decision
        flags = TraceFlags(TraceFlags.SAMPLED if decision.is_sampled() else TraceFlags.DEFAULT)
        parent = SpanContext(told.trace, told.parent, is_remote=False, trace_flags=flags)
        return inside(NonRecordingSpan(parent), Context())

    def link(to: Elsewhere) -> Link:
        flags = TraceFlags(TraceFlags.SAMPLED if to.sampled else TraceFlags.DEFAULT)
        return Link(SpanContext(to.trace, to.span, is_remote=True, trace_flags=flags))

    def tell(told: Told) -> None:
        numbers.trace, numbers.span = told.trace, told.id
        span = tracer.start_span(
            told.name,
            context=below(told),
            kind=SpanKind.CLIENT if told.client else SpanKind.INTERNAL,
            attributes=told.facts,
            links=[link(told.link)] if told.link else None,
            start_time=_nanoseconds(told.began),
        )
        if told.error:
            span.set_attribute("error.type", told.error)
            span.set_status(Status(StatusCode.ERROR))
        span.end(_nanoseconds(told.ended) if told.ended else None)

    return tell


def _nanoseconds(at: datetime) -> int:
    return moment(at) * 1000
