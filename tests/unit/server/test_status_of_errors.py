"""Each error's status in HTTP."""

import pytest

from flowengine import errors
from flowengine.findings import Finding, Span
from flowengine.server.failures import kind


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.InvalidFile([Finding("f.yaml", Span(1, 1, 1, 1), "x", "wrong")]), 422, "invalid_file"),
        (errors.NotFound(), 404, "not_found"),
        (errors.Conflict(), 409, "conflict"),
        (errors.InvalidInputs("no"), 422, "invalid_inputs"),
        (errors.StorageUnavailable(), 503, "storage_unavailable"),
        (errors.ConfigurationError(), 500, "configuration"),
        (errors.FlowEngineError(), 500, "failed"),
    ],
)
def test_each_error_has_its_status(error, status, code):
    assert kind(error) == (status, code)
