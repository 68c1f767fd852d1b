"""Canaries in every slot that holds a secret, and a search for them in everything that lasts or is shown.

A service that repeats whatever it is sent, in success and in failure, is the worst case: what the engine records of its
answers must not hold what the engine sent to prove who it is.
"""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import timedelta
from urllib.parse import quote, quote_plus, urlsplit

import httpx
import pytest

from flowengine.app.secrets import tokens_name
from flowengine.config import Settings
from flowengine.connectors.oauth import Tokens
from flowengine.store import Store
from flowengine.types import SystemClock
from tests.fakes.authorization_server import authorization_server
from tests.fakes.command_line import CommandLine
from tests.fakes.desk_project import desk_project
from tests.fakes.raw_service import raw_service, reply

STORED = {
    "mirror_key": 'canary-key"ü+/%',
    "mirror_query": "canary-query &=ß",
    "mirror_password": "canary-password:\\x",
    "mirror_place": "canary-place",
    "hook_body": "canary-hook-body",
    "hook_header": "canary-hook-header",
    "hook_basic": "canary-hook-basic",
    "hook_hmac": "canary-hook-hmac",
}
ENVIRON = {"FLOWENGINE_SECRET_SPARE": "canary-environ-secret", "MIRROR_SPARE": "canary-environ-plain"}
APPLICATION = "canary-client-secret"
ANSWERED = "canary-secure-output"


def operation(id_, method="get", **more):
    return {method: {"operationId": id_, "responses": {"200": {"description": "What came"}}, **more}}


def policy(template, **parameters):
    """Something that only `Made` sends, made of what the connection holds."""
    given = {f"x-ms-apimTemplateParameter.{name}": value for name, value in parameters.items()}
    return {"templateId": template, "parameters": {**given, "x-ms-apimTemplate-operationName": ["Made"]}}


BODY = {"name": "body", "in": "body", "required": True, "schema": {"type": "object"}}
MIRROR = {
    "swagger": "2.0",
    "info": {"title": "Mirror", "version": "1"},
    "host": "mirror.example.com",
    "schemes": ["http"],
    "consumes": ["application/json"],
    "produces": ["application/json"],
    "paths": {
        "/fine": operation("Fine", "post", parameters=[BODY]),
        "/denied": operation("Denied"),
        "/broken": operation("Broken", "post", parameters=[BODY]),
        "/slow": operation("Slow"),
        "/cut": operation("Cut"),
        "/answer": operation("Answer"),
        "/made": operation("Made", "post", parameters=[BODY]),
    },
    "securityDefinitions": {
        "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "spare": {"type": "apiKey", "in": "header", "name": "X-Spare"},
        "environ": {"type": "apiKey", "in": "header", "name": "X-Environ"},
        "query": {"type": "apiKey", "in": "query", "name": "token"},
        "basic": {"type": "basic"},
    },
    "security": [{"key": [], "query": [], "basic": [], "spare": [], "environ": []}],
}
SECURE = {"type": "securestring"}
PROPERTIES = {
    "properties": {
        "connectionParameters": {
            "key": SECURE,
            "spare": SECURE,
            "environ": SECURE,
            "query": SECURE,
            "username": {"type": "string"},
            "password": SECURE,
        },
        "policyTemplateInstances": [
            policy("setheader", name="X-Mark", value="v1-@connectionParameters('key')"),
            policy("setheader", name="X-Signed", value="@headers('Authorization')"),
            policy("setqueryparameter", name="mark", value="@connectionParameters('password')"),
            policy(
                "setproperty",
                newPropertyParentPathTemplate="@body()",
                newPropertySubPathTemplate="mark",
                propertyValuePathTemplate="@connectionParameters('key')",
            ),
        ],
    }
}
CONNECTIONS = """
desk:
  connector: desk
  base_url: {desk}
  allow_private_network: true
  parameters: {{ client_id: app, client_secret: "{{{{ secrets.desk_client_secret }}}}" }}
placed:
  connector: http
  base_url: "{mirror}/{{{{ secrets.mirror_place }}}}/deep"
  allow_private_network: true
mirror:
  connector: mirror
  base_url: {mirror}
  allow_private_network: true
  parameters:
    key: "{{{{ secrets.mirror_key }}}}"
    spare: "{{{{ secrets.spare }}}}"
    environ: "{{{{ env.MIRROR_SPARE }}}}"
    query: "{{{{ secrets.mirror_query }}}}"
    username: ann
    password: "{{{{ secrets.mirror_password }}}}"
"""
FLOWS = {
    "fine": """\
flow: Fine
trigger: { manual: true }
actions:
  - use: mirror.Fine
    with: { said: hello }
    save_as: heard
  - log: "{{ heard }}"
output: "{{ heard }}"
""",
    "made": """\
flow: Made
trigger: { manual: true }
actions:
  - { use: mirror.Made, with: { said: hello }, save_as: heard }
  - { use: http.post, connection: placed, with: { url: there, body: "{{ heard.body }}", headers: { X-Api-Key: mine } } }
""",
    "denied": "flow: Denied\ntrigger: { manual: true }\nactions:\n  - use: mirror.Denied\n",
    "cut": "flow: Cut\ntrigger: { manual: true }\nactions:\n  - { use: mirror.Cut, retry: 1 }\n",
    "slow": "flow: Slow\ntrigger: { manual: true }\nactions:\n  - { use: mirror.Slow, timeout: 1 second, retry: 0 }\n",
    "closed": """\
flow: Closed
trigger: { manual: true }
actions:
  - { use: mirror.Answer, save_as: answer, secure: [outputs] }
  - { use: mirror.Fine, with: { said: "{{ answer.secret }}" }, secure: [inputs, outputs] }
  - { use: mirror.Broken, with: { said: "{{ answer.secret }}" }, secure: [inputs] }
""",
    **{
        f"hook-{kind}": f"flow: Hook\ntrigger:\n  webhook: {{ verify: {verify} }}\nactions:\n"
        '  - log: "{{ trigger }} {{ event }}"\n'
        for kind, verify in {
            "body": "{ body-secret: { path: auth.key, secret: hook_body } }",
            "header": "{ header: { name: X-Hook, secret: hook_header } }",
            "basic": "{ basic: { username: ann, secret: hook_basic } }",
            "hmac": "{ hmac: { header: X-Signature, algorithm: sha256, secret: hook_hmac } }",
        }.items()
    },
}


