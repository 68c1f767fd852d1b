"""Many flows are looked over by several processes."""

from __future__ import annotations

from dataclasses import dataclass

from flowengine.lint.linter import Project, check_paths
from flowengine.lint.many import MANY
from flowengine.manifests.catalog import Catalog, shipped_connectors

CATALOG = Catalog([shipped_connectors()])


@dataclass(frozen=True)
class Connected:
    connector: str


def test_many_flows_are_checked_side_by_side_with_the_same_findings(tmp_path):
    wrong = 'flow: X\ntrigger: { manual: true }\nactions:\n  - log: "{{ nobody }}"\n'
    for number in range(MANY + 10):
        called = f"  - call: flow-{number + 1}\n" if number == 0 else "  - call: flow-0\n" if number == 1 else ""
        (tmp_path / f"flow-{number:03}.yaml").write_text(wrong, encoding="utf-8")
        (tmp_path / f"flow-{number}.yaml").write_text(wrong + called, encoding="utf-8")
    found = check_paths([tmp_path], Project(CATALOG, {"livechat": Connected("livechat")}))
    assert {one.rule for one in found} == {"unknown-name", "call-circle"}
    assert [one.file for one in found] == sorted(one.file for one in found)
    assert sum(one.rule == "call-circle" for one in found) == 2
