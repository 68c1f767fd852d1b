"""A flow as a picture: boxes in reading order, branches side by side, loops in a frame; in a run, with the path it took.

The layout is a recursion over the flow's own structure: every part is a block with a width, a height and an axis on which
the line of reading enters above and leaves below. Nothing is computed in the browser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from flowengine.server.pages.passing import Way
from flowengine.server.pages.shown import mark, word
from flowengine.spec.actions import Action, ForEach, If, Parallel, Repeat, Switch, Try
from flowengine.spec.flow import Flow, children
from flowengine.spec.words import does, starts
from flowengine.types import Path, Status, format_path

WIDTH: Final = 236
HEIGHT: Final = 48
GAP: Final = 26
BETWEEN: Final = 22
INSET: Final = 14
LABEL: Final = 20
MARGIN: Final = 8
TITLE: Final = 26
WHAT: Final = 31
"""Characters of a box's two lines."""

State = Literal["", "taken", "not"]
"""Of a line: in a run, whether it went there."""


@dataclass(frozen=True, slots=True)
class Box:
    """An action, or the trigger. Units are pixels."""

    x: float
    y: float
    title: str
    what: str
    path: str
    """The action's path in the run, by which it is chosen; empty for a trigger."""
    status: str = ""
    tone: str = ""
    shape: str = ""
    told: str = ""
    """All of it in words, for those who hear it."""
    width: float = WIDTH
    height: float = HEIGHT


@dataclass(frozen=True, slots=True)
class Frame:
    """Around what a loop repeats."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """From one place to another; a bend where they are not above each other."""

    x1: float
    y1: float
    x2: float
    y2: float
    state: State = ""
    arrow: bool = True

    @property
    def way(self) -> str:
        """As an SVG path."""
        if abs(self.x1 - self.x2) < 0.5:
            return f"M{self.x1:g} {self.y1:g}V{self.y2:g}"
        middle = (self.y1 + self.y2) / 2
        return f"M{self.x1:g} {self.y1:g}C{self.x1:g} {middle:g} {self.x2:g} {middle:g} {self.x2:g} {self.y2:g}"


@dataclass(frozen=True, slots=True)
class Text:
    """What a branch is called."""

    x: float
    y: float
    text: str


Part = Box | Frame | Line | Text


@dataclass(frozen=True, slots=True)
class Block:
    """A laid out part: its size, where its axis stands, and what is drawn, measured from its own corner."""

    width: float
    height: float
    axis: float
    parts: tuple[Part, ...] = ()
    state: State = ""
    """Of the lines that lead to it."""

    def moved(self, x: float, y: float) -> Iterator[Part]:
        """What is drawn, elsewhere."""
        for part in self.parts:
            match part:
                case Line():
                    yield replace(part, x1=part.x1 + x, x2=part.x2 + x, y1=part.y1 + y, y2=part.y2 + y)
                case _:
                    yield replace(part, x=part.x + x, y=part.y + y)


@dataclass(frozen=True, slots=True)
class Did:
    """What a run did at a path, as far as the picture tells."""

    status: Status
    told: str = ""
    """Such as how long it took."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that is drawn, and the size of the sheet."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    frames: tuple[Frame, ...]
    lines: tuple[Line, ...]
    texts: tuple[Text, ...]


Round = Callable[[Path], int | None]
"""Which iteration of the loop at a path is shown; None where there is none."""


def draw(
    flow: Flow,
    did: Mapping[Path, Did] | None = None,
    chosen_round: Round = lambda _: None,
    passed: Mapping[Way, str] | None = None,
) -> Picture:
    """The flow's picture; with `did`, as a run went through it, and with what `passed` along its lines."""
    pen = _Pen(did, chosen_round, passed or {})
    block = pen.sequence(flow.actions, (), above=_trigger(flow, began=did is not None))
    if flow.on_failure:
        block = _below(block, pen.aside(flow.on_failure))
    parts = list(block.moved(MARGIN, MARGIN))
    return Picture(
        width=round(block.width + 2 * MARGIN),
        height=round(block.height + 2 * MARGIN),
        boxes=tuple(part for part in parts if isinstance(part, Box)),
        frames=tuple(part for part in parts if isinstance(part, Frame)),
        lines=tuple(part for part in parts if isinstance(part, Line)),
        texts=tuple(part for part in parts if isinstance(part, Text)),
    )


