"""Whole files: those without a mistake, and those whose findings are written beside them.

To write the expected text of a new case: run this file with `FLOWENGINE_WRITE_OUT=1`, then read what was written.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flowengine.cli.sources import findings_with_lines
from flowengine.lint.linter import Project, check_flow, check_paths
from flowengine.manifests.catalog import Catalog, shipped_connectors

CASES = Path(__file__).parents[2] / "lint"
SAMPLES = Path(__file__).parents[3] / "flows"
ERR = sorted((CASES / "err").glob("*.yaml"))
OK = [*sorted((CASES / "ok").glob("*.yaml")), *sorted(SAMPLES.glob("*.yaml"))]


@pytest.fixture(scope="module")
def project() -> Project:
    return Project(Catalog([shipped_connectors()]), flow_ids={"flow", "refund"})


@pytest.mark.parametrize("path", OK, ids=lambda path: path.stem)
def test_no_finding_in_a_flow_without_mistakes(path, project):
    assert [str(one) for one in check_flow(path.read_bytes(), path.name, project)] == []


@pytest.mark.parametrize("path", ERR, ids=lambda path: path.stem)
def test_every_mistake_at_its_place_in_these_words(path, project):
    findings = check_flow(path.read_bytes(), path.name, project)
    told = findings_with_lines(findings, {path.name: path.read_text(encoding="utf-8")})
    expected = path.with_suffix(".out")
    if os.environ.get("FLOWENGINE_WRITE_OUT"):
        expected.write_text(told, encoding="utf-8")
    assert told == expected.read_text(encoding="utf-8")
    assert told


def test_the_samples_know_each_other(project):
    assert check_paths([SAMPLES], project) == []
