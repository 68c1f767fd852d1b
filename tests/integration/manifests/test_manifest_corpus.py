"""Public definitions of Microsoft's connectors, where they lie beside the project: all of them load."""

import time
from pathlib import Path

import pytest

from flowengine.findings import Severity
from flowengine.manifests.catalog import Catalog
from flowengine.manifests.definition import read_connector

CORPUS = Path(__file__).parents[3].parent / "shared" / "corpus" / "connectors"
ROOTS = [CORPUS / kind for kind in ("certified", "custom", "independent")]

pytestmark = pytest.mark.skipif(
    not CORPUS.is_dir(), reason=f"the public connector definitions are not at {CORPUS}: nothing to read"
)


@pytest.fixture(scope="module")
def corpus():
    return {folder: read_connector(folder) for root in ROOTS for folder in sorted(root.iterdir()) if folder.is_dir()}


def test_all_of_them_load(corpus):
    assert len(corpus) == 293
    assert [folder.name for folder, (connector, _) in corpus.items() if connector is None] == []
    assert sum(len(connector.operations) for connector, _ in corpus.values()) == 4624


def test_the_slightly_broken_ones_say_so(corpus):
    findings = [finding for _, found in corpus.values() for finding in found]
    assert {finding.severity for finding in findings} == {Severity.WARNING}
    assert sorted(finding.rule for finding in findings) == [
        "manifest-encoding", "manifest-encoding", "manifest-encoding",
        "manifest-file-name",
        "manifest-trailing-comma", "manifest-trailing-comma",
    ]  # fmt: skip


def test_every_operation_of_a_sample_can_be_shown(corpus):
    shown = [connector.to_json() for connector, _ in list(corpus.values())[::8]]
    operations = [operation for document in shown for operation in document["operations"]]
    assert len(operations) > 400
    assert all(operation["method"].isupper() and operation["path"] for operation in operations)
    assert {operation["trigger_kind"] for operation in operations} == {None, "webhook", "polling"}


def test_recursive_definitions_end(corpus):
    widest = max(
        (len(operation.parameters), connector.name, operation.id)
        for connector, _ in corpus.values()
        for operation in map(connector.operations.get, list(connector.operations)[:2])
    )
    assert widest[0] < 5_000


def test_listing_them_is_quick_the_second_time(tmp_path):
    cache = tmp_path / "connectors.json"
    first = Catalog(ROOTS, cache).summaries()
    start = time.process_time()
    assert Catalog(ROOTS, cache).summaries() == first
    assert time.process_time() - start < 0.4
    assert not [summary for summary in first if summary.problem]
