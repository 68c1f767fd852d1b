"""The pages over a real socket: what they say, what they refuse, and that no script or style stands in them."""

import asyncio
import csv
import io
import re
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
import pytest_asyncio

from flowengine.server.pages import ROUTES
from flowengine.types import Disposition, Status
from tests.fakes.page_flows import BROKEN, QUICK
from tests.fakes.projects import a_waiting_run, make_project, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

HTML = {"accept": "text/html,*/*"}

FAILING = """
    flow: Failing
    description: It always fails.
    trigger: {manual: true}
    inputs: {customer: {type: text, default: someone}}
    actions:
      - name: Call the shop
        use: http.get
        with: {url: "http://127.0.0.1:9/{{ inputs.customer }}"}
    """
ASKING = """
    flow: Asking
    trigger: {manual: true}
    actions: [{name: Ask, ask: {to: a@example.com, question: "Go on?", choices: ["Yes", "No"]}, save_as: answer}]
    output: "{{ answer.choice }}"
    """
FLOWS = {"failing": FAILING, "asking": ASKING, "quick": QUICK, "broken": BROKEN}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory):
    async with served(make_project(tmp_path_factory.mktemp("project"), FLOWS)) as (server, http):
        app = server.app
        failed = await app.engine.wait((await app.submit_run("failing")).id, 10)
        event = (await app.submit("quick", event={"word": "stop"})).event
        http.headers.update({**HTML, "origin": server.url})
        yield SimpleNamespace(app=app, http=http, url=server.url, failed=failed, event=event)


async def text_of(site, address, status=200):
    answer = await site.http.get(address)
    assert answer.status_code == status, answer.text
    return answer.text


def addresses(site):
    known = {"flow": "failing", "run": site.failed.id, "event": site.event.id, "connector": "http", "operation": "get"}
    for method, path, _ in ROUTES:
        if method == "GET" and not path.startswith(("/live", "/static")):
            yield re.sub(r"\{(\w+)\}", lambda part: known[part[1]], path)


async def test_every_page_answers_with_the_same_strict_headers_and_holds_no_script_or_style(site):
    for address in addresses(site):
        if address.endswith("/value"):
            address += "?action=call_the_shop&part=inputs"  # noqa: PLW2901
        answer = await site.http.get(address)
        assert answer.status_code == 200, (address, answer.text)
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        assert "default-src 'none'; script-src 'self'" in answer.headers["content-security-policy"], address
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:", answer.text), address
        assert "https://" not in re.sub(r"<(pre|code|textarea|dd|td|p)\b.*?</\1>", "", answer.text, flags=re.DOTALL), (
            address
        )


async def test_the_overview_begins_with_what_fails(site):
    text = await text_of(site, "/")
    assert "1 flow is failing" in text
    assert f'href="/runs/{site.failed.id}"' in text
    assert "flows/broken.yaml" in text
    assert "every weekday at 09:00" in text


async def test_a_failed_run_says_what_where_and_what_to_do(site):
    text = await text_of(site, f"/runs/{site.failed.id}")
    assert "“Call the shop” failed" in text
    assert "flows/failing.yaml:7" in text
    assert "allow_private_network" in text
    assert "http://127.0.0.1:9/someone" in text
    assert f"flowengine runs show {site.failed.id} --action call_the_shop" in text


async def test_an_unfiltered_look_at_an_unknown_run_or_action_is_a_page_that_says_so(site):
    assert "there is no run" in await text_of(site, "/runs/01zzzzzzzzzzzzzzzzzzzzzzzz", 404)
    assert "has no action" in await text_of(site, f"/runs/{site.failed.id}?action=nope", 404)
    assert "did you mean" in await text_of(site, "/flows/faling", 404)
    answer = await site.http.get("/runs/nope", headers={"accept": "application/json"})
    assert answer.json()["error"]["code"] == "not_found"


async def test_an_event_that_started_nothing_shows_each_condition_with_both_values(site):
    assert site.event.disposition is Disposition.FILTERED
    text = await text_of(site, f"/events/{site.event.id}")
    assert "conditions did not hold" in text
    assert "<code>stop</code>" in text
    assert "<code>go</code>" in text


async def test_runs_are_filtered_and_searched_with_a_total(site):
    assert f"row-{site.failed.id}" in await text_of(site, "/runs?status=failed&flow=failing&since=24h")
    assert f"row-{site.failed.id}" not in await text_of(site, "/runs?status=cancelled")
    assert "<b>1</b> run" in await text_of(site, "/runs?search=someone")
    assert "No run fits" in await text_of(site, "/runs?search=nobody-of-that-name")


