"""The flows that `demo --serve` adds for the web page."""

import pytest

from flowengine.cli.demo_showing import FLOWS, REFUNDS
from flowengine.lint.linter import Project, check_flow
from flowengine.manifests.catalog import Catalog, shipped_connectors
from flowengine.spec.load import load_flow
from flowengine.triggers.inputs import settle_inputs


@pytest.mark.parametrize("file", sorted(FLOWS.glob("*.yaml")), ids=lambda file: file.stem)
def test_they_are_without_a_finding(file):
    project = Project(Catalog([shipped_connectors()]), {}, set())
    assert check_flow(file.read_bytes(), file.name, project) == []


def test_the_refunds_fit_what_their_flow_asks_for():
    flow = load_flow(FLOWS / "large-refunds.yaml")
    assert [settle_inputs(flow, refund)["amount"] for refund in REFUNDS] == [250, 1_180]
