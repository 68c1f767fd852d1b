"""Microsoft's public definitions, where a copy of them lies beside the project: what share of their operations can be called."""

from pathlib import Path

import pytest

from flowengine.cli.connector_check import examine, summary

CORPUS = Path(__file__).parents[3].parent / "shared" / "corpus" / "connectors"


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the public definitions are not here")
def test_nearly_every_operation_can_be_called_and_the_others_say_why():
    reports = [examine(folder) for folder in sorted(CORPUS.glob("*/*")) if folder.is_dir()]
    totals = summary(reports)
    assert totals["loaded"] == totals["connectors"]
    assert totals["callable"] >= 0.97 * totals["operations"]
    for report in reports:
        refused = [problem for problem in report["problems"] if problem["operation"]]
        assert len(refused) == report["operations"] - report["callable"]
        assert all(problem["message"] for problem in refused)