async def mirror(request, writer):
    """Repeats everything, in whatever tone the path asks for."""
    path = urlsplit(request.target).path
    told = {"target": request.target, "headers": request.headers, "body": request.body.decode()}
    body = json.dumps({"message": json.dumps(told, ensure_ascii=False), **told}).encode()
    match path:
        case "/slow":
            await asyncio.sleep(5)
        case "/cut":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n" + body)
            writer.close()
            return
        case "/answer":
            body = json.dumps({"secret": ANSWERED}).encode()
    status = {"/denied": 401, "/broken": 500}.get(path, 200)
    echo = quote(request.header("x-key") or "")
    await reply(status, body, content_type="application/json", x_echo=echo)(request, writer)


@pytest.fixture
async def project(tmp_path):
    """A project with a canary in every slot, its command line, and the services it calls."""
    async with raw_service(mirror) as service, authorization_server() as server:
        folder = desk_project(tmp_path, server.url)
        connector = folder / "connectors" / "mirror"
        connector.mkdir()
        (connector / "apiDefinition.swagger.json").write_text(json.dumps(MIRROR))
        (connector / "apiProperties.json").write_text(json.dumps(PROPERTIES))
        (folder / "connections.yaml").write_text(CONNECTIONS.format(mirror=service.url, desk=server.url))
        for name, text in FLOWS.items():
            (folder / "flows" / f"{name}.yaml").write_text(text)
        project = CommandLine(folder, {**ENVIRON, "FLOWENGINE_LOG_LEVEL": "debug"})
        project.server = server
        await fill(folder, server)
        yield project


async def fill(folder, server):
    """Put the secrets and a finished sign-in into the store; that the command line does so too is tested elsewhere."""
    server.access_tokens.add("canary-access-token")
    server.refresh_tokens.add("canary-refresh-token")
    tokens = Tokens("canary-access-token", "canary-refresh-token", SystemClock().now() + timedelta(hours=1))
    async with Store.open(Settings(project=folder).database, write=True) as store:
        for name, value in {**STORED, "desk_client_secret": APPLICATION}.items():
            await store.secrets.set(name, value)
        await store.secrets.set(tokens_name("desk"), json.dumps(tokens.to_json()))


