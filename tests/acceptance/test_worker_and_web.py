"""A worker and web processes over one PostgreSQL database: events are taken in here and run there, whoever is killed."""

import json
import signal
import subprocess
import time
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from tests.fakes.processes import begun, ended

pytestmark = pytest.mark.postgresql

FLOWS = {
    "hooked": "flow: Hooked\ntrigger: { webhook: { verify: none } }\nactions:\n  - log: 'got {{ trigger.n }}'\n",
    "answers": "flow: Answers\ntrigger: { webhook: { verify: none } }\nactions:\n"
    "  - respond: { status: 201, headers: { X-Told: 'yes' }, body: { twice: '{{ trigger.n * 2 }}' } }\n  - wait: 1 hour\n",
    "asks": "flow: Asks\ntrigger: { manual: true }\nactions:\n"
    "  - ask: { to: team, question: Refund?, choices: [Yes please, No thanks] }\n    name: Ask\n    save_as: said\n"
    "output: '{{ said.choice }}'\n",
    "waits": "flow: Waits\ntrigger: { manual: true }\nactions:\n  - wait: 1 hour\n",
    "links": "flow: Links\ntrigger: { webhook: { verify: { header: { name: X-Token, secret: shop } } } }\nactions:\n"
    "  - log: 'see {{ run.link }}'\n",
    "ticks": "flow: Ticks\ntrigger: { schedule: every 1 minute }\nactions:\n  - log: tick\n",
    "single": "flow: Single\nmode: single\ntrigger: { webhook: { verify: none } }\nactions:\n  - wait: 1 hour\n",
}
WITHIN = 5.0
"""Seconds in which the worker takes up what a web process was told: it looks four times a second, on a machine that may be busy."""


class Process:
    """`flowengine serve` of one kind."""

    def __init__(self, folder, url, *flags):
        environ = {"FLOWENGINE_DATABASE_URL": url}
        serve = ("-C", folder, "serve", "--port", "0", *flags)
        self.process = begun(*serve, env=environ, stderr=subprocess.DEVNULL)
        self.told = self.process.stdout.readline()
        self.url = next((word.rstrip(":") for word in self.told.split() if word.startswith("http")), "")
        if not self.url:
            self.kill()
            raise AssertionError(f"serve {' '.join(flags)} did not begin in {folder}")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=30)
            self.process.stdout.close()

    def api(self, method, path, body=None, **more):
        return httpx.request(method, f"{self.url}/api/v1{path}", json=body, timeout=20, **more)

    def run(self, run_id):
        return self.api("GET", f"/runs/{run_id}").json()["run"]

    def hook(self, flow):
        triggers = self.api("GET", f"/flows/{flow}").json()["flow"]["triggers"]
        return self.url + urlsplit(next(each["address"] for each in triggers if each["address"])).path

    def readiness(self):
        return httpx.get(f"{self.url}/readyz", timeout=10).json()


@pytest.fixture(scope="module")
def database(postgresql_server):
    return postgresql_server.database("two_processes")


@pytest.fixture(scope="module")
def begin(tmp_path_factory, database):
    folder = tmp_path_factory.mktemp("divided")
    (folder / "flows").mkdir()
    for name, text in FLOWS.items():
        (folder / "flows" / f"{name}.yaml").write_text(text)
    with ExitStack() as stack:

        def start(*flags):
            process = Process(folder, database, *flags)
            stack.callback(process.end)
            return process

        yield start


@pytest.fixture(scope="module")
def web(begin):
    """The first of all: it makes the tables, since no engine is there to."""
    return begin("--web-only")


class Workplace:
    """At most one worker at a time, begun when it is needed."""

    def __init__(self, begin):
        self.begin = begin
        self.held = None

    def taken(self):
        if self.held is None or self.held.process.poll() is not None:
            self.held = self.begin("--worker-only")
        return self.held

    def left(self):
        if self.held is not None:
            self.held.end()


@pytest.fixture(scope="module")
def workplace(begin, web):
    return Workplace(begin)


@pytest.fixture
def worker(workplace):
    return workplace.taken()


@contextmanager
def in_time(seconds=WITHIN):
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def becomes(process, run_id, status, seconds=WITHIN):
    until = time.monotonic() + seconds
    while (run := process.run(run_id))["status"] != status and time.monotonic() < until:
        time.sleep(0.05)
    assert run["status"] == status
    return run


def runs_of(process, flow):
    return process.api("GET", f"/runs?flow={flow}").json()["runs"]


