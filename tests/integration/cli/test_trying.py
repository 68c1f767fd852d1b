"""Trying flows: `test`, `test --record`, `eval`, `run --dry-run` and `--mock`, `graph`, `flows versions` and `diff`, templates."""

import base64
import json
import xml.etree.ElementTree as ET
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import yaml

from flowengine.app.shipped import its_test, templates
from tests.fakes.beside import answered_by, send_json

ORDER = """\
flow: Order
trigger: { manual: true }
conditions:
  - { value: "{{ trigger.amount }}", more_than: 3 }
vars: { seen: 0 }
actions:
  - name: Look
    use: http.get
    with: { url: "SERVICE/stock" }
    save_as: stock
    retry: { times: 2, wait: 1 hour }
  - name: Each
    for_each: "{{ stock.places }}"
    as: place
    do:
      - { name: Count, set: { seen: "{{ vars.seen + 1 }}" } }
      - name: Tell
        use: http.post
        with: { url: "SERVICE/tell", body: { place: "{{ place }}", n: "{{ vars.seen }}", id: "{{ uuid() }}" } }
  - name: Sleep
    wait: 3 days
  - { name: Never, when: "{{ vars.seen > 9 }}", log: "many" }
output: { seen: "{{ vars.seen }}", at: "{{ today() }}" }
"""
TEST = """\
test: Both places are told
flow: order
now: 2026-03-01T10:00:00Z
event: { amount: 5 }
answers:
  Look: { sequence: [{ error: unreachable }, { status_code: 200, body: { places: [a, b] } }] }
  http.post: { status_code: 201 }
expect:
  status: succeeded
  calls:
    - http.get
    - http.get
    - { use: http.post, at: each/0/tell, with: { url: "SERVICE/tell", body: { place: a, n: 1, id: <any> } } }
    - { use: http.post, at: each/1/tell }
  actions: { never: skipped, each/1/count: succeeded }
  skipped: { never: vars.seen }
  outputs: { each/1/count: { seen: 2 } }
  output: { seen: 2, at: "2026-03-04" }
"""
SERVICE = "http://shop.example.com"


@pytest.fixture
def order(flow):
    return flow("order", ORDER.replace("SERVICE", SERVICE))


@pytest.fixture
def case(project):
    (project / "tests" / "flows").mkdir(parents=True)

    def write(text=TEST, name="order"):
        (project / "tests" / "flows" / f"{name}.yaml").write_text(text.replace("SERVICE", SERVICE), encoding="utf-8")

    return write


def test_a_test_holds_and_takes_no_time(flowengine, order, case):
    case()
    said = flowengine("test")
    assert (said.code, said.out) == (0, "ok    order: Both places are told\n\n1 of 1 tests hold\n")
    report = flowengine("test", "order", "--json").json
    assert report["summary"] == {"tests": 1, "passed": 1, "failed": 0}
    assert report["tests"][0]["differences"] == []


@pytest.mark.parametrize(
    ("old", "new", "where", "came"),
    [
        ("status: succeeded", "status: failed", "status", "succeeded"),
        ("place: a, n: 1", "place: z, n: 1", "calls[2].with.body.place", "a"),
        ("n: 1, id", "id", "calls[2].with.body.n", "1"),
        ("    - { use: http.post, at: each/1/tell }\n", "", "calls", "http.post at each/1/tell"),
        ("at: each/1/tell }", "at: each/1/tell }\n    - http.get", "calls[4]", "no such call"),
        ("never: skipped", "never: succeeded", "actions.never", "skipped"),
        ("never: skipped", "nevr: skipped", "actions.nevr", "there is no such action"),
        ("never: vars.seen", "never: sun", "skipped.never", "vars.seen > 9"),
        ("seen: 2 } }", "seen: 3 } }", "outputs.each/1/count.seen", "2"),
        ("output: { seen: 2", "output: { seen: 2.5", "output.seen", "2"),
        ("amount: 5", "amount: 1", "status", "filtered"),
        ("  Look: {", "  Looks: {", "status", "failed"),
    ],
)
def test_a_difference_is_told_where_it_is(flowengine, order, case, old, new, where, came):
    case(TEST.replace(old, new))
    said = flowengine("test")
    assert said.code == 1
    line = next(number for number, line in enumerate(said.out.splitlines()) if line.endswith(f": {where}"))
    assert came in "\n".join(said.out.splitlines()[line : line + 4])
    assert "0 of 1 tests hold" in said.out


