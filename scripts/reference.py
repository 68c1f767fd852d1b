"""Writes the pages of reference that are made from tables: docs/rules.md, and the tables in docs/flow-language.md."""

from __future__ import annotations

from pathlib import Path

from flowengine.lint.reference import rules_page, with_tables

DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    (DOCS / "rules.md").write_text(rules_page(), encoding="utf-8")
    page = DOCS / "flow-language.md"
    page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
