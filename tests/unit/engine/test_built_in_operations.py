"""What is known of the built-in connector."""

from __future__ import annotations

import pytest

from flowengine.engine.defaults import repeatable_by_name
from tests.fakes.engines import a_flow


@pytest.mark.parametrize(
    ("operation", "inputs", "held"),
    [("get", {}, True), ("post", {}, False), ("request", {"method": "put"}, True), ("request", {}, False)],
)
def test_what_is_known_of_the_built_in_connector(operation, inputs, held):
    flow = a_flow(f'actions: [{{use: http.{operation}, with: {{url: "/x", method: GET}}}}]')
    assert repeatable_by_name(flow.actions[0], inputs) is held