def test_events_wait_for_a_worker_that_is_not_there_yet(web, workplace):
    workplace.left()
    assert web.readiness() == {"ready": True, "flows": len(FLOWS), "engine": False}
    assert httpx.post(web.hook("hooked"), json={"n": 0}).json()["disposition"] == "started"
    run = runs_of(web, "hooked")[0]
    time.sleep(0.5)
    assert web.run(run["id"])["status"] == "queued"
    told = web.api("GET", "/health").json()["checks"]
    assert next(each for each in told if each["part"] == "Engine")["remedy"] == "flowengine serve --worker-only"
    workplace.taken()
    done = becomes(web, run["id"], "succeeded")
    assert "got 0" in json.dumps(done["actions"])
    assert web.readiness()["engine"] is True


def test_each_says_what_it_is(worker, web):
    assert "triggers and runs" in worker.told
    assert "pages, API and webhooks" in web.told
    for path, status in {
        "/": 404,
        "/runs": 404,
        "/login": 404,
        "/healthz": 200,
        "/readyz": 200,
        "/metrics": 200,
    }.items():
        assert httpx.get(worker.url + path).status_code == status, path
    for path in ("/", "/runs", "/health", "/healthz", "/readyz", "/metrics"):
        assert httpx.get(web.url + path).status_code == 200, path


def test_an_event_at_the_web_process_is_run_by_the_worker_at_once(worker, web):
    with in_time():
        httpx.post(web.hook("hooked"), json={"n": 7})
        run = runs_of(web, "hooked")[0]
        becomes(web, run["id"], "succeeded")


def test_a_hook_that_responds_is_answered_through_both(worker, web):
    with in_time():
        answer = httpx.post(web.hook("answers"), json={"n": 21}, timeout=20)
    assert (answer.status_code, answer.json(), answer.headers["x-told"]) == (201, {"twice": 42}, "yes")


def test_an_answer_and_a_cancellation_reach_the_run(worker, web):
    asked = web.api("POST", "/runs", {"flow": "asks"}).json()["run"]["id"]
    waits = web.api("POST", "/runs", {"flow": "waits"}).json()["run"]["id"]
    for run_id in (asked, waits):
        until = time.monotonic() + 5
        while not web.run(run_id)["actions"] and time.monotonic() < until:
            time.sleep(0.05)
    with in_time():
        assert web.api("POST", f"/runs/{asked}/answer", {"choice": "Yes please"}).status_code == 200
        assert becomes(web, asked, "succeeded")["output"] == "Yes please"
    assert web.api("POST", f"/runs/{asked}/answer", {"choice": "No thanks"}).status_code == 409
    with in_time():
        assert web.api("POST", f"/runs/{waits}/cancel", {"reason": "not now"}).status_code == 200
        assert becomes(web, waits, "cancelled")["error"]["message"] == "not now"


def test_a_long_wait_for_a_run_ends_with_it(worker, web):
    document = web.api("POST", "/runs", {"flow": "asks", "wait": 1}).json()["run"]
    assert document["status"] in ("running", "waiting")
    web.api("POST", f"/runs/{document['id']}/answer", {"choice": "No thanks"})
    with in_time():
        assert web.api("GET", f"/runs/{document['id']}?wait=10").json()["run"]["status"] == "succeeded"


def test_a_run_that_had_long_been_put_aside_goes_on_with_its_answer(worker, web):
    run_id = web.api("POST", "/runs", {"flow": "asks"}).json()["run"]["id"]
    becomes(web, run_id, "waiting", 10)  # it has left the worker's memory
    with in_time():
        web.api("POST", f"/runs/{run_id}/answer", {"choice": "No thanks"})
        becomes(web, run_id, "succeeded")


def test_the_flows_mode_is_the_workers_business(worker, web):
    address = web.hook("single")
    for _ in range(2):
        httpx.post(address, json={})
    second, first = runs_of(web, "single")
    ended = becomes(web, second["id"], "cancelled")
    assert "mode single takes no more" in ended["error"]["message"]
    dropped = web.api("GET", "/events?flow=single&disposition=dropped").json()["events"]
    assert [event["runs"] for event in dropped] == [[second["id"]]]
    assert web.run(first["id"])["status"] in ("running", "waiting")


def test_a_run_is_done_again_from_the_web_process(worker, web):
    httpx.post(web.hook("hooked"), json={"n": 1})
    old = runs_of(web, "hooked")[0]
    becomes(web, old["id"], "succeeded")
    new = web.api("POST", f"/runs/{old['id']}/resubmit", {}).json()["run"]
    assert becomes(web, new["id"], "succeeded")["resubmitted_from"] == old["id"]


def test_a_switch_at_the_web_process_reaches_the_worker(worker, web):
    assert web.api("POST", "/flows/ticks/disable", {}).status_code == 200
    until = time.monotonic() + 5
    while worker.api("GET", "/flows/ticks").json()["flow"]["enabled"] and time.monotonic() < until:
        time.sleep(0.1)
    assert worker.api("GET", "/flows/ticks").json()["flow"]["triggers"][0]["state"] == "off"
    web.api("POST", "/flows/ticks/enable", {})


