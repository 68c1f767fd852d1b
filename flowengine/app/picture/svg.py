"""A flow as SVG: actions in boxes, one under the other; what an action holds stands inside its box, branches side by side.

No script, no style from outside: the picture can stand on a page with a strict Content-Security-Policy or be opened by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from flowengine.app.picture.outline import Branch, Drawn, Outline, plain

ROW = 18
PAD = 12
GAP = 14
LETTER = 6.9
"""Pixels that a letter takes at most, near enough."""
NARROWEST = 170
_COLOURS: Final = {
    "": ("#ffffff", "#57606a"),
    "succeeded": ("#dafbe1", "#1a7f37"),
    "failed": ("#ffebe9", "#cf222e"),
    "timed_out": ("#ffebe9", "#cf222e"),
    "running": ("#ddf4ff", "#0969da"),
    "queued": ("#ddf4ff", "#0969da"),
    "waiting": ("#fff8c5", "#9a6700"),
    "skipped": ("#f6f8fa", "#8c959f"),
    "cancelled": ("#f6f8fa", "#8c959f"),
}


@dataclass(frozen=True, slots=True)
class _Box:
    """A box of known size; `x` and `y` within the one around it."""

    lines: tuple[str, ...]
    status: str
    width: float
    height: float
    inner: tuple[tuple[float, float, _Box], ...] = ()
    framed: bool = True


def as_svg(picture: Outline) -> str:
    """The whole file."""
    parts = [_column(picture.actions, "")]
    if picture.on_failure:
        parts.append(_column(picture.on_failure, "on failure"))
    starts = "starts: " + ", ".join(picture.starts)
    held = [f"only if {condition}" for condition in picture.conditions]
    whole = _beside((picture.name, starts, *held), "", parts)
    drawn = "\n".join(_draw(whole, PAD, PAD))
    width, height = whole.width + 2 * PAD, whole.height + 2 * PAD
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
        f' viewBox="0 0 {width:.0f} {height:.0f}" font-family="system-ui, sans-serif" font-size="12" role="img">\n'
        f"<title>{escape(plain(picture.name))}</title>\n{drawn}\n</svg>\n"
    )


def _column(actions: Sequence[Drawn], label: str) -> _Box:
    boxes = [_action(action) for action in actions]
    top: float = ROW if label else 0
    width = max([_wide((label,)), *(box.width for box in boxes)])
    placed: list[tuple[float, float, _Box]] = []
    for box in boxes:
        placed.append((0, top, box))
        top += box.height + GAP
    return _Box((label,) if label else (), "", width, max(top - GAP, 0), tuple(placed), framed=False)


def _action(action: Drawn) -> _Box:
    lines = tuple(line for line in (action.name, action.about, action.told) if line)
    if not action.branches:
        return _Box(lines, action.status, _wide(lines), ROW * len(lines) + PAD)
    return _beside(lines, action.status, [_branch(branch) for branch in action.branches])


def _branch(branch: Branch) -> _Box:
    return _column(branch.actions, branch.label)


def _beside(lines: tuple[str, ...], status: str, columns: Sequence[_Box]) -> _Box:
    """Columns side by side in one box under its lines."""
    left, top = float(PAD), ROW * len(lines) + PAD
    placed = []
    for column in columns:
        placed.append((left, float(top), column))
        left += column.width + GAP
    height = top + max((column.height for column in columns), default=0) + PAD
    return _Box(lines, status, max(_wide(lines), left - GAP + PAD), height, tuple(placed))


def _wide(lines: Sequence[str]) -> float:
    return max([NARROWEST, *(len(line) * LETTER + 2 * PAD for line in lines)])


def _draw(box: _Box, x: float, y: float) -> list[str]:
    fill, line = _COLOURS[box.status]
    drawn = []
    if box.framed:
        dashed = ' stroke-dasharray="4"' if box.status == "skipped" else ""
        drawn.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="6"'
            f' fill="{fill}" stroke="{line}"{dashed}/>'
        )
    for index, text in enumerate(box.lines):
        bold = ' font-weight="600"' if index == 0 and box.framed else ' fill="#57606a"'
        inset = PAD if box.framed else 0
        drawn.append(
            f'<text x="{x + inset:.1f}" y="{y + ROW * (index + 1) - 3 if box.framed else y + ROW - 6:.1f}"{bold}>'
            f"{escape(plain(text))}</text>"
        )
    for left, top, inner in box.inner:
        drawn += _draw(inner, x + left, y + top)
    return [*drawn, *_arrows(box, x, y)]


def _arrows(box: _Box, x: float, y: float) -> list[str]:
    """Short lines between the boxes of a column."""
    if box.framed:
        return []
    at = x + PAD * 2
    return [
        f'<path d="M{at:.1f} {y + top - GAP:.1f} v{GAP - 4} m-3 -4 l3 4 l3 -4" fill="none" stroke="#57606a"/>'
        for _, top, _ in box.inner[1:]
    ]
