"""A rule: its id, what it means, a wrong and a right example, and how it is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flowengine.findings import Finding, Severity
from flowengine.lint.context import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of mistake. `check` is None where the mistake is met while the file is read."""

    id: str
    meaning: str
    """Why it is a mistake and what follows from it, in a few sentences."""
    wrong: str
    """A flow, or the part of one that matters."""
    right: str
    severity: Severity = Severity.ERROR
    check: Callable[[Context], Iterator[Finding]] | None = None
