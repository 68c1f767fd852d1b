"""The pages made from tables are what the tables say."""

from __future__ import annotations

import re
from pathlib import Path

from flowengine.lint.linter import Project, check_flow
from flowengine.lint.reference import TABLES, rules_page, with_tables
from flowengine.manifests.catalog import Catalog, shipped_connectors
from flowengine.spec.conditions import OPERATORS

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_of_rules_is_up_to_date():
    assert (DOCS / "rules.md").read_text(encoding="utf-8") == rules_page(), "run: python scripts/reference.py"


def test_the_language_page_is_up_to_date_and_tells_every_table():
    page = (DOCS / "flow-language.md").read_text(encoding="utf-8")
    assert page == with_tables(page), "run: python scripts/reference.py"
    told = set(re.findall(r"<!-- table: ([\w-]+) -->", page))
    assert told == set(TABLES) - {"schedule"}  # told under the trigger of that name
    assert all(f"`{operator}`" in page for operator in OPERATORS)


def test_the_pages_example_has_no_mistake():
    page = (DOCS / "flow-language.md").read_text(encoding="utf-8")
    example = re.findall(r"```yaml\n(flow:.*?)```", page, re.DOTALL)[0]
    assert check_flow(example, "example.yaml", Project(Catalog([shipped_connectors()]))) == []
