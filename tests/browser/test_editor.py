"""The editor in a real browser: a mistake is seen where it is, words are offered, and saving goes over nobody's change."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_asyncio

from tests.fakes.projects import make_project, served

playwright = pytest.importorskip("playwright.async_api", reason="Playwright is not installed")

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

CHROMIUM = "/usr/bin/chromium"
GREET = """\
# The team's greeting.
flow: Greet
trigger: {manual: true}
actions:
  - name: Say it
    log: Hello
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory):
    if not Path(CHROMIUM).exists():
        pytest.skip("there is no chromium on this machine")
    settings = make_project(tmp_path_factory.mktemp("project"), {"greet": GREET})
    async with served(settings) as (server, _), playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page(base_url=server.url)
        page.set_default_timeout(5_000)
        page.complaints = []
        page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        yield page, settings.flows / "greet.yaml"
        await browser.close()


async def opened(page):
    await page.goto("/flows/greet/edit")
    await page.wait_for_selector("body[data-ready=editor]")
    return page.locator(".cm-content")


async def write(page, editor, text):
    await editor.click()
    await page.keyboard.press("Control+a")
    await page.keyboard.press("Delete")
    await page.keyboard.insert_text(text)


async def test_a_mistake_is_marked_where_it_is_and_told_beside_it(site):
    page, file = site
    editor = await opened(page)
    await write(page, editor, GREET.replace("log:", "lgo:"))
    mark = page.locator(".cm-lintRange-error").first
    await mark.wait_for()
    assert await mark.text_content() == "lgo"
    told = page.locator("#findings li").first
    assert "line 6" in await told.text_content()
    await page.locator("#save").click()
    await page.locator("#anyway").wait_for()
    assert "was not saved" in await page.locator("#told").text_content()
    assert file.read_text() == GREET
    assert page.complaints == [one for one in page.complaints if "422" in one]


async def test_words_are_offered_while_typing(site):
    page, _ = site
    editor = await opened(page)
    await write(page, editor, "flow: F\ntrigger:\n  use: ")
    await page.keyboard.type("livechat.Webhook", delay=20)
    await page.locator(".cm-tooltip-autocomplete").wait_for()
    assert "livechat.WebhookTicketCreated" in await page.locator(".cm-tooltip-autocomplete").text_content()
    await page.keyboard.press("Escape")


async def test_a_change_is_compared_tried_and_saved(site):
    page, file = site
    editor = await opened(page)
    await write(page, editor, GREET.replace("Hello", "Good morning"))
    await page.locator("#compare").click()
    await page.locator("#diff .added").wait_for()
    await page.locator("#try").click()
    await page.locator("#came details").first.wait_for()
    assert "would end as succeeded" in await page.locator("#came").text_content()
    await page.locator("#save").click()
    await page.locator("#told.good").wait_for()
    assert file.read_text() == GREET.replace("Hello", "Good morning")


async def test_a_file_that_changed_meanwhile_is_shown_and_not_overwritten(site):
    page, file = site
    editor = await opened(page)
    await write(page, editor, GREET.replace("Hello", "Mine"))
    file.write_text(GREET.replace("Hello", "Theirs"))
    await page.locator("#save").click()
    await page.locator("#keep-mine").wait_for()
    await page.locator("#diff .removed").wait_for()
    assert await page.locator("#diff .removed").all_text_contents() == ["-    log: Theirs\n"]
    assert "Theirs" in file.read_text()
    await page.locator("#take-theirs").click()
    assert "Theirs" in await editor.text_content()


CALLING = """\
flow: Calling
trigger: {manual: true}
actions:
  - name: Change it
    use: livechat.UpdateTicket
    with:
      ticketId: K1
      message: Thank you
  - log: done
"""


async def test_help_goes_along_with_the_cursor(site):
    page, _ = site
    editor = await opened(page)
    await write(page, editor, CALLING)
    await page.keyboard.press("Control+End")
    for _ in range(3):
        await page.keyboard.press("ArrowUp")
    await page.keyboard.press("End")
    row = page.locator("#help-operation tr[aria-current]")
    await row.filter(has_text="ticketId").wait_for()
    assert "required" in await row.inner_text()
    assert "livechat.UpdateTicket" in await page.locator("#help-operation h3").inner_text()
    await page.keyboard.press("ArrowDown")
    await row.filter(has_text="message").wait_for()
    assert await page.locator("#help-reference").get_attribute("href") == "/connectors/livechat/UpdateTicket"
    await page.keyboard.press("ArrowDown")
    await page.locator("#help-about b", has_text="log").wait_for()
    assert await page.locator("#help-operation h3").count() == 0
    await page.keyboard.press("F1")
    assert await page.evaluate("document.activeElement.id") == "help-inside"
    await page.keyboard.press("F1")
    assert await page.evaluate("document.activeElement.id") == "text"


async def test_all_of_it_is_done_with_the_keyboard_alone(site):
    page, file = site
    await opened(page)
    await page.goto("/flows/greet/edit")
    await page.wait_for_selector("body[data-ready=editor]")
    for _ in range(60):
        if await page.evaluate("document.activeElement.id") == "text":
            break
        await page.keyboard.press("Tab")
    await page.keyboard.press("Control+a")
    await page.keyboard.press("Delete")
    await page.keyboard.insert_text(GREET.replace("Hello", "By hand"))
    await page.keyboard.press("Control+Enter")
    await page.locator("#came details").first.wait_for()
    await page.keyboard.press("Control+Shift+d")
    await page.locator("#diff .added", has_text="By hand").wait_for()
    await page.keyboard.press("Control+s")
    await page.locator("#told.good").wait_for()
    assert "By hand" in file.read_text()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")  # the first one may have closed what was offered
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.id") != "text"


async def test_a_new_flow_is_begun_from_a_template_and_written_when_it_is_saved(site):
    page, file = site
    await page.goto("/flows")
    await page.get_by_role("link", name="New flow").click()
    await page.get_by_label("Name").fill("Follow up, please")
    await page.get_by_role("radio", name="for-each-item").check()
    await page.get_by_role("button", name="To the editor").click()
    await page.wait_for_selector("body[data-ready=editor]")
    made = file.with_name("follow-up-please.yaml")
    assert "flow: Follow up, please" in await page.locator(".cm-content").inner_text()
    assert not made.exists()
    await page.locator("#save").click()
    await page.locator("#told.good").wait_for()
    assert "flow: Follow up, please" in made.read_text()


@pytest.mark.parametrize("width", [1280, 390])
async def test_nothing_stands_over_the_edge(site, width):
    page, _ = site
    await page.set_viewport_size({"width": width, "height": 800})
    await opened(page)
    over = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over <= 0


async def test_the_editor_can_be_used_by_everybody(site):
    page, _ = site
    editor = await opened(page)
    await write(page, editor, CALLING + "# a long file\n" * 200)
    await page.keyboard.press("Control+Home")
    await page.evaluate((Path(__file__).parent / "vendor" / "axe.min.js").read_text())
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    grave = [
        (one["id"], one["nodes"][0]["html"][:200])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert grave == []


async def test_the_strict_policy_has_nothing_to_complain_of(site):
    page, _ = site
    await opened(page)
    assert not [one for one in page.complaints if "Content Security Policy" in one]
