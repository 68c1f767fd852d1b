"""Which addresses are this machine, which names are ours, which changes come from our own pages, what is public."""

from __future__ import annotations

import pytest

from flowengine.config import Settings
from flowengine.server.access import PUBLIC, methods_at, rules_for
from flowengine.server.application import all_routes, roles
from flowengine.server.origin import change_refused, is_loopback, is_near, is_ours, own_names

RULES = rules_for(all_routes(), roles())

FORM = {"content-type": "application/x-www-form-urlencoded"}

JSON = {"content-type": "application/json"}


def test_what_is_public_is_this_and_nothing_else():
    assert {(rule.method, rule.path) for rule in RULES if rule.needed is None} | {
        ("POST", "/hooks/{flow}/{key}"),
    } == PUBLIC


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/v1/runs", ["GET", "POST"]),
        ("/api/v1/runs/cancel", ["POST"]),
        ("/api/v1/runs/01run", ["GET"]),
        ("/api/v1/nowhere", []),
    ],
)
def test_the_methods_of_a_path_are_those_of_its_own_route(path, methods):
    assert methods_at(RULES, path) == methods


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({"origin": "http://ours:1", "host": "ours:1", **FORM}, False),
        ({"origin": "http://ours:2", "host": "ours:1", **FORM}, True),
        ({"origin": "null", "host": "ours:1", "sec-fetch-site": "same-origin", **FORM}, False),
        ({"origin": "null", "host": "ours:1", **FORM}, True),
        ({"host": "ours:1", **FORM}, True),
        ({"host": "ours:1", **JSON}, False),
        ({"host": "ours:1", "origin": "http://ours:1", "sec-fetch-site": "cross-site", **JSON}, True),
    ],
)
def test_which_changes_are_our_own(headers, refused):
    assert (change_refused(headers) is not None) is refused


def test_which_names_are_ours():
    names = own_names(Settings(host="0.0.0.0", public_url="https://flows.example.com"))
    assert is_ours("flows.example.com", names, addresses=True)
    assert is_ours("192.0.2.7:8080", names, addresses=True)
    assert not is_ours("192.0.2.7:8080", names, addresses=False)
    assert not is_ours("attacker.example", names, addresses=True)
    assert not is_near({"host": "127.0.0.1"}, "192.0.2.7")


@pytest.mark.parametrize(
    ("host", "near"),
    [("localhost", True), ("127.9.9.9", True), ("::1", True), ("0.0.0.0", False), ("example.com", False)],
)
def test_what_is_loopback(host, near):
    assert is_loopback(host) is near
