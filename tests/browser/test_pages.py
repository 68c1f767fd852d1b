"""The pages in a real browser: what a newcomer does, what comes by itself, and what hostile text cannot do."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import pytest_asyncio

from tests.browser.conftest import AXE, a_page, chromium
from tests.fakes.page_flows import BROKEN, QUICK
from tests.fakes.projects import a_waiting_run, make_project, served

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

HOSTILE = "<script>window.hit=1</script><img src=x onerror=alert(1)>\u202egnp.exe\u202c\x07\x1b[31m=cmd|' /C calc'!A0 {{ 7*7 }}"

FAILING = """
    flow: "Call the <b>shop</b>"
    description: "<script>window.hit=1</script>"
    trigger: {manual: true}
    inputs: {customer: {type: text, default: someone}}
    actions:
      - name: Note it
        log: "for {{ inputs.customer }}"
      - name: Each item
        for_each: "{{ ['one', 'two', 'three'] }}"
        do:
          - name: Weigh it
            if: {value: "{{ item }}", is: three}
            then:
              - name: Call the shop
                use: http.get
                with: {url: "http://127.0.0.1:9/{{ inputs.customer }}"}
            else:
              - name: Leave it
                log: "{{ item }}"
      - name: Never reached
        log: done
    """
ASKING = """
    flow: Refund
    trigger: {manual: true}
    inputs: {amount: {type: number, default: 120}}
    actions:
      - name: Ask the lead
        ask: {to: lead@example.com, question: "Refund {{ inputs.amount }} euros?", choices: [Refund, Refuse]}
        save_as: answer
      - name: Say what was decided
        log: "{{ answer.choice }}: {{ answer.comment }}"
    output: "{{ answer.choice }}"
    """


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory):
    flows = {"call-the-shop": FAILING, "refund": ASKING, "quick": QUICK, "broken": BROKEN}
    settings = make_project(tmp_path_factory.mktemp("project"), flows)
    async with chromium() as browser, served(settings) as (server, http):
        app = server.app
        failed = await app.submit_run("call-the-shop", inputs={"customer": HOSTILE})
        await app.engine.wait(failed.id, 10)
        filtered = await app.submit("quick", event={"word": HOSTILE, HOSTILE: [HOSTILE]})
        made = {"failed": failed.id, "filtered": filtered.event.id}
        yield SimpleNamespace(app=app, url=server.url, browser=browser, http=http, **made)


@pytest_asyncio.fixture(loop_scope="module")
async def page(site):
    async with a_page(site.browser, site.url, viewport={"width": 1280, "height": 860}) as opened:
        yield opened
        assert opened.complaints == []


def addresses(site):
    return [
        "/", "/flows", "/flows/call-the-shop", "/flows/call-the-shop/yaml", "/flows/call-the-shop/yaml?help=http.get",
        "/flows/broken/yaml", "/flows/call-the-shop/versions", "/flows/call-the-shop/run", "/runs",
        "/runs?search=script&status=failed", "/runs/chosen?do=resubmit&all=1", f"/runs/{site.failed}", f"/runs/{site.failed}?view=list&tab=attempts",
        f"/runs/{site.failed}?view=timeline&tab=request", f"/runs/{site.failed}?view=log&tab=outputs", f"/runs/{site.failed}?view=log&tab=values&expression=inputs", f"/runs/{site.failed}?tab=file","/events",
        f"/events/{site.filtered}", "/approvals", "/new", "/tokens", "/audit", "/connections", "/secrets", "/connectors", "/connectors/http", "/health",
    ]  # fmt: skip


async def test_from_the_overview_to_the_failed_actions_input_in_two_clicks(page, site):
    await page.goto("/")
    assert "failing" in await page.locator("h1").inner_text()
    await page.locator("#attention").get_by_role("link", name="Call the <b>shop</b>").first.click()
    card = page.locator(".failure")
    assert "“Call the shop” failed" in await card.inner_text()
    assert "call-the-shop.yaml:" in await card.inner_text()
    given = await card.get_by_role("region", name="What it was given").inner_text()
    assert "http://127.0.0.1:9/<script>" in given


async def test_the_failed_iteration_is_shown_and_others_are_a_click_away(page, site):
    await page.goto(f"/runs/{site.failed}")
    assert "item 3 of 3" in await page.locator(".pager").inner_text()
    await page.get_by_label("item 1, succeeded").click()
    assert "item 1 of 3" in await page.locator(".pager").inner_text()
    await page.get_by_role("link", name="Next that failed").click()
    assert "item 3 of 3" in await page.locator(".pager").inner_text()
    assert await page.locator("svg.flow text.branch").all_text_contents() == [
        "3 items",
        "item 3",
        "yes · 1 item",
        "no · 2 items",
    ]


async def test_rows_come_by_themselves(page, site):
    await page.goto("/runs?flow=quick")
    await page.locator("body.is-live").wait_for()
    before = await page.locator("#rows tbody tr").count()
    run = await site.app.submit_run("quick", event={"word": "go"})
    await page.locator(f"#row-{run.id}").wait_for()
    assert await page.locator("#rows tbody tr").count() == before + 1


async def test_a_run_is_done_again_from_the_action_that_failed(page, site):
    await page.goto(f"/runs/{site.failed}")
    await page.get_by_role("button", name="Run again from “Call the shop”").click()
    await page.wait_for_url("**/runs/*told=resubmitted*")
    assert "This is the new run." in await page.get_by_role("status").inner_text()
    made = (await site.app.store.runs.list(limit=1))[0]
    assert made.resubmitted_from == site.failed
    await site.app.engine.wait(made.id, 10)
    await page.goto(f"/runs/{made.id}?view=list")
    assert await page.get_by_role("link", name="an earlier run").is_visible()


async def test_a_run_is_done_again_with_other_input(page, site):
    await page.goto(f"/runs/{site.failed}")
    await page.get_by_text("With other input").click()
    await page.get_by_label("What comes in, as JSON").fill('{"customer": "somebody else"}')
    await page.get_by_role("button", name="Run with this input").click()
    await page.wait_for_url("**told=resubmitted*")
    made = (await site.app.store.runs.list(limit=1))[0]
    assert made.inputs == {"customer": "somebody else"}


async def test_an_approval_is_given_on_the_overview_and_the_run_ends_before_ones_eyes(page, site):
    run = await a_waiting_run(site.app, "refund", amount=250)
    await page.goto("/")
    asked = page.locator("li", has_text="Refund 250 euros?")
    await asked.get_by_label("Comment on Ask the lead").fill("fair enough")
    await asked.get_by_role("button", name="Refund").click()
    await page.wait_for_url(f"**/runs/{run.id}*")
    await site.app.engine.wait(run.id, 5)
    await page.locator("#head .status", has_text="succeeded").wait_for()
    action = (await site.app.store.runs.actions(run.id))[0]
    assert (action.outputs["choice"], action.outputs["comment"]) == ("Refund", "fair enough")


async def test_a_flow_is_started_with_inputs_and_switched_off_and_on(page, site):
    await page.goto("/flows/refund/run")
    await page.get_by_label("amount").fill("lots")
    await page.get_by_role("button", name="Run", exact=True).click()
    assert "must be a number" in await page.get_by_role("alert").inner_text()
    page.complaints.clear()  # the browser notes that the answer was 422
    await page.get_by_label("amount").fill("80")
    await page.get_by_role("button", name="Run", exact=True).click()
    await page.wait_for_url("**/runs/*told=started*")
    await page.goto("/flows/refund")
    await page.get_by_role("button", name="Switch off").click()
    assert not site.app.enabled(site.app.library.get("refund"))
    await page.get_by_role("button", name="Switch on").click()
    assert site.app.enabled(site.app.library.get("refund"))


async def test_hostile_text_stays_text_on_every_page(page, site):
    for address in addresses(site):
        await page.goto(address)
        assert await page.evaluate("window.hit") is None, address
        assert await page.locator("img").count() == 0, address
        shown = await page.locator("body").inner_text()
        assert not any(sign in shown for sign in "\u202e\u202c\x07\x1b"), address
    await page.goto(f"/runs/{site.failed}")
    assert "⟨U+202E⟩" in await page.locator("body").inner_text()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
async def test_every_page_can_be_used_by_everybody(site, width, scheme):
    async with a_page(site.browser, site.url, viewport={"width": width, "height": 844}, color_scheme=scheme) as page:
        for address in addresses(site):
            await page.goto(address)
            await page.evaluate(AXE.read_text())
            found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
            grave = [
                (one["id"], one["nodes"][0]["html"][:200], one["nodes"][0]["failureSummary"])
                for one in found["violations"]
                if one["impact"] in ("serious", "critical")
            ]
            assert grave == [], address
            wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, address
        assert page.complaints == []


async def test_everything_but_live_rows_works_without_scripts(site):
    async with a_page(site.browser, site.url, java_script_enabled=False) as page:
        await page.goto("/runs")
        await page.get_by_role("checkbox", name="failed").check()
        await page.get_by_role("button", name="Show").click()
        assert "status=failed" in page.url
        await page.locator("#rows tbody tr a").first.click()
        await page.get_by_role("link", name="List").click()
        await page.locator(".tree a", has_text="Note it").first.click()
        assert "Note it" in await page.locator("#detail h2").inner_text()
        assert page.complaints == []


async def test_on_a_narrow_screen_the_filters_are_folded_above_the_runs(site):
    async with a_page(
        site.browser, site.url, viewport={"width": 390, "height": 844}, java_script_enabled=False
    ) as page:
        await page.goto("/runs")
        first = await page.locator("#rows tbody tr").first.bounding_box()
        assert first["y"] < 844
        assert not await page.locator(".filters").is_visible()
        await page.locator("summary", has_text="Filters").focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("checkbox", name="failed").check()
        await page.get_by_role("button", name="Show").click()
        assert "status=failed" in page.url
        assert await page.locator("summary", has_text="Filters: in use").is_visible()


async def test_the_keyboard_reaches_an_actions_box_in_the_picture(page, site):
    await page.goto(f"/runs/{site.failed}")
    box = page.locator(".flow a", has_text="Note it")
    await box.focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**action=note_it*")
    assert "Note it" in await page.locator("#detail h2").inner_text()
