"""What may be asked of a service, and which values it announces."""

import pytest

from flowengine.connectors.announcing import Position, announced, following
from flowengine.connectors.asking import request_at
from flowengine.connectors.request import build_request
from flowengine.errors import InvalidInputs
from flowengine.types import Outputs
from tests.fakes.asked_first import account, made


def test_without_a_call_nobody_knows_that_request():
    things = made()
    with pytest.raises(InvalidInputs, match="setvaluefromurl"):
        build_request(things, things.operation("Change"), {"id": "1"}, account())
    known = build_request(
        things, things.operation("Change"), {"id": "1"}, account(), asked={"@headers('If-Match')": "v"}
    )
    assert dict(known.headers)["If-Match"] == "v"


@pytest.mark.parametrize(
    ("address", "url", "signed"),
    [
        ("https://api.example.com/v1/hooks/7", "https://api.example.com/v1/hooks/7", True),
        ("/v1/hooks/7?a=1", "https://api.example.com/v1/hooks/7?a=1", True),
        ("hooks/7", "https://api.example.com/v1/hooks/7", True),
        ("https://evil.example/hooks/7", "https://evil.example/hooks/7", False),
        ("//evil.example/x", "https://evil.example/x", False),
        ("https://api.example.com:8443/x", "https://api.example.com:8443/x", False),
    ],
)
def test_only_the_connection_s_own_host_sees_its_keys(address, url, signed):
    things = made()
    request = request_at(things, things.operation("On"), account(), "DELETE", address)
    assert request.url.startswith(url)
    assert request.method == "DELETE"
    assert ("X-Key", "k1") in request.headers if signed else not request.headers
    assert ("k2" in request.url) is signed


def test_what_a_batch_announces():
    things = made()
    rows = things.operation("Rows")

    def items(body, status=200):
        return announced(things, rows, Outputs(status, {}, body))

    assert items([{"a": 1}, {"a": 2}]) == [{"a": 1}, {"a": 2}]
    assert items({"value": [1], "more": [2]}) == [1]
    assert items({"issues": [1, 2], "total": 2}) == [1, 2]
    assert items({"a": [1], "b": [2]}) == [{"a": [1], "b": [2]}], "which of them is a guess"
    assert items([1], 202) == items(None) == items([]) == []
    kept = following(things, rows, Outputs(202, {}, None), Position({}, "/before"))
    assert kept == Position({}, "/before")
