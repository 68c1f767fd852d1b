"""Editing over a real socket: findings, completion, and saving over nobody's change."""

from __future__ import annotations

import json

import pytest
import pytest_asyncio

from tests.fakes.projects import api_of, make_project, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXT = """\
# What the team agreed on, do not change.
flow:   Greet      # an odd way to write it
trigger: {manual: true}
inputs:
  name: {type: text, required: true}

actions:
    - name: Say it
      log: "Hello {{ inputs.name }}"
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor(tmp_path_factory):
    settings = make_project(tmp_path_factory.mktemp("project"), {"greet": TEXT, "other": TEXT})
    async with served(settings) as (_, http):
        api = api_of(http)

        async def ask(method, path, **body):
            return await (api(method, path, json=body) if body else api(method, path))

        ask.folder, ask.http = settings.flows, http
        yield ask


async def begin(editor, flow="greet"):
    return (await editor("GET", f"/flows/{flow}/source"))[1]["source"]


async def test_findings_come_with_their_place(editor):
    status, found = await editor("POST", "/check", text=TEXT.replace("log:", "lgo:"), flow="greet")
    (finding,) = found["findings"]
    assert (status, finding["line"], finding["column"], finding["severity"]) == (200, 9, 7, "error")
    assert "log" in finding["hint"] + finding["message"]
    assert found["summary"]["errors"] == 1


async def test_a_saved_text_is_the_file_byte_for_byte_and_a_new_version(editor):
    source = await begin(editor)
    changed = source["text"].replace("Hello", "Good morning,") + "\r\n# written on another system\r\n"
    status, saved = await editor("PUT", "/flows/greet/source", text=changed, hash=source["hash"])
    assert status == 200, saved
    assert (editor.folder / "greet.yaml").read_bytes() == changed.encode()
    assert saved["flow"]["valid"]
    versions = (await editor("GET", "/flows/greet/versions"))[1]["versions"]
    assert versions[0]["version"] == saved["flow"]["version"]
    first = versions[-1]["version"]
    assert (await editor("GET", f"/flows/greet/versions/{first}"))[1]["text"] == source["text"]
    told = (await editor("GET", f"/flows/greet/diff?from={first}"))[1]["diff"]
    assert '-      log: "Hello {{ inputs.name }}"' in told
    assert '+      log: "Good morning, {{ inputs.name }}"' in told


async def test_a_file_that_changed_meanwhile_is_left_alone(editor):
    source = await begin(editor, "other")
    (editor.folder / "other.yaml").write_text(TEXT + "# theirs\n")
    status, refused = await editor("PUT", "/flows/other/source", text=TEXT + "# mine\n", hash=source["hash"])
    assert (status, refused["error"]["code"]) == (409, "changed_meanwhile")
    assert refused["yours"].endswith("# mine\n")
    assert refused["theirs"]["text"].endswith("# theirs\n")
    assert (editor.folder / "other.yaml").read_text().endswith("# theirs\n")
    again = await editor("PUT", "/flows/other/source", text=TEXT + "# both\n", hash=refused["theirs"]["hash"])
    assert again[0] == 200


async def test_a_text_with_mistakes_is_saved_only_when_that_is_meant(editor):
    source = await begin(editor)
    wrong = source["text"].replace("log:", "lgo:")
    status, refused = await editor("PUT", "/flows/greet/source", text=wrong, hash=source["hash"])
    assert (status, refused["error"]["code"], len(refused["findings"])) == (422, "invalid_file", 1)
    status, saved = await editor("PUT", "/flows/greet/source", text=wrong, hash=source["hash"], anyway=True)
    assert (status, saved["flow"]["valid"]) == (200, False)
    back = await editor("PUT", "/flows/greet/source", text=source["text"], hash=saved["source"]["hash"])
    assert back[1]["flow"]["valid"]


async def test_a_new_flow_begins_with_no_hash_and_takes_no_others_place(editor):
    status, made = await editor("PUT", "/flows/brand-new/source", text=TEXT, hash=None)
    assert (status, made["flow"]["id"]) == (200, "brand-new")
    assert (await editor("PUT", "/flows/brand-new/source", text=TEXT, hash=None))[0] == 409


@pytest.mark.parametrize("flow", ["..%2Fconnections", "Greet", "a.b", "%2Fetc%2Fpasswd", "x%0ay"])
async def test_no_other_file_can_be_reached(editor, flow):
    assert (await editor("GET", f"/flows/{flow}/source"))[0] == 404
    assert (await editor("PUT", f"/flows/{flow}/source", text=TEXT, hash=None))[0] in (404, 422)


async def test_comparing_shows_what_saving_would_change(editor):
    source = await begin(editor)
    told = (await editor("POST", "/flows/greet/compare", text=source["text"] + "# more\n"))[1]["diff"]
    assert told.splitlines()[-1] == "+# more"
    assert (await editor("POST", "/flows/greet/compare", text=source["text"]))[1]["diff"] == ""


async def test_half_a_character_is_refused(editor):
    raw = json.dumps({"text": "flow: \ud800"})
    answer = await editor.http.post("/api/v1/check", content=raw, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert (await editor("POST", "/check", text="flow: \x00"))[0] == 200


async def offered(editor, text, kind=None):
    before = text.split("|>", 1)[0]
    line, column = before.count("\n") + 1, len(before.rsplit("\n", 1)[-1]) + 1
    found = (await editor("POST", "/complete", text=text.replace("|>", ""), line=line, column=column))[1]
    return [one["label"] for one in found["completions"] if kind in (None, one["kind"])]


HEAD = "flow: F\ntrigger:\n  use: livechat.WebhookTicketCreated\n"


@pytest.mark.parametrize(
    ("text", "some", "none"),
    [
        ("flow: F\nact|>", ["actions"], ["flow", "use"]),
        ("flow: F\ntrigger:\n  |>", ["use", "schedule", "manual", "webhook"], ["actions"]),
        ("flow: F\ntrigger:\n  use: livechat.|>", ["livechat.WebhookTicketCreated"], ["livechat.ListAgents"]),
        (HEAD + "actions:\n  - |>", ["use", "if", "log", "name"], ["then"]),
        (HEAD + "actions:\n- |>", ["use", "if"], ["trigger"]),
        (HEAD + "actions:\n  - use: livechat.List|>", ["livechat.ListAgents"], ["livechat.WebhookTicketCreated"]),
        (HEAD + "actions:\n  - if: true\n    |>", ["then", "else", "name"], ["if", "log"]),
        (HEAD + "actions:\n  - if: true\n    then:\n      - |>", ["use", "log"], ["then"]),
        (
            HEAD + "actions:\n  - use: livechat.CreateTicket\n    with:\n      |>",
            ["message", "requester", "subject"],
            ["use", "name"],
        ),
        (HEAD + "mode: |>\n", ["queued", "single"], ["flow"]),
        (HEAD + "actions:\n  - log: x\n    on_error: |>", ["continue"], []),
        (HEAD + "conditions:\n  - value: x\n    cont|>", ["contains"], ["is"]),
        (HEAD + 'actions:\n  - log: "{{ tri|> }}"', ["trigger"], ["vars"]),
        (HEAD + 'actions:\n  - log: "{{ trigger.ticket.|> }}"', ["subject", "requester"], ["trigger"]),
        (HEAD + 'actions:\n  - log: "{{ trigger.ticket.subject | low|> }}"', ["lower"], ["upper"]),
        (HEAD + 'vars: {team: x}\nactions:\n  - log: "{{ vars.|> }}"', ["team"], ["trigger"]),
        (
            HEAD + 'actions:\n  - use: livechat.ListAgents\n    save_as: agents\n  - log: "{{ ag|> }}"',
            ["agents"],
            ["trigger"],
        ),
        (HEAD + "actions:\n  - call: |>", ["greet"], ["F"]),
    ],
)
async def test_what_is_offered_fits_the_place(editor, text, some, none):
    found = await offered(editor, text)
    assert set(some) <= set(found), found
    assert not set(none) & set(found), found


@pytest.mark.parametrize("text", ["", "\n\n\n", "{{", ":", "- - - ", "\t", "a: {b: [", "'", '"{{ x.'])
async def test_nothing_that_is_being_typed_is_too_odd(editor, text):
    lines = text.split("\n")
    status, _ = await editor("POST", "/complete", text=text, line=len(lines), column=len(lines[-1]) + 1)
    assert status == 200
    assert (await editor("POST", "/complete", text=text, line=99, column=99))[0] == 200


async def test_help_is_told_for_a_place(editor):
    text = "flow: X\ntrigger: {manual: true}\nactions:\n  - use: livechat.UpdateTicket\n    with:\n      ticketId: K1\n"
    status, found = await editor("POST", "/help", text=text, line=6, column=18)
    assert (status, found["use"], found["parameter"]) == (200, "livechat.UpdateTicket", "ticketId")
    status, found = await editor("POST", "/help", text=text, line=6, column=9)
    assert found["about"].startswith("**ticketId** (string, required)")
    status, found = await editor("POST", "/help", text=text, line=99, column=99)
    assert (status, found["use"]) == (200, "")


async def test_an_operation_has_a_page_of_its_own(editor):
    page = await editor.http.get("/connectors/livechat/UpdateTicket", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert 'data-parameter="requester.mail"' in page.text
    assert "flowengine connectors show livechat.UpdateTicket" in page.text
    assert (await editor.http.get("/connectors/livechat/Nothing", headers={"accept": "text/html"})).status_code == 404


async def test_a_new_flow_begins_with_a_form_and_is_written_by_the_save_alone(editor):
    html = {"accept": "text/html"}
    form = await editor.http.get("/new", headers=html)
    assert 'name="template" value="approval"' in form.text
    taken = await editor.http.get("/new", params={"name": "Greet", "template": ""}, headers=html)
    assert (taken.status_code, "There is a flow in flows/greet.yaml already" in taken.text) == (422, True)
    gone_on = await editor.http.get("/new", params={"name": "Ask first", "template": "approval"}, headers=html)
    assert gone_on.headers["location"] == "/flows/ask-first/edit?name=Ask+first&template=approval"
    page = await editor.http.get(gone_on.headers["location"], headers=html)
    assert 'data-beginning="flow: Ask first\n' in page.text
    assert not (editor.folder / "ask-first.yaml").exists()
    template = next(one for one in (await editor("GET", "/templates"))[1]["templates"] if one["name"] == "approval")
    status, saved = await editor("PUT", "/flows/ask-first/source", text=template["text"], hash=None)
    assert (status, saved["flow"]["valid"]) == (200, True)
    assert (editor.folder / "ask-first.yaml").read_text() == template["text"]


async def test_a_new_flow_begins_as_a_copy_of_another(editor):
    html = {"accept": "text/html"}
    assert "a copy of greet" in (await editor.http.get("/new?template=flow:greet", headers=html)).text
    gone_on = await editor.http.get("/new", params={"name": "Greet twice", "template": "flow:greet"}, headers=html)
    page = await editor.http.get(gone_on.headers["location"], headers=html)
    assert "# What the team agreed on, do not change.\nflow: Greet twice\n" in page.text
    nowhere = await editor.http.get("/new", params={"name": "A", "template": "flow:../../etc/passwd"}, headers=html)
    assert nowhere.headers["location"] == "/flows/a/edit?name=A"
