"""Signing in with a real browser: its cookies and its word on where a form came from are what the gate goes by."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_asyncio

from tests.fakes.projects import make_project, served

playwright = pytest.importorskip("playwright.async_api", reason="Playwright is not installed")

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

CHROMIUM = "/usr/bin/chromium"
GREET = """
    flow: Greet
    trigger: {manual: true}
    actions: [{log: Hello}]
    """


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory):
    if not Path(CHROMIUM).exists():
        pytest.skip("there is no chromium on this machine")
    settings = make_project(tmp_path_factory.mktemp("project"), {"greet": GREET}, sign_in="always")
    async with served(settings) as (server, _), playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield server, browser
        await browser.close()


async def entered(site, role, wanted="/flows/greet"):
    server, browser = site
    _, token = await server.app.store.access.add_token(f"{role} {wanted}", role)
    context = await browser.new_context(base_url=server.url)
    page = await context.new_page()
    page.set_default_timeout(5_000)
    await page.goto(wanted)
    await page.get_by_label("Token").fill(token)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"**{wanted}")
    return page


async def test_an_operator_signs_in_switches_a_flow_and_signs_out(site):
    server, _ = site
    page = await entered(site, "operator")
    await page.get_by_role("button", name="Switch off").click()
    await page.get_by_role("button", name="Switch on").wait_for()
    assert not server.app.triggers.enabled(server.app.library.get("greet"))
    await page.get_by_role("button", name="Switch on").click()
    await page.get_by_role("button", name="Sign out").first.click()
    await page.wait_for_url("**/login")
    await page.goto("/flows/greet")
    assert "/login?next=" in page.url
    actions = [one.action for one in await server.app.store.audit.list()]
    assert {"disable_flow", "enable_flow", "sign_in", "sign_out"} <= set(actions)


async def test_a_viewer_is_not_offered_what_they_may_not_do(site):
    page = await entered(site, "viewer")
    assert await page.get_by_role("button", name="Switch off").count() == 0
    assert await page.get_by_role("link", name="Edit").count() == 0
    assert (await page.goto("/flows/greet/edit")).status == 403


async def test_another_sites_page_cannot_act_in_a_persons_name(site):
    server, _ = site
    page = await entered(site, "admin", "/")
    # The same machine under another name is another site to the browser.
    attack = f'<form method="post" action="{server.url}/flows/greet/disable"><button>Win</button></form>'

    async def elsewhere(route):
        await route.fulfill(content_type="text/html", body=attack)

    await page.route("http://attacker.example/**", elsewhere)
    await page.goto("http://attacker.example/")
    async with page.expect_navigation() as going:
        await page.get_by_role("button", name="Win").click()
    answer = await going.value
    assert answer.status in (303, 401, 403)
    assert server.app.triggers.enabled(server.app.library.get("greet"))
