"""The pages of reference that are made from tables: every rule, and the keys of the flow language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from flowengine.findings import Severity
from flowengine.lint.rules import RULES
from flowengine.spec.language import (
    ACTIONS,
    COMMON,
    CONDITION_GROUPS,
    FLOW,
    SCHEDULE,
    TRIGGER_COMMON,
    TRIGGERS,
    VERIFY,
    Construct,
    Key,
)

_PLACE = re.compile(r"(<!-- table: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def rules_page() -> str:
    """`docs/rules.md`."""
    told = [
        "# Rules",
        "",
        "What `flowengine check` looks for. `flowengine explain RULE` shows the same in a terminal. A finding that is meant as",
        "it is can be silenced: `# flowengine: ignore RULE` at the end of its line, or on the line above it; on top of the file,",
        "for the whole file. This page is made from the rules themselves: `python scripts/reference.py`.",
        "",
    ]
    for rule in sorted(RULES, key=lambda one: one.id):
        word = "warning" if rule.severity is Severity.WARNING else "error"
        told += [f"## {rule.id}", "", f"*{word}* · {rule.meaning}", ""]
        told += ["Wrong:", "", "```yaml", rule.wrong, "```", "", "Right:", "", "```yaml", rule.right, "```", ""]
    return "\n".join(told)


def with_tables(page: str) -> str:
    """A page with each `<!-- table: NAME -->` ... `<!-- end -->` filled from the language's table."""
    return _PLACE.sub(lambda match: f"{match[1]}{TABLES[match[2]]()}{match[3]}", page)


def _table(keys: Iterable[Key]) -> str:
    rows = ["| key | takes | meaning |", "|---|---|---|"]
    rows += [
        f"| `{key.name}`{' (required)' if key.required else ''} | {_takes(key)} | {_cell(key.doc)} |" for key in keys
    ]
    return "\n".join(rows) + "\n"


def _takes(key: Key) -> str:
    if key.choices:
        return ", ".join(f"`{word}`" for word in key.choices)
    return _cell(str(key.form))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _constructs(constructs: Iterable[Construct]) -> str:
    return "\n".join(_construct(one) for one in constructs)


def _construct(one: Construct) -> str:
    inside = [_inside(key) for key in one.keys if key.inside]
    parts = [f"### `{one.key}`", "", one.doc, "", f"```yaml\n{one.example}\n```", "", _table(one.keys), *inside]
    return "\n".join(parts)


def _inside(key: Key) -> str:
    return f"Under `{key.name}`:\n\n{_table(key.inside)}"


def _of(name: str, keys: Iterable[Key]) -> str:
    return next(_table(key.inside) for key in keys if key.name == name)


TABLES: dict[str, Callable[[], str]] = {
    "flow": lambda: _table(FLOW),
    "input": lambda: _of("inputs", FLOW),
    "triggers": lambda: _constructs(TRIGGERS.values()),
    "trigger-keys": lambda: _table(TRIGGER_COMMON),
    "schedule": lambda: _table(SCHEDULE),
    "verify": lambda: "\n".join(f"`{name}`:\n\n{_table(keys)}" for name, keys in VERIFY.items()),
    "conditions": lambda: _table(CONDITION_GROUPS),
    "actions": lambda: _constructs(ACTIONS.values()),
    "action-keys": lambda: _table(COMMON),
    "retry": lambda: _of("retry", COMMON),
}
"""What a page can ask for by name."""
