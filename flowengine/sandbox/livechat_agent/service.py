"""The service: addresses, versions, tokens and bodies in; the methods' answers and the error envelope out."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from datetime import timedelta
from typing import Any, Final

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from flowengine.sandbox.livechat_agent.asked import Asked
from flowengine.sandbox.livechat_agent.errors import error, error_of, refused
from flowengine.sandbox.livechat_agent.events import FILES, upload_file
from flowengine.sandbox.livechat_agent.licence import Licence
from flowengine.sandbox.livechat_agent.parameters import check
from flowengine.sandbox.livechat_agent.signals import signals
from flowengine.sandbox.livechat_agent.table import AGENT_CHAT, CONFIGURATION, Method
from flowengine.sandbox.livechat_agent.tokens import (
    ACCOUNT_ID,
    AGENT_TOKEN,
    CLIENT_ID,
    EUROPE_TOKEN,
    OWNER_TOKEN,
    PERSONAL_TOKEN,
    READER_TOKEN,
    Token,
    authenticated,
)
from flowengine.sandbox.messages import Answer, Call, json_answer
from flowengine.sandbox.service import Signal, World
from flowengine.types import Json, JsonObject

VERSION: Final = "3.6"
FILE_LIFETIME: Final = timedelta(hours=24)
_ADDRESS: Final = re.compile(r"(?:/v(?P<version>[\d.]+))?/(?P<api>agent|configuration)/action/(?P<method>\w+)")


class LiveChatAgent:
    """One licence behind the Agent Chat API and the webhook methods of the Configuration API."""

    name = "livechat-agent"
    title = "LiveChat (Agent Chat Web API v3.6)"
    limit = None  # LiveChat limits calls, but does not say how many; order a limit to see 429

    def __init__(self, world: World) -> None:
        self._world = world
        self.credentials: Mapping[str, str] = {"access_token": OWNER_TOKEN, "owner_client_id": CLIENT_ID}
        self.notes = (
            "sent as Authorization: Bearer; other tokens:",
            f"  {AGENT_TOKEN}: an agent without the owner's scopes",
            f"  {READER_TOKEN}: reads only",
            f"  {EUROPE_TOKEN}: needs X-Region: fra, else misdirected_request",
            f"or as Basic authentication, username {ACCOUNT_ID}, password {PERSONAL_TOKEN}",
        )
        self.reset()

    def reset(self) -> None:
        self._licence = Licence(self._world)
        self.signals: Mapping[str, Signal] = signals(self._licence)

    async def answer(self, call: Call) -> Answer:
        if call.method == "GET" and call.path.startswith(FILES):
            return self._file(call.path)
        found = _ADDRESS.fullmatch(call.path)
        if found is None:
            raise refused("not_found", f"there is nothing at {call.path}")
        if (found["version"] or call.headers.get("x-api-version", VERSION)) != VERSION:
            raise refused("unsupported_version")
        if call.method != "POST":
            raise refused("validation", f"methods are called with POST, not {call.method}")
        token = authenticated(call.headers)
        if (found["api"], found["method"]) == ("agent", "upload_file"):
            return json_answer(await self._upload(call))
        table = AGENT_CHAT if found["api"] == "agent" else CONFIGURATION
        if found["method"] not in table:
            raise refused("not_found", f"method {found['method']}")
        return json_answer(self._do(table[found["method"]], token, _object(call)))

    def too_many_calls(self, retry_after: float) -> Answer:
        answer = error("too_many_requests")
        return Answer(answer.status, answer.body, (*answer.headers, ("retry-after", f"{retry_after:g}")))

    def broken(self, status: int) -> Answer:
        return error_of(status, "fra")

    def webhooks(self) -> list[JsonObject]:
        hooks = self._licence.hooks.registered.values()
        return [{key: value for key, value in hook.items() if key != "secret_key"} for hook in hooks]

    def _do(self, method: Method, token: Token, given: JsonObject) -> Json:
        if not token.has_any(method.scopes):
            raise refused("authorization", f"one of these scopes is needed: {', '.join(method.scopes)}")
        check(method.parameters, given)
        return method.do(Asked(self._licence, token, given))

    async def _upload(self, call: Call) -> Json:
        if not call.headers.get("content-type", "").startswith("multipart/form-data"):
            raise refused("validation", "upload_file takes multipart/form-data")
        try:
            async with _form(call).form() as form:
                file = form.get("file")
                if not isinstance(file, UploadFile):
                    raise refused("validation", "`file` is required")
                content, kind = await file.read(), file.content_type or "application/octet-stream"
                return upload_file(self._licence, file.filename or "", content, kind)
        except (MultiPartException, KeyError):
            raise refused("validation", "the form cannot be read") from None

    def _file(self, path: str) -> Answer:
        uploaded, content, kind = self._licence.uploads.get(path, (None, b"", ""))
        if uploaded is None or self._world.clock.now() - uploaded > FILE_LIFETIME:
            raise refused("not_found", "file")
        return Answer(200, content, (("content-type", kind),))


def _object(call: Call) -> JsonObject:
    if not call.headers.get("content-type", "").startswith("application/json"):
        raise refused("validation", "the Content-Type must be application/json")
    try:
        given = call.json()
    except ValueError:
        raise refused("validation", "the body is not JSON") from None
    if not isinstance(given, dict):
        raise refused("validation", "the body must be an object")
    return given


def _form(call: Call) -> Request:
    """The call as Starlette reads forms."""

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": call.body, "more_body": False}

    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in call.headers.items()]
    return Request({"type": "http", "method": call.method, "headers": headers}, receive)
