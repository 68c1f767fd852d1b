"""Definitions that people broke: whatever stands where something else belongs, `check` and `docs` give an answer."""

import copy
import json
import random

import pytest

from flowengine.cli.connector_check import examine
from flowengine.cli.connector_docs import as_markdown
from flowengine.manifests.catalog import shipped_connectors
from flowengine.manifests.definition import read_connector

ODD = [
    None,
    True,
    0,
    1.5,
    "",
    "x",
    "[",
    [],
    {},
    ["a"],
    [1, None],
    {"a": 1},
    [[]],
    {"$ref": "#/nowhere"},
    "@headers('x')",
]
FILES = ("apiDefinition.swagger.json", "apiProperties.json")


def places(value):
    """Every place in a document: its holder and the key or index there."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def spoilt(chance, document):
    document = copy.deepcopy(document)
    found = list(places(document))
    for holder, key in chance.sample(found, min(len(found), 12)):
        if isinstance(holder, dict) or key < len(holder):
            holder[key] = copy.deepcopy(chance.choice(ODD))
    return document


@pytest.mark.parametrize("seed", range(40))
def test_spoilt_definitions_are_answered(seed, tmp_path):
    chance = random.Random(seed)
    home = shipped_connectors() / chance.choice(["livechat", "comm100"])
    for name in FILES:
        (tmp_path / name).write_text(json.dumps(spoilt(chance, json.loads((home / name).read_text()))))
    report = examine(tmp_path)
    assert report["callable"] <= report["operations"]
    connector, findings = read_connector(tmp_path)
    assert as_markdown(connector) if connector else findings