def test_what_finds_no_answer_fails_the_test_even_when_the_flow_catches_it(flowengine, flow, case):
    flow(
        "order",
        "flow: O\ntrigger: {manual: true}\nactions: [{use: http.get, with: {url: 'http://x'}, on_error: continue}]\n",
    )
    case("flow: order\nexpect: { status: succeeded }\n")
    said = flowengine("test")
    assert said.code == 1
    assert "no answer is given for http.get at get; write one under `answers:`" in said.out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flow: order\nexpects: {}\n", 'unknown key "expects"'),
        ("flow: order\n", '"expect" is missing'),
        ("flow: order\nexpect: { stauts: x }\n", 'did you mean "status"'),
        ("flow: order\nexpect: {}\nanswers: { a: { error: tiemout } }\n", 'did you mean "timeout"'),
        ("flow: order\nexpect: {}\nanswers: { a: { status_code: 7 } }\n", "from 100 to 599"),
        ("flow: order\nexpect: {}\nnow: yesterday\n", "now must be a moment"),
        ("[]\n", "a test is an object"),
    ],
)
def test_a_mistake_in_a_test_is_told_with_its_place(flowengine, order, case, text, message):
    case(text)
    said = flowengine("test")
    assert said.code == 2
    assert message in said.err
    assert "tests/flows/order.yaml:" in said.err


def test_no_tests_are_no_failure_and_an_unknown_flow_is_one(flowengine, order, case):
    assert "flowengine test --record @last" in flowengine("test").err
    assert flowengine("test", "ordr").code == 2
    case("flow: nothing\nexpect: {}\n")
    assert "there is no flow" in flowengine("test").out


ASKS = """\
flow: Asks
trigger: { manual: true }
actions:
  - { name: A, ask: { to: x, question: q, choices: ["Go", "Stop"] }, save_as: a }
  - { name: Late, ask: { to: x, question: q }, timeout: 1 day, on_error: continue }
  - { name: B, wait_for: callback, save_as: b }
  - { name: C, call: other, with: { n: 1 }, save_as: c }
  - name: D
    parallel:
      - [{ name: Long, wait: 2 hours }, { name: First, set: { last: long } }]
      - [{ name: Short, wait: 1 hour }, { name: Second, set: { last: short } }]
  - { name: E, respond: { status: 201, body: { ok: true } } }
vars: { last: none }
output: "{{ a.choice }} {{ b.n }} {{ c }} {{ vars.last }} {{ actions['Late'].status }}"
"""
OTHER = """\
flow: Other
trigger: { manual: true }
inputs: { n: { type: number } }
actions: [{ name: Inner, use: http.get, with: { url: "http://x/{{ inputs.n }}" }, save_as: got }]
output: "{{ got }}"
"""
ASKS_TEST = """\
flow: asks
answers: { A: Go, B: { n: 7 }, C/inner: { status_code: 200, body: six } }
expect:
  status: succeeded
  output: Go 7 six long timed_out
  calls: [{ use: http.get, at: c/inner, with: { url: "http://x/1" } }]
  response: { status: 201, body: { ok: true } }
"""


def test_people_callbacks_other_flows_and_time_are_rehearsed(flowengine, flow, case):
    flow("asks", ASKS)
    flow("other", OTHER)
    case(ASKS_TEST.replace("C/inner", "c/inner"))
    assert flowengine("test").out.endswith("1 of 1 tests hold\n")


def test_a_test_is_made_from_a_run_and_holds(flowengine, flow, monkeypatch):
    monkeypatch.setenv("FLOWENGINE_ALLOW_PRIVATE_NETWORK", "true")
    text = ORDER.replace(
        'with: { url: "SERVICE/stock" }', 'with: { url: "http://127.0.0.1:9/" }\n    on_error: continue'
    )
    text = text.replace("retry: { times: 2, wait: 1 hour }", "retry: 0").replace(
        "stock.places", "(stock | default({'places': []})).places"
    )
    flow(
        "order",
        text.replace("SERVICE", SERVICE)
        .replace("wait: 3 days", "wait: 10 ms")
        .replace("trigger.amount", "trigger.amount | default(9)"),
    )
    assert flowengine("run", "order").code == 0
    said = flowengine("test", "--record", "@last")
    assert (said.code, said.out.startswith("made ")) == (0, True)
    made = yaml.safe_load(Path(said.out.removeprefix("made ").strip()).read_text(encoding="utf-8"))
    assert made["answers"]["look"]["error"] == "unreachable"
    assert made["expect"]["actions"]["look"] == "failed"
    assert flowengine("test", "order").code == 0
    assert flowengine("test", "--record", "@last").out != said.out


MOCKED = "Look: { places: [a] }\n"