async def test_a_file_with_mistakes_shows_them_at_their_lines(site):
    text = await text_of(site, "/flows/broken/yaml")
    assert "unknown-key" in text
    assert "did you mean" in text
    assert "gives and gives" not in text
    helped = await text_of(site, "/flows/failing/yaml?help=http.get")
    assert "http.get" in helped
    assert "Parameters of get" in helped


async def test_a_flow_is_run_by_its_form_and_told_what_does_not_fit(site):
    answer = await site.http.post("/flows/failing/run", data={"input.customer": "Ida", "event": ""})
    assert answer.status_code == 303
    run = (await site.app.store.runs.list(flow="failing", limit=1))[0]
    assert (answer.headers["location"], run.inputs) == (f"/runs/{run.id}?told=started", {"customer": "Ida"})
    refused = await site.http.post("/flows/failing/run", data={"input.custmer": "Ida", "event": "{"})
    assert (refused.status_code, "the event is not JSON" in refused.text) == (422, True)
    unknown = await site.http.post("/flows/failing/run", data={"input.custmer": "Ida"})
    assert "did you mean" in unknown.text
    nothing = await site.http.post("/flows/quick/run", data={"event": '{"word": "stop"}'})
    assert nothing.headers["location"].startswith("/events/")


async def test_a_flow_is_switched(site):
    assert (await site.http.post("/flows/quick/disable", data={"back": "list"})).headers[
        "location"
    ] == "/flows?told=disabled"
    assert "quick is off" in (await text_of(site, "/flows")).lower()
    assert (await site.http.post("/flows/quick/enable", data={"a": ""})).headers[
        "location"
    ] == "/flows/quick?told=enabled"


async def test_an_approval_is_answered_once_with_one_of_its_choices(site):
    run = await a_waiting_run(site.app, "asking")
    assert "Go on?" in await text_of(site, "/approvals")
    form = {"run": run.id, "action": "ask", "choice": "Perhaps"}
    assert (await site.http.post("/approvals/answer", data=form)).status_code == 400
    assert (await site.http.post("/approvals/answer", data={**form, "choice": "Yes"})).status_code == 303
    assert (await site.app.engine.wait(run.id, 20)).output == "Yes"
    assert (await site.http.post("/approvals/answer", data={**form, "choice": "Yes"})).status_code == 409


async def test_chosen_runs_are_looked_at_and_then_cancelled_and_done_again(site):
    runs = [await a_waiting_run(site.app, "asking") for _ in range(2)]
    ids = [run.id for run in runs]
    look = await site.http.get("/runs/chosen", params={"do": "cancel", "run": [*ids, site.failed.id]})
    assert "Cancel 2 runs?" in look.text
    assert "1 of the chosen ones cannot be cancelled" in look.text
    assert not any([(await site.app.store.runs.get(one)).status.finished for one in ids])
    assert (await site.http.post("/runs/cancel", data={"run": ids})).headers["location"] == "/runs?told=cancelled_many"
    ended = [await site.app.engine.wait(one, 5) for one in ids]
    assert {run.status for run in ended} == {Status.CANCELLED}
    again = await site.http.post("/runs/resubmit", data={"run": [ids[0], "nope"]})
    assert "1 run done again, 1 not" in again.text
    made = (await site.app.store.runs.list(flow="asking", limit=1))[0]
    assert made.resubmitted_from == ids[0]
    cancelled = await site.http.post(f"/runs/{made.id}/cancel", data={"reason": "enough"})
    assert cancelled.status_code == 303
    assert (await site.http.get("/runs/chosen?do=explode")).status_code == 400
    assert (await site.http.post("/runs/cancel", data={"do": "cancel"})).status_code == 400
    assert "No run was chosen" in await text_of(site, "/runs/chosen?do=resubmit")


async def test_all_that_a_filter_finds_is_looked_at_and_then_cancelled_and_done_again(site):
    await a_waiting_run(site.app, "asking")
    await a_waiting_run(site.app, "asking")
    waiting = [run for run in await site.app.store.runs.list(flow="asking", limit=100) if not run.status.finished]
    fitting = {"all": "1", "flow": "asking"}
    look = await site.http.get("/runs/chosen", params={"do": "cancel", **fitting})
    assert f"Cancel {len(waiting)} runs?" in look.text
    assert "flowengine runs cancel --status queued" in look.text
    none = await site.http.get("/runs/chosen", params={"do": "cancel", **fitting, "until": "2020-01-01"})
    assert "nothing to do" in none.text
    assert (await site.http.post("/runs/cancel", data=fitting)).status_code == 303
    assert {(await site.app.engine.wait(run.id, 5)).status for run in waiting} == {Status.CANCELLED}
    before = await site.app.store.runs.list(flow="failing")
    wanted = {"all": "1", "flow": "failing", "since": "1h", "status": "failed"}
    assert (await site.http.post("/runs/resubmit", data=wanted)).status_code == 303
    assert len(await site.app.store.runs.list(flow="failing")) > len(before)