def _trigger(flow: Flow, *, began: bool) -> Block:
    told = " or ".join(starts(trigger) for trigger in flow.triggers)
    box = Box(0, 0, "When", _cut(told, WHAT), "", told=f"starts: {told}", tone="live" if began else "")
    return Block(WIDTH, HEIGHT, WIDTH / 2, (box,), "taken" if began else "")


@dataclass(frozen=True, slots=True)
class _Pen:
    did: Mapping[Path, Did] | None
    chosen_round: Round
    passed: Mapping[Way, str]

    def sequence(self, actions: Sequence[Action], parent: Path, above: Block | None = None) -> Block:
        """One below the other."""
        blocks = [*([above] if above else []), *(self.action(action, parent) for action in actions)]
        if not blocks:
            return Block(40, 8, 20)
        axis = max(block.axis for block in blocks)
        width = axis + max(block.width - block.axis for block in blocks)
        parts: list[Part] = []
        y = 0.0
        for at, block in enumerate(blocks):
            if at:
                parts.append(Line(axis, y, axis, y + GAP, block.state))
                y += GAP
            parts += block.moved(axis - block.axis, y)
            y += block.height
        return Block(width, y, axis, tuple(parts), blocks[0].state)

    def action(self, action: Action, parent: Path) -> Block:
        """A box, and below it what it holds."""
        path = (*parent, action.key)
        head = self.box(action, path)
        match action:
            case ForEach() | Repeat():
                return _stacked(head, self.loop(action, path), self.along(path, 0))
            case Try():
                return self.attempt(head, action, path)
            case If() | Switch() | Parallel():
                return self.branches(head, action, path)
            case _:
                return head

    def box(self, action: Action, path: Path) -> Block:
        did = self.did.get(path) if self.did is not None else None
        tone = mark(did.status).tone if did else ("off" if self.did is not None else "")
        status = word(did.status) if did else ""
        room = WHAT - 3 if did else WHAT
        what = f"{_cut(does(action), room - len(did.told) - 3)} · {did.told}" if did and did.told else does(action)
        came = (status or self._unreached(), did.told if did else "", *self.ways(action, path))
        told = ", ".join(filter(None, (action.name, does(action), *came)))
        box = Box(
            0, 0, _cut(action.name, TITLE), _cut(what, room), format_path(path), status, tone,
            mark(did.status).shape if did else "", told,
        )  # fmt: skip
        return Block(WIDTH, HEIGHT, WIDTH / 2, (box,), self._state(did))

    def along(self, path: Path, way: int) -> str:
        """How many went there; nothing where it is not told."""
        return self.passed.get((tuple(part for part in path if isinstance(part, str)), way), "")

    def ways(self, action: Action, path: Path) -> Iterator[str]:
        """The same of all of an action's lists, with their names."""
        for number, name in enumerate(_names(action)):
            if told := self.along(path, number):
                yield f"{name} {told}".strip()

    def _unreached(self) -> str:
        return "" if self.did is None else "not reached"

    def _state(self, did: Did | None) -> State:
        if self.did is None:
            return ""
        return "taken" if did and did.status is not Status.SKIPPED else "not"

    def loop(self, action: ForEach | Repeat, path: Path) -> Block:
        """What is repeated, in a frame, as it went in one iteration."""
        shown = self.chosen_round(path)
        inside = self.sequence(action.do, path if shown is None else (*path, shown))
        width, height = inside.width + 2 * INSET, inside.height + 2 * INSET + LABEL
        name = "each time" if shown is None else f"item {shown + 1}"
        parts = (
            Frame(0, 0, width, height),
            Text(INSET - 4, 15, name),
            *inside.moved(INSET, INSET + LABEL),
        )
        return Block(width, height, inside.axis + INSET, parts, inside.state)

    def attempt(self, head: Block, action: Try, path: Path) -> Block:
        """`try` with `catch` beside it, and what happens in any case below."""
        block = self.branches(head, action, path)
        if not action.finally_:
            return block
        lower = self.sequence(action.finally_, path)
        return _stacked(block, lower, "in any case")

    def branches(self, head: Block, action: Action, path: Path) -> Block:
        """Side by side below the head, joined again below them."""
        named = zip(_names(action), children(action), strict=False)  # `finally` is no branch and has no name
        blocks = [
            (" · ".join(filter(None, (name, self.along(path, number)))), self.sequence(actions, path))
            for number, (name, actions) in enumerate(named)
        ]
        total = sum(_lane(name, block) for name, block in blocks) + BETWEEN * (len(blocks) - 1)
        width = max(head.width, total)
        axis = width / 2
        top = head.height + GAP + LABEL
        bottom = top + max(block.height for _, block in blocks) + GAP
        parts: list[Part] = list(head.moved(axis - head.axis, 0))
        x = (width - total) / 2
        for name, block in blocks:
            centre = x + block.axis
            state = block.state or ("not" if self.did is not None and not block.parts else "")
            parts.append(Line(axis, head.height, centre, top - LABEL, state, arrow=False))
            parts.append(Line(centre, top - LABEL, centre, top, state, arrow=bool(block.parts)))
            parts.append(Text(centre + 7, top - 7, name))
            parts += block.moved(x, top)
            parts.append(Line(centre, top + block.height, centre, bottom - GAP, state, arrow=False))
            parts.append(Line(centre, bottom - GAP, axis, bottom, state, arrow=False))
            x += _lane(name, block) + BETWEEN
        return Block(width, bottom, axis, tuple(parts), head.state)

    def aside(self, actions: Sequence[Action]) -> Block:
        """What runs when the run failed."""
        inside = self.sequence(actions, ("on_failure",))
        width, height = inside.width + 2 * INSET, inside.height + 2 * INSET + LABEL
        parts = (
            Frame(0, 0, width, height),
            Text(INSET - 4, 15, "when the run failed"),
            *inside.moved(INSET, INSET + LABEL),
        )
        return Block(width, height, inside.axis + INSET, parts, inside.state)