def test_a_dry_run_shows_what_would_be_sent(flowengine, order, project):
    (project / "mock.yaml").write_text(MOCKED)
    (project / "event.json").write_text('{"amount": 9}')
    said = flowengine("run", "order", "--event", "event.json", "--mock", "mock.yaml", "--dry-run")
    assert said.code == 0
    assert f"would send  each/0/tell  http.post\n    POST {SERVICE}/tell" in said.out
    assert '"place":"a"' in said.out
    assert "Nothing was changed at any service" in said.err
    document = flowengine("run", "order", "--event", "event.json", "--mock", "mock.yaml", "--dry-run", "--json").json
    assert document["dry_run"] is True
    assert document["run"]["status"] == "succeeded"
    assert [each["action"] for each in document["requests"]] == ["each/0/tell"]
    assert json.loads(document["requests"][0]["request"]["body"])["n"] == 1
    assert flowengine("runs", "list", "--json").json["runs"] == []


@pytest.fixture
def stock():
    """A service on a real socket: GET gives the stock; every request is remembered."""
    asked = []

    class Stock(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(f"GET {self.path}")
            send_json(self, {"places": ["here"]})

        def do_POST(self):
            asked.append(f"POST {self.path}")

    with answered_by(Stock) as url:
        yield url, asked


def test_a_dry_run_reads_for_real_and_writes_nothing(flowengine, flow, stock, project, monkeypatch):
    monkeypatch.setenv("FLOWENGINE_ALLOW_PRIVATE_NETWORK", "true")
    address, asked = stock
    flow("order", ORDER.replace("SERVICE", address))
    (project / "event.json").write_text('{"amount": 9}')
    said = flowengine("run", "order", "--event", "event.json", "--dry-run")
    assert said.code == 0, said.out + said.err
    assert asked == ["GET /stock"]
    assert '"place":"here"' in said.out


def test_a_dry_run_says_why_the_event_would_start_nothing(flowengine, order, project):
    (project / "event.json").write_text('{"amount": 1}')
    said = flowengine("run", "order", "--event", "event.json", "--dry-run")
    assert said.code == 1
    assert "The event would start no run: it is filtered" in said.out


def test_credentials_are_never_shown(flowengine, flow, project, monkeypatch):
    flow(
        "t",
        "flow: T\ntrigger: {manual: true}\nactions: [{use: livechat.CreateTicket, with: {message: hi, requester: {mail: a@example.com}}}]\n",
    )
    (project / "connections.yaml").write_text(
        "livechat:\n  connector: livechat\n  parameters: {username: 'ann@example.com', apikey: '{{ env.FOR_TEST_KEY }}'}\n"
    )
    monkeypatch.setenv("FOR_TEST_KEY", "tops3cret")
    said = flowengine("run", "t", "--dry-run")
    assert said.code == 0
    assert "livechat.CreateTicket\n    POST " in said.out
    assert "tops3cret" not in said.out
    assert base64.b64encode(b"ann@example.com:tops3cret").decode() not in said.out


def test_a_mocked_run_lets_nothing_out(flowengine, order, project):
    (project / "mock.yaml").write_text(MOCKED)
    (project / "event.json").write_text('{"amount": 9}')
    said = flowengine("run", "order", "--event", "event.json", "--mock", "mock.yaml")
    assert said.code == 1
    assert "no answer is given for http.post at each/0/tell" in said.out
    assert flowengine("run", "order", "--mock", "none.yaml").code == 2


LOOP = """\
flow: Loop
trigger: { manual: true }
vars: { sum: 0 }
actions:
  - name: All
    for_each: "{{ [4, 5] }}"
    as: n
    do:
      - { name: Add, set: { sum: "{{ vars.sum + n }}" } }
      - { name: Say, log: "{{ n }}" }
    output: "{{ n * 2 }}"
    save_as: doubled
  - name: Careful
    try: [{ name: Bad, use: http.get, with: { url: "http://127.0.0.1:9/" }, retry: 0 }]
    catch: [{ name: Caught, log: "{{ error.name }}" }]
  - name: Fails
    use: http.get
    with: { url: "http://127.0.0.1:9/" }
    retry: 0
on_failure: [{ name: Told, log: "{{ error.code }}" }]
"""


@pytest.fixture
def ran(flowengine, flow, monkeypatch):
    monkeypatch.setenv("FLOWENGINE_ALLOW_PRIVATE_NETWORK", "true")
    flow("loop", LOOP)
    assert flowengine("run", "loop").code == 1


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["1 + 1"], "2"),
        (["{{ 'a' | upper }}-{{ 2 }}"], "A-2"),
        (["doubled", "--run", "@last"], "[\n  8,\n  10\n]"),
        (["vars.sum", "--run", "@last"], "9"),
        (["vars.sum ~ n ~ loop.index ~ loop.last", "--run", "@last", "--action", "all/1/say"], "952true"),
        (["vars.sum", "--run", "@last", "--action", "all/1/add"], "4"),
        (
            ["error.code ~ actions['Fails'].status", "--run", "@last-failed", "--action", "on_failure/told"],
            "unreachablefailed",
        ),
        (["error.name ~ error.action", "--run", "@last", "--action", "careful/caught"], "Badcareful/bad"),
        (["flow.name ~ run.id[:2] | length", "--run", "@last"], "Loop2"),
    ],
)
def test_an_expression_in_the_context_of_a_run(flowengine, ran, arguments, value):
    said = flowengine("eval", *arguments)
    assert (said.code, said.out) == (0, f"{value}\n")


