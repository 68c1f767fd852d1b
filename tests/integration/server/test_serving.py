"""Starting and stopping: ports, addresses, signals, the published place."""

import os
import socket

import pytest

from flowengine.errors import ConfigurationError
from flowengine.server.run import CannotListen, listen, serving
from flowengine.store.lock import holder
from tests.fakes.projects import make_project, served

FLOW = {"wait": "flow: Wait\ntrigger: {manual: true}\nactions: [{wait: 2 seconds}, {log: done}]\n"}


def test_a_port_in_use_is_one_clear_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=f"port {port} at 127.0.0.1 is in use.*--port"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "words"), [("192.0.2.1", "not an address of this machine"), ("no.such.host.invalid", "can be listened at")]
)
def test_a_host_that_is_not_ours_is_told(host, words):
    with pytest.raises(CannotListen, match=words):
        listen(host, 0)


async def test_other_machines_are_let_in_only_with_a_token(tmp_path):
    with pytest.raises(ConfigurationError, match="FLOWENGINE_TOKEN"):
        async with serving(make_project(tmp_path, {}, host="0.0.0.0")):
            pass


async def test_with_a_token_the_api_asks_for_it(tmp_path):
    settings = make_project(tmp_path, FLOW, host="0.0.0.0", token="t0ken")
    async with served(settings) as (server, http):
        assert server.url.startswith("http://127.0.0.1:")
        assert (await http.get("/api/v1/runs")).status_code == 401
        assert (await http.get("/api/v1/runs", headers={"Authorization": "Bearer t0ken"})).status_code == 200
        assert (await http.get("/healthz")).status_code == 200


async def test_the_place_of_a_running_engine_is_published(tmp_path):
    settings = make_project(tmp_path, FLOW)
    async with served(settings) as (server, _):
        assert holder(settings.database) == {"pid": os.getpid(), "url": server.url}
    assert holder(settings.database) is None
