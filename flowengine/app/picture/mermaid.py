"""A flow as a Mermaid flowchart, for pages that draw those: repositories, wikis."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Final

from flowengine.app.picture.outline import Drawn, Outline, plain

_SHAPES: Final = {
    "if": ("{{", "}}"),
    "switch": ("{{", "}}"),
    "for_each": ("[[", "]]"),
    "repeat": ("[[", "]]"),
    "parallel": ("[/", "/]"),
    "try": ("[/", "/]"),
    "stop": ("([", "])"),
}
_COLOURS: Final = {
    "succeeded": "fill:#dafbe1,stroke:#1a7f37",
    "failed": "fill:#ffebe9,stroke:#cf222e",
    "timed_out": "fill:#ffebe9,stroke:#cf222e",
    "running": "fill:#ddf4ff,stroke:#0969da",
    "waiting": "fill:#fff8c5,stroke:#9a6700",
    "queued": "fill:#ddf4ff,stroke:#0969da",
    "skipped": "fill:#f6f8fa,stroke:#8c959f,stroke-dasharray: 4",
    "cancelled": "fill:#f6f8fa,stroke:#8c959f",
}

Exits = list[tuple[str, str]]
"""Boxes that lead on to what follows, each with the word on its arrow."""


def as_mermaid(picture: Outline) -> str:
    """The chart's text."""
    chart = _Chart()
    starts = [(chart.box(f"{start}", "([", "])"), "") for start in picture.starts]
    if picture.conditions:
        held = chart.box("only if " + "\nand ".join(picture.conditions), "{{", "}}")
        for name, _ in starts:
            chart.arrow(name, held, "")
        starts = [(held, "")]
    chart.sequence(picture.actions, starts)
    if picture.on_failure:
        chart.sequence(picture.on_failure, [(chart.box("on failure", "([", "])"), "")])
    used = sorted({status for status in chart.statuses if status})
    classes = [f"  classDef {status} {_COLOURS[status]}" for status in used]
    return "\n".join(["flowchart TD", *chart.lines, *classes]) + "\n"


class _Chart:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.statuses: list[str] = []
        self._numbers = count(1)

    def box(self, text: str, left: str = "[", right: str = "]", status: str = "") -> str:
        """Draw a box and give its id."""
        name = f"n{next(self._numbers)}"
        self.statuses.append(status)
        styled = f":::{status}" if status else ""
        self.lines.append(f'  {name}{left}"{_escaped(text)}"{right}{styled}')
        return name

    def sequence(self, actions: Sequence[Drawn], before: Exits) -> Exits:
        """Draw actions one under the other; gives what leads on from the last."""
        for action in actions:
            before = self._action(action, before)
        return before

    def _action(self, action: Drawn, before: Exits) -> Exits:
        told = f"\n{action.told}" if action.told else ""
        shape = _SHAPES.get(action.kind, ("[", "]"))
        box = self.box(f"{action.name}\n{action.about}{told}", *shape, status=action.status)
        for name, word in before:
            self.arrow(name, box, word)
        if action.kind == "stop":
            return []
        if not action.branches:
            return [(box, "")]
        if action.kind == "try":
            return self._try(action, box)
        exits = [one for branch in action.branches for one in self.sequence(branch.actions, [(box, branch.label)])]
        if action.kind in ("for_each", "repeat"):
            for name, _ in exits:
                self.arrow(name, box, "next")
            return [(box, "done")]
        open_end = action.kind == "switch" or (action.kind == "if" and len(action.branches) == 1)
        return [*exits, (box, "otherwise")] if open_end and not _has_default(action) else exits

    def _try(self, action: Drawn, box: str) -> Exits:
        """`finally` follows whatever came of the rest."""
        exits: Exits = []
        for branch in action.branches:
            before = (
                [(name, word or "finally") for name, word in exits]
                if branch.label == "finally"
                else [(box, branch.label)]
            )
            after = self.sequence(branch.actions, before)
            exits = after if branch.label == "finally" else [*exits, *after]
        return exits

    def arrow(self, left: str, right: str, word: str) -> None:
        self.lines.append(f'  {left} -->|"{_escaped(word)}"| {right}' if word else f"  {left} --> {right}")


def _has_default(action: Drawn) -> bool:
    return any(branch.label in ("default", "else") for branch in action.branches) and action.kind == "switch"


def _escaped(text: str) -> str:
    safe = plain(text).replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    return safe.replace("\n", "<br/>")