def test_an_expression_on_an_event(flowengine, project):
    (project / "event.json").write_text('{"ticket": {"tags": ["a", 1]}}')
    assert flowengine("eval", "trigger.ticket.tags", "--event", "event.json", "--json").json["value"] == ["a", 1]
    said = flowengine("eval", "trigger.tiket", "--event", "event.json")
    assert said.code == 1
    assert 'did you mean "ticket"' in said.err
    assert "^^^^^" in said.err
    assert flowengine("eval", "1", "--run", "@last").code == 2


def test_a_flow_in_pictures(flowengine, ran):
    tree = flowengine("graph", "loop").out
    assert tree.startswith("Loop\n  starts: by hand\n  ├ All  (for each n of [4, 5])\n")
    with_run = flowengine("graph", "--run", "@last").out
    assert "Say  (log n)  2 succeeded" in with_run
    assert "Fails  (http.get)  failed" in with_run
    chart = flowengine("graph", "loop", "--format", "mermaid", "--run", "@last").out
    assert chart.startswith("flowchart TD\n")
    assert ":::failed" in chart
    assert "classDef failed" in chart
    picture = ET.fromstring(flowengine("graph", "loop", "-f", "svg").out)
    texts = ["".join(text.itertext()) for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"Loop", "All", "Say", "http.get", "on failure"} <= set(texts)
    assert flowengine("graph").code == 2
    assert flowengine("graph", "other", "--run", "@last").code == 2


def test_conditions_are_in_the_picture(flowengine, order):
    for form in ("tree", "mermaid", "svg"):
        assert "only if trigger.amount more than 3" in flowengine("graph", "order", "-f", form).out


def test_every_construct_has_a_picture(flowengine, project, flow, request):
    text = (request.config.rootpath / "tests" / "lint" / "ok" / "every-construct.yaml").read_text(encoding="utf-8")
    flow("every", text)
    for form in ("tree", "mermaid", "svg"):
        said = flowengine("graph", "every", "--format", form)
        assert said.code == 0
        assert "finally" in said.out
        assert "repeat until" in said.out


def test_versions_and_what_changed(flowengine, hello):
    assert "No version of hello was in force yet" in flowengine("flows", "versions", "hello").err
    assert flowengine("flows", "diff", "hello").code == 2
    flowengine("run", "hello")
    hello.write_text(hello.read_text().replace("Hello, {{", "Goodbye, {{"))
    said = flowengine("flows", "versions", "hello", "--json").json
    assert [each["current"] for each in said["versions"]] == [False]
    changed = flowengine("flows", "diff", "hello")
    assert '-    log: "Hello, {{ inputs.name }}!"' in changed.out
    assert '+    log: "Goodbye, {{ inputs.name }}!"' in changed.out
    flowengine("run", "hello")
    first = said["versions"][0]["version"]
    assert flowengine("flows", "diff", "hello", first[:5], "--json").json["new"] == said["current"]
    assert "are the same" in flowengine("flows", "diff", "hello", first, first).err
    assert flowengine("flows", "diff", "hello", "zzz").code == 2
    assert flowengine("flows", "versions", "nobody").code == 2


COMMON = [name for name, path in templates().items() if its_test(path)]


@pytest.mark.parametrize("template", COMMON)
def test_a_template_passes_its_check_and_its_test(flowengine, project, template):
    made = flowengine("new", template, "mine")
    assert made.code == 0
    said = flowengine("check", "--strict")
    assert said.code == 0, said.out + said.err
    assert flowengine("test").out.startswith("ok    mine: ")


def test_there_are_templates_for_common_jobs(flowengine):
    assert len(COMMON) >= 7
    listed = [each["name"] for each in flowengine("new", "--list", "--json").json["templates"]]
    assert listed[0] == "project"
    assert set(COMMON) < set(listed)