async def test_the_list_of_runs_is_narrowed_to_days_found_by_id_and_taken_away_as_a_spreadsheet(site):
    today = site.failed.created_at.astimezone().date()
    shown = await text_of(site, f"/runs?flow=failing&from={today}&until={today}")
    assert site.failed.id in shown
    assert f"--since {today} --before " in shown
    assert "No run fits" in await text_of(site, "/runs?until=2020-01-01")
    assert "No run fits" not in await text_of(site, "/runs?until=2020-13-99")
    assert f'<a href="/runs/{site.failed.id}">Run ' in await text_of(site, f"/runs?search={site.failed.id[:12]}")
    answer = await site.http.get("/runs.csv?flow=failing")
    assert answer.headers["content-disposition"] == 'attachment; filename="runs.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert site.failed.id in {row["id"] for row in rows}
    assert {row["flow"] for row in rows} == {"failing"}


async def test_a_run_is_done_again_in_its_forms(site):
    address = f"/runs/{site.failed.id}/resubmit"
    for form in (
        {"how": "whole"},
        {"how": "whole", "version": "original"},
        {"how": "from", "action": "call_the_shop"},
        {"how": "edited", "input": '{"customer": "Tom"}'},
    ):
        answer = await site.http.post(address, data=form)
        assert answer.status_code == 303, answer.text
        made = (await site.app.store.runs.list(flow="failing", limit=1))[0]
        assert made.resubmitted_from == site.failed.id
    assert made.inputs == {"customer": "Tom"}
    assert "is not JSON" in (await site.http.post(address, data={"how": "edited", "input": "{"})).text
    assert (await site.http.post(address, data={"how": "somehow"})).status_code == 400
    assert "did you mean" in (await site.http.post(address, data={"how": "from", "action": "call_the_shp"})).text


async def test_forms_of_other_sites_change_nothing(site):
    for origin in ("http://evil.example", "null"):
        answer = await site.http.post("/flows/quick/disable", data={"a": ""}, headers={"origin": origin})
        assert answer.status_code == 403
    assert site.app.enabled(site.app.library.get("quick"))
    assert (await site.http.get("/", headers={"host": "evil.example"})).status_code in (400, 403, 421)


async def test_messages_in_an_address_are_only_ever_ours(site):
    assert "The flow is on." in await text_of(site, "/flows/quick?told=enabled")
    assert "send+money" not in await text_of(site, "/flows/quick?told=send+money")


async def test_static_files_are_an_exact_list(site):
    style = re.search(r'href="(/static/style\.css\?\w+)"', await text_of(site, "/"))[1]
    answer = await site.http.get(style)
    assert "immutable" in answer.headers["cache-control"]
    for path in ("/static/../auth.py", "/static/%2e%2e/auth.py", "/static/vendor/README.md", "/static/"):
        assert (await site.http.get(path)).status_code == 404


async def test_values_are_had_whole_as_text(site):
    answer = await site.http.get(f"/runs/{site.failed.id}/value?action=call_the_shop&part=inputs")
    assert answer.headers["content-type"].startswith("text/plain")
    assert '"url": "http://127.0.0.1:9/someone"' in answer.text
    assert (await site.http.get(f"/runs/{site.failed.id}/value?part=nonsense")).status_code == 404


async def test_an_open_page_is_told_of_changes(site):
    told = asyncio.Event()

    async def listen():
        async with site.http.stream("GET", "/live/runs?flow=quick") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            count = 0
            async for line in answer.aiter_lines():
                count += line == "event: changed"
                if count == 1:
                    told.set()
                if count == 2:
                    return

    listening = asyncio.create_task(listen())
    await asyncio.wait_for(told.wait(), 20)
    await site.app.submit_run("quick", event={"word": "go"})
    await asyncio.wait_for(listening, 20)


@asynccontextmanager
async def guarded(folder):
    async with served(make_project(folder, FLOWS, token="a-long-random-token")) as (server, http):
        http.headers.update(HTML)
        yield server, http


async def test_where_a_token_is_set_no_page_is_open(tmp_path):
    async with guarded(tmp_path) as (_, http):
        for address in ("/", "/runs", "/flows/quick", "/secrets", "/live/runs", "/health"):
            answer = await http.get(address)
            assert answer.status_code in (303, 401), address
        assert (await http.get("/static/style.css")).status_code == 200
        held = await http.get("/runs", headers={"authorization": "Bearer a-long-random-token"})
        assert held.status_code == 200


