"""The numbers on the lines of a run's picture, from what is on record of a real run."""

import pytest

from flowengine.server.pages import run as run_page
from tests.fakes.projects import make_project, served

SORTING = """
    flow: Sorting
    trigger: {manual: true}
    actions:
      - name: Each
        for_each: "{{ range(7) | list }}"
        do:
          - name: Even
            if: "{{ item % 2 == 0 }}"
            then: [{name: Keep, log: "{{ item }}"}]
      - name: Twice
        repeat: {until: "{{ loop.index == 2 }}"}
        do: [{name: Look, log: again}]
    """


@pytest.fixture
async def page_of(tmp_path):
    """Gives the page of one run of the flow."""
    async with served(make_project(tmp_path, {"sorting": SORTING})) as (server, http):
        run = await server.app.engine.wait((await server.app.submit_run("sorting")).id, 10)

        async def text():
            return (await http.get(f"/runs/{run.id}", headers={"accept": "text/html"})).text

        yield text


async def test_each_loop_and_branch_says_how_many_took_it(page_of):
    text = await page_of()
    for told in (">7 items<", ">yes · 4 items<", ">no · 3 items<", ">2 turns<", "succeeded, yes 4 items, no 3 items"):
        assert told in text


async def test_more_actions_are_counted_than_are_shown(page_of, monkeypatch):
    monkeypatch.setattr(run_page, "MOST", 5)
    assert ">no · 3 items<" in await page_of()
    monkeypatch.setattr(run_page, "COUNTED", 10)
    text = await page_of()
    assert ">7 items<" not in text
    assert "+ items<" in text