def _names(action: Action) -> list[str]:
    """What the lists in an action are called, those that may be taken or not."""
    match action:
        case If():
            return ["yes", "no"]
        case Switch():
            return [*(_cut(str(case), 18) for case, _ in action.cases), "else"]
        case Parallel():
            return [str(number) for number in range(1, len(action.branches) + 1)]
        case Try():
            return ["try", *(["on failure"] if action.catch is not None else [])]
        case ForEach() | Repeat():
            return [""]
        case _:
            return []


def _lane(name: str, block: Block) -> float:
    """The width that a branch takes, with its name, which stands to the right of its line."""
    return max(block.width, block.axis + 14 + 6.5 * len(name))


def _stacked(upper: Block, lower: Block, name: str = "") -> Block:
    """One block below another, on one axis."""
    gap = GAP + (LABEL if name else 0)
    axis = max(upper.axis, lower.axis)
    width = axis + max(upper.width - upper.axis, lower.width - lower.axis)
    y = upper.height + gap
    parts = [
        *upper.moved(axis - upper.axis, 0),
        Line(axis, upper.height, axis, y, lower.state),
        *([Text(axis + 7, y - 8, name)] if name else []),
        *lower.moved(axis - lower.axis, y),
    ]
    return Block(width, y + lower.height, axis, tuple(parts), upper.state)


def _below(upper: Block, lower: Block) -> Block:
    """One block below another without a line."""
    width = max(upper.width, lower.width)
    y = upper.height + 2 * GAP
    parts = (*upper.moved((width - upper.width) / 2, 0), *lower.moved((width - lower.width) / 2, y))
    return Block(width, y + lower.height, width / 2, parts)


def _cut(text: str, longest: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: max(longest - 1, 1)] + "…"
