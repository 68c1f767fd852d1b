"""Failpoints: where and at which count they act."""

from __future__ import annotations

import pytest

from flowengine import failpoints
from flowengine.errors import ConfigurationError


@pytest.mark.parametrize("setting", ["nowhere:1", "after_http_response:x", "after_http_response:1:dance"])
def test_failpoints_are_checked(setting):
    with pytest.raises(ConfigurationError):
        failpoints.arm(setting)


def test_a_failpoint_acts_at_its_count():
    failpoints.arm("in_wait:2:raise")
    failpoints.reach("in_wait")
    failpoints.reach("in_backoff")
    with pytest.raises(failpoints.Reached):
        failpoints.reach("in_wait")
    failpoints.reach("in_wait")
    failpoints.arm("")