async def test_a_viewer_looks_at_everything_and_is_shown_no_button_that_changes_something(tmp_path):
    async with guarded(tmp_path) as (server, http):
        app = server.app
        admin = {"authorization": "Bearer a-long-random-token"}
        made = await http.post("/api/v1/tokens", json={"name": "guest", "role": "viewer"}, headers=admin)
        assert made.status_code == 201, made.text
        viewer = {"authorization": f"Bearer {made.json()['token']['text']}"}
        failed = await app.engine.wait((await app.submit_run("failing")).id, 10)
        await a_waiting_run(app, "asking")
        for address in (
            "/",
            "/flows",
            "/flows/failing",
            "/flows/failing/run",
            "/runs",
            f"/runs/{failed.id}",
            "/approvals",
        ):
            seen = await http.get(address, headers=viewer)
            assert seen.status_code == 200, address
            assert 'method="post"' not in seen.text, address
            assert (await http.get(address, headers=admin)).status_code == 200
        assert (
            await http.post(f"/runs/{failed.id}/resubmit", data={"how": "whole"}, headers=viewer)
        ).status_code == 403


async def test_the_request_that_was_sent_is_told_with_its_headers(site):
    found = await text_of(site, f"/runs/{site.failed.id}?tab=request")
    assert "GET http://127.0.0.1:9/someone" in found
    assert "Without a body." in found
    assert "credentials are struck out" in found


async def test_an_action_is_shown_as_the_file_has_it(site):
    found = await text_of(site, f"/runs/{site.failed.id}?tab=file")
    assert 'aria-label="What the file says of this action"' in found
    assert "use: http.get" in found


async def test_what_templates_saw_is_looked_up_and_tried(site):
    at = f"/runs/{site.failed.id}?tab=values"
    assert "<code>inputs</code>" in await text_of(site, at)
    assert "SOMEONE" in await text_of(site, f"{at}&expression=inputs.customer%20%7C%20upper")
    wrong = await text_of(site, f"{at}&expression=inputs.%7B%7B")
    assert 'role="alert"' in wrong
    hostile = await text_of(site, f"{at}&expression=%22%3Cscript%3E%22")
    assert "<script>" not in hostile.split("<main")[1]


async def test_a_run_is_downloaded_whole(site):
    answer = await site.http.get(f"/runs/{site.failed.id}/download")
    assert answer.headers["content-disposition"] == f'attachment; filename="run-{site.failed.id}.json"'
    run = answer.json()["run"]
    assert (run["id"], run["actions"][0]["inputs"]["url"]) == (site.failed.id, "http://127.0.0.1:9/someone")


async def test_each_template_of_an_input_is_told_with_what_it_gave(site):
    found = await text_of(site, f"/runs/{site.failed.id}?tab=inputs")
    assert "<pre>http://127.0.0.1:9/{{ inputs.customer }}</pre>" in found
    assert re.search(r'gave</span> <code class="break">http://127.0.0.1:9/someone<', found)


async def test_a_failure_is_one_text_for_a_colleague(site):
    found = await text_of(site, f"/runs/{site.failed.id}")
    report = found.split('aria-label="The failure as text"')[1].split("</pre>")[0]
    for part in (
        site.failed.id,
        "call_the_shop",
        "flows/failing.yaml:7",
        "request   GET http://127.0.0.1:9/someone",
        "flowengine ",
    ):
        assert part in report


async def test_a_flow_tells_what_it_depends_on(site):
    found = await text_of(site, "/flows/failing")
    assert "What it depends on" in found
    assert '<a href="/connectors/http">http</a>' in found
    assert "What it depends on" not in await text_of(site, "/flows/quick")


async def test_both_values_of_a_condition_are_told_in_the_list(site):
    assert "<b>“stop”</b> is <b>“go”</b>: no" in await text_of(site, "/events")


async def test_a_version_leads_to_its_runs_and_only_these_are_done_again(site):
    version = site.failed.flow_version
    led = f"/runs?flow=failing&flow_version={version}"
    assert f'href="{led.replace("&", "&amp;")}"' in await text_of(site, "/flows/failing/versions")
    assert f'href="{led.replace("&", "&amp;")}"' in await text_of(site, f"/runs/{site.failed.id}")
    shown = await text_of(site, led)
    assert site.failed.id in shown
    assert f"runs list --flow failing --flow-version {version}" in shown
    assert f'type="hidden" name="flow_version" value="{version}"' in shown
    assert site.failed.id in await text_of(site, led.replace("/runs?", "/runs.csv?"))
    other = led.replace(version, "fff0fff")
    assert site.failed.id not in await text_of(site, other)
    assert "nothing to do" in await text_of(site, other.replace("/runs?", "/runs/chosen?do=resubmit&all=1&"))