def forms(secret):
    """How a secret may look: as it is, as JSON, URLs and Basic write it."""
    pairs = [f"{user}:{secret}" for user in ("ann", "app")]
    yield from (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    # JSON in JSON: a log line of an answer, a message that quotes one.
    yield from (json.dumps(json.dumps(secret))[3:-3], json.dumps(json.dumps(secret, ensure_ascii=False))[3:-3])
    yield from (quote(secret, safe=""), quote(secret), quote_plus(secret))
    yield from (base64.b64encode(text.encode()).decode().rstrip("=") for text in (secret, *pairs))


def leaks(project, *shown):
    """Where a canary can be seen: files of the project, what commands printed, what was shown."""
    secrets = {*STORED.values(), *ENVIRON.values(), APPLICATION, ANSWERED}
    secrets |= project.server.access_tokens | project.server.refresh_tokens
    places = {str(path): path.read_bytes() for path in project.folder.rglob("*") if path.is_file()}
    places["printed"] = b"".join(project.said)
    places |= {f"shown {number}": text for number, text in enumerate(shown)}
    return [
        (place, secret, form)
        for place, content in places.items()
        for secret in secrets
        for form in forms(secret)
        if form.encode() in content
    ]


async def shown_by(project, flow):
    """Run a flow, and look at it in every way the command line has. Gives its status."""
    await project("run", flow)
    for view in (
        ["show", "@last", "--inputs", "--outputs"],
        ["show", "@last", "--raw"],
        ["show", "@last", "--action", "*", "--raw"],
        ["show", "@last", "--action", "*"],
        ["show", "@last"],
        ["logs", "@last"],
    ):
        await project.here("runs", *view)
    code, out, told = await project.here("runs", "show", "@last", "--json")
    assert code == 0, told
    return json.loads(out)["run"]


async def test_after_success_refusal_time_out_and_broken_answers(project):
    runs = {flow: await shown_by(project, flow) for flow in ("fine", "made", "denied", "slow", "cut", "closed", "look")}
    assert {flow: run["status"] for flow, run in runs.items()} == {
        "fine": "succeeded",
        "made": "succeeded",
        "denied": "failed",
        "slow": "timed_out",
        "cut": "failed",
        "closed": "failed",
        "look": "succeeded",
    }
    # The mirror did repeat what it was sent, and the rest of that is there to be read.
    assert "hello" in json.dumps(runs["fine"]["output"])
    assert runs["closed"]["error"]["code"] == "operation_failed"
    made, placed = (action["attempts"][0]["request"] for action in runs["made"]["actions"])
    assert made["headers"].items() >= {"X-Mark": "v1-***", "X-Key": "***"}.items()
    assert json.loads(made["body"]) == {"said": "hello", "mark": "***"}
    assert "mark=***" in made["url"]
    assert placed["url"].endswith("/***/deep/there")
    assert placed["headers"]["X-Api-Key"] == "***"
    for command in (
        ["runs", "list", "--json"],
        ["runs", "export"],
        ["runs", "export", "--format", "csv"],
        ["runs", "diff", "@last", "@last-failed"],
        ["events", "list", "--json"],
        ["connections", "list"],
        ["doctor"],
        ["db", "backup", str(project.folder / "backup.db")],
        ["test", "--record", "@last"],
    ):
        code, _, told = await project.here(*command)
        assert code in (0, 1), (command, told)
    await project.here("connections", "test")
    assert leaks(project) == []


async def test_after_a_refused_renewal(project):
    project.server.revoke()
    project.server.refuse = {"error": "invalid_grant"}
    run = await shown_by(project, "look")
    assert run["error"]["code"] == "sign_in_needed"
    assert leaks(project) == []


@pytest.mark.parametrize("point", ["before_http_request", "after_http_response", "before_record_commit"])
async def test_after_a_crash(project, point):
    code, _, _ = await project("run", "fine", FLOWENGINE_FAILPOINT=f"{point}:1:kill")
    assert code == -9
    assert leaks(project) == []
    # What the crash left is finished by the next process.
    await project("run", "closed", FLOWENGINE_FAILPOINT="")
    assert leaks(project) == []


async def test_webhooks_and_everything_that_is_served(project):
    async with (
        project.served(FLOWENGINE_PUBLIC_URL="") as (url, _),
        httpx.AsyncClient(base_url=url, timeout=20) as http,
    ):
        for kind in ("body", "header", "basic", "hmac"):
            _, out, _ = await project.here("flows", "show", f"hook-{kind}")
            # The address of a hook is shown to its owner, and is no canary.
            hook = urlsplit(next(word for word in out.split() if "/hooks/" in word)).path
            for good in (True, False):
                answer = await deliver(http, hook, kind, good=good)
                assert answer.status_code in ((200, 202) if good else (401, 403)), (kind, good, answer.text)
        for flow in ("fine", "made", "closed"):
            await http.post("/api/v1/runs", json={"flow": flow, "wait": 20})
        pages = [await http.get(path) for path in await addresses(http)]
        assert sum(page.status_code == 200 for page in pages) > 10
        assert (await project.here("secrets", "rotate-key"))[0] == 0
        shown = [page.content for page in pages] + [str(page.headers).encode() for page in pages]
    assert leaks(project, *shown) == []


async def deliver(http, hook, kind, *, good):
    secret = STORED[f"hook_{kind}"] if good else STORED[f"hook_{kind}"] + "-but-wrong"
    body, headers = {"n": 1, "kind": kind}, {"content-type": "application/json"}
    match kind:
        case "body":
            body["auth"] = {"key": secret}
        case "header":
            headers["x-hook"] = secret
        case "basic":
            headers["authorization"] = "Basic " + base64.b64encode(f"ann:{secret}".encode()).decode()
    raw = json.dumps(body).encode()
    if kind == "hmac":
        headers["x-signature"] = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    return await http.post(hook, content=raw, headers=headers)


async def addresses(http):
    """Every page and document there is about what happened."""
    runs = [run["id"] for run in (await http.get("/api/v1/runs", params={"limit": 50})).json()["runs"]]
    events = [event["id"] for event in (await http.get("/api/v1/events", params={"limit": 50})).json()["events"]]
    plain = ["", "runs", "events", "flows", "connections", "secrets", "connectors", "approvals", "health"]
    api = [f"/api/v1/{name}" for name in plain if name]
    one = [
        f"{root}/{kind}/{id_}"
        for root in ("", "/api/v1")
        for kind, ids in (("runs", runs), ("events", events))
        for id_ in ids
    ]
    return [*(f"/{name}" for name in plain), *api, *one, "/metrics", "/api/v1/flows/hook-body", "/flows/hook-body"]