def test_a_secret_that_was_set_at_the_web_process_is_known_to_the_worker(worker, web):
    assert web.api("PUT", "/secrets/shop", {"value": "open-sesame"}).status_code in (200, 201)
    deliver = {"json": {}, "headers": {"X-Token": "open-sesame"}}
    until = time.monotonic() + 5
    while (answer := httpx.post(worker.hook("links"), **deliver)).status_code == 403 and time.monotonic() < until:
        time.sleep(0.2)
    assert answer.status_code == 200
    run = becomes(web, runs_of(web, "links")[0]["id"], "succeeded")
    assert f"see {web.url}/runs/{run['id']}" in json.dumps(run["actions"])  # the pages are there


def test_two_web_processes_and_one_worker(worker, web, begin):
    another = begin("--web-only")
    assert another.hook("hooked").removeprefix(another.url) == web.hook("hooked").removeprefix(web.url)
    httpx.post(another.hook("hooked"), json={"n": 8})
    run = runs_of(web, "hooked")[0]
    becomes(web, run["id"], "succeeded")
    another.end()


def test_a_web_process_tells_open_pages_of_changes(worker, web):
    with httpx.stream("GET", f"{web.url}/api/v1/runs/events?flow=hooked", timeout=10) as stream:
        lines = stream.iter_lines()
        next(lines)
        time.sleep(1.5)  # it has looked once
        httpx.post(web.hook("hooked"), json={"n": 9})
        told = next(line for line in lines if line.startswith("data: "))
    assert json.loads(told.removeprefix("data: "))["run"]["flow"] == "hooked"


def test_a_worker_is_killed_and_nothing_is_lost(workplace, worker, web):
    asked = web.api("POST", "/runs", {"flow": "asks"}).json()["run"]["id"]
    waits = web.api("POST", "/runs", {"flow": "waits"}).json()["run"]["id"]
    becomes(web, waits, "waiting", 10)
    becomes(web, asked, "waiting", 10)
    worker.kill()
    address = web.hook("hooked")
    answers = [httpx.post(address, json={"n": number}) for number in range(100, 120)]
    assert {answer.status_code for answer in answers} == {200}
    web.api("POST", f"/runs/{asked}/answer", {"choice": "Yes please"})
    web.api("POST", f"/runs/{waits}/cancel", {})
    assert web.run(asked)["status"] == "waiting"

    workplace.taken()

    until = time.monotonic() + 10
    while time.monotonic() < until and len(taken := numbers(web)) < 20:
        time.sleep(0.1)
    assert sorted(taken) == list(range(100, 120))
    assert becomes(web, asked, "succeeded", 5)["output"] == "Yes please"
    becomes(web, waits, "cancelled", 5)


def numbers(web):
    runs = web.api("GET", "/runs?flow=hooked&status=succeeded&limit=50").json()["runs"]
    found = [web.run(run["id"])["event"]["body"]["n"] for run in runs]
    return [number for number in found if number >= 100]


def test_a_web_process_is_killed_and_the_worker_goes_on(worker, begin, web):
    doomed = begin("--web-only")
    run_id = doomed.api("POST", "/runs", {"flow": "asks"}).json()["run"]["id"]
    doomed.kill()
    becomes(worker, run_id, "waiting", 10)
    assert worker.api("POST", f"/runs/{run_id}/answer", {"choice": "No thanks"}).status_code == 200
    becomes(web, run_id, "succeeded")


def serve(folder, *flags, **environ):
    return ended("-C", folder, "serve", "--port", "0", *flags, **environ)


def test_a_second_worker_is_refused(worker, database, tmp_path):
    (tmp_path / "flows").mkdir()
    done = serve(tmp_path, "--worker-only", FLOWENGINE_DATABASE_URL=database)
    assert done.returncode == 3
    assert worker.url in done.stderr


def test_another_key_is_refused(web, database, tmp_path):
    (tmp_path / "flows").mkdir()
    done = serve(tmp_path, "--web-only", FLOWENGINE_DATABASE_URL=database)
    assert done.returncode == 2
    assert "FLOWENGINE_KEY_FILE" in done.stderr


def test_sqlite_has_one_process(tmp_path):
    (tmp_path / "flows").mkdir()
    done = serve(tmp_path, "--web-only")
    assert done.returncode == 2
    assert "SQLite has one writer" in done.stderr
    assert "Traceback" not in done.stderr


def test_both_at_once_is_neither(tmp_path):
    (tmp_path / "flows").mkdir()
    done = serve(tmp_path, "--web-only", "--worker-only")
    assert done.returncode == 2
    assert "both in one" in done.stderr
