"""Spans, sent by OTLP over HTTP to a collector: a real socket, and the protocol's own messages."""

from __future__ import annotations

import asyncio
import gzip
import time

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from flowengine.connectors.traces import trace_id
from tests.fakes.projects import make_project, served
from tests.fakes.raw_service import raw_service, reply

FLOW = """
    flow: Tell all
    trigger: {{manual: true}}
    actions:
      - name: Each
        for_each: [1, 2]
        do:
          - name: Ask
            use: http.post
            connection: desk
            retry: {{times: 1, wait: 10 milliseconds, on: [5xx]}}
            with: {{url: "/things/{{{{ item }}}}", body: {{said: canary}}}}
      - name: End
        stop: {{status: failed, message: canary}}
    on_failure:
      - name: Note
        log: canary
    """
SAY = "flow: Say\ntrigger: {manual: true}\nactions: [{log: hello}]\n"
HOOKED = "flow: Hooked\ntrigger: {webhook: {verify: none}}\nactions: [{log: hello}]\n"
CONNECTIONS = "desk: {{connector: http, base_url: '{url}', allow_private_network: true}}"


class Collector:
    """Takes traces as a collector does."""

    def __init__(self):
        self.spans, self.resources = [], []

    async def __call__(self, request, writer):
        assert request.target == "/v1/traces"
        assert request.header("content-type") == "application/x-protobuf"
        body = gzip.decompress(request.body) if request.header("content-encoding") == "gzip" else request.body
        for sent in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resources.append(facts(sent.resource))
            self.spans += [span for scope in sent.scope_spans for span in scope.spans]
        await reply(200, b"", content_type="application/x-protobuf")(request, writer)


def facts(thing):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in thing.attributes}


class Desk:
    """Fails once, and keeps what it was sent."""

    def __init__(self):
        self.seen = []

    async def __call__(self, request, writer):
        self.seen.append(request)
        await reply(500 if len(self.seen) == 1 else 200, b"{}", content_type="application/json")(request, writer)


@pytest.fixture
async def told(tmp_path, monkeypatch):
    """A run, what a collector was sent of it, and what the service was."""
    collector, desk = Collector(), Desk()
    async with raw_service(collector) as place, raw_service(desk) as service:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", place.url)
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
        connections = CONNECTIONS.format(url=service.url)
        settings = make_project(tmp_path, {"tell-all": FLOW.format()}, connections, telemetry=True)
        async with served(settings) as (server, _):
            run = await server.app.submit_run("tell-all")
            run = await server.app.engine.wait(run.id, 20)
        # Leaving sends what is left.
        yield run, collector, desk


async def test_a_run_is_one_trace_of_nested_spans(told):
    run, collector, _desk = told
    spans = {span.span_id: span for span in collector.spans}
    assert {int.from_bytes(span.trace_id) for span in collector.spans} == {trace_id(run.id)}

    def above(span):
        return spans[span.parent_span_id].name if span.parent_span_id else None

    assert sorted((span.name, above(span) or "") for span in collector.spans) == [
        ("Ask", "Each"),
        ("Ask", "Each"),
        ("Each", "tell-all"),
        ("End", "tell-all"),
        ("Note", "tell-all"),
        ("POST", "Ask"),
        ("POST", "Ask"),
        ("POST", "Ask"),
        ("tell-all", ""),
    ]
    for span in collector.spans:
        outer = spans.get(span.parent_span_id)
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        assert (
            outer is None
            or span.kind == Span.SPAN_KIND_CLIENT
            or outer.start_time_unix_nano <= span.start_time_unix_nano
        )


async def test_names_statuses_and_hosts_are_told_and_no_content(told):
    run, collector, _desk = told
    (whole,) = [span for span in collector.spans if span.name == "tell-all"]
    assert facts(whole).items() >= {"flowengine.run": run.id, "flowengine.status": "failed"}.items()
    assert whole.status.code == Status.STATUS_CODE_ERROR
    calls = sorted(
        (span for span in collector.spans if span.name == "POST"), key=lambda span: span.start_time_unix_nano
    )
    assert {span.kind for span in calls} == {Span.SPAN_KIND_CLIENT}
    assert [facts(span)["http.response.status_code"] for span in calls] == [500, 200, 200]
    assert facts(calls[0])["error.type"] == "500"
    assert facts(calls[1])["http.request.resend_count"] == 1
    assert {facts(span)["server.address"] for span in calls} == {"127.0.0.1"}
    assert "canary" not in str(collector.spans)
    resource = collector.resources[0]
    assert resource.items() >= {"service.name": "flowengine", "deployment.environment.name": "test"}.items()
    assert "service.version" in resource


async def test_services_are_told_which_span_they_are_called_by(told):
    run, collector, desk = told
    actions = {span.span_id.hex() for span in collector.spans if span.name == "Ask"}
    parents = [request.header("traceparent").split("-") for request in desk.seen]
    assert {trace for _, trace, _, _ in parents} == {f"{trace_id(run.id):032x}"}
    assert {span for _, _, span, _ in parents} == actions


async def test_a_run_is_linked_to_the_span_that_its_webhook_came_from(tmp_path, monkeypatch):
    collector, trace, span = Collector(), "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    async with raw_service(collector) as place:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", place.url)
        async with served(make_project(tmp_path, {"hooked": HOOKED}, telemetry=True)) as (server, http):
            app = server.app
            address = app.hooks.address("hooked", app.library.get("hooked").triggers[0].key)
            for header in (f"00-{trace}-{span}-01", "nonsense", ""):
                answer = await http.post(address, json={}, headers={"TraceParent": header} if header else {})
                runs = await app.store.events.run_ids([answer.json()["event"]])
                await app.engine.wait(runs[answer.json()["event"]][0], 10)
    whole = sorted(
        (span for span in collector.spans if span.name == "hooked"), key=lambda span: span.start_time_unix_nano
    )
    assert [[(one.trace_id.hex(), one.span_id.hex()) for one in span.links] for span in whole] == [
        [(trace, span)],
        [],
        [],
    ]
    assert all(not one.parent_span_id for one in whole)
    assert trace not in {one.trace_id.hex() for one in collector.spans}


async def test_without_the_setting_nothing_is_sent_on(tmp_path):
    desk = Desk()
    async with raw_service(desk) as service:
        settings = make_project(tmp_path, {"tell-all": FLOW.format()}, CONNECTIONS.format(url=service.url))
        async with served(settings) as (server, _):
            run = await server.app.submit_run("tell-all")
            await server.app.engine.wait(run.id, 20)
    assert desk.seen
    assert all(request.header("traceparent") is None for request in desk.seen)


async def test_a_collector_that_does_not_answer_holds_nobody_up(tmp_path, monkeypatch):
    async def silent(request, writer):
        await asyncio.sleep(30)

    monkeypatch.setattr("flowengine.server.run.SPANS_WITHIN", 0.5)
    async with raw_service(silent) as place:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", place.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
        async with served(make_project(tmp_path, {"say": SAY}, telemetry=True)) as (server, _):
            run = await server.app.submit_run("say")
            await server.app.engine.wait(run.id, 10)
            began = time.monotonic()
        assert time.monotonic() - began < 3


async def test_a_collector_that_is_not_there_stops_no_run(tmp_path, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    async with served(make_project(tmp_path, {"say": SAY}, telemetry=True)) as (server, _):
        run = await server.app.submit_run("say")
        assert (await server.app.engine.wait(run.id, 10)).status == "succeeded"
