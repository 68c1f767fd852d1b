"""Which results of a run still stand when it is done again from one of its actions.

What stands before that action in the order of the file is kept, and so is what went on beside it: other branches of a
`parallel`, other iterations of a loop whose iterations do not wait for one another. The action itself, what is inside it, what
follows it, and the containers it stands in are done again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from flowengine.errors import Conflict, NotFound
from flowengine.findings import did_you_mean
from flowengine.spec.actions import Action, ForEach, Parallel
from flowengine.spec.flow import Flow, children
from flowengine.store.records import ActionRecord, Mark
from flowengine.types import Path, Status, format_path

COSTLY = ("use", "call", "ask", "wait_for")
"""Kinds of actions whose repetition others would notice."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a new run begins with."""

    actions: tuple[ActionRecord, ...] = ()
    marks: tuple[Mark, ...] = ()


@dataclass(slots=True)
class _Order:
    """Where each written action stands: its place in reading order, its branch, and the loops that do not wait."""

    places: dict[Path, int] = field(default_factory=dict)
    branches: dict[Path, int] = field(default_factory=dict)
    parallels: set[Path] = field(default_factory=set)
    side_by_side: set[Path] = field(default_factory=set)


def point_of(flow: Flow, actions: Sequence[ActionRecord], wanted: str) -> Path:
    """The path that a person means by an action's path or name; of several iterations, the first that did not succeed.

    Raises `NotFound` with what there is.
    """
    written = {path: action.name for path, action in flow.walk()}
    asked = tuple(int(part) if part.isdecimal() else part for part in wanted.strip("/").split("/"))
    fitting = [path for path, name in written.items() if _written(asked) == path or wanted == name]
    if not fitting:
        fitting = [path for path in written if path[-1] == wanted]
    if not fitting:
        known = [format_path(path) for path in written]
        raise NotFound(f'the flow "{flow.id}" has no action "{wanted:.80}"; {did_you_mean(wanted, known)}'.rstrip("; "))
    if len(fitting) > 1:
        raise Conflict(
            f'several actions are called "{wanted:.80}": write the path, {format_path(fitting[0])} or another'
        )
    if asked != fitting[0] and _written(asked) == fitting[0]:
        return asked
    met = [each for each in actions if _written(each.path) == fitting[0]]
    broken = [each for each in met if each.status is not Status.SUCCEEDED]
    return (broken or met)[0].path if met else fitting[0]


def kept_before(flow: Flow, point: Path, actions: Sequence[ActionRecord], marks: Sequence[Mark]) -> Kept:
    """The records that the new run begins with.

    Raises `Conflict` when the flow does not say any more what has been done: it would be done twice.
    """
    order = _order_of(flow)
    lost = [
        each
        for each in actions
        if each.kind in COSTLY and each.status is Status.SUCCEEDED and not _known(order, each.path)
    ]
    if lost:
        names = ", ".join(format_path(each.path) for each in lost[:3])
        raise Conflict(
            f"{names} succeeded in the run but stands elsewhere in the newest version, where it would be done a second time:"
            " resubmit with the original version, or the whole run"
        )
    # Cancelled and unfinished ones are no results.
    settled = (Status.SUCCEEDED, Status.FAILED, Status.TIMED_OUT, Status.SKIPPED)
    kept = tuple(each for each in actions if each.status in settled and _stands(order, each.path, point))
    paths = {each.path for each in kept}
    return Kept(kept, tuple(each for each in marks if each.kind in ("now", "answer") and _belongs(each.path, paths)))


def _stands(order: _Order, path: Path, point: Path) -> bool:
    for at, (mine, its) in enumerate(zip(path, point, strict=False)):
        if mine != its:
            return _before(order, path[: at + 1], point[: at + 1])
    return False  # the action itself, what is inside it, or what it stands in


def _before(order: _Order, mine: Path, its: Path) -> bool:
    """Of two places in one list, or two iterations of one loop: whether the first does not depend on the second."""
    within = _written(mine[:-1])
    one, other = mine[-1], its[-1]
    if isinstance(one, int) and isinstance(other, int):
        return within in order.side_by_side or one < other
    here, there = _written(mine), _written(its)
    if here not in order.places or there not in order.places:
        return False
    if within in order.parallels and order.branches[here] != order.branches[there]:
        return True
    return order.places[here] < order.places[there]


def _order_of(flow: Flow) -> _Order:
    order = _Order({path: number for number, (path, _) in enumerate(flow.walk())})
    for path, action in flow.walk():
        _note(order, path, action)
    return order


def _note(order: _Order, path: Path, action: Action) -> None:
    match action:
        case Parallel():
            order.parallels.add(path)
            for number, branch in enumerate(children(action)):
                order.branches.update({(*path, each.key): number for each in branch})
        case ForEach() if action.at_once > 1:
            order.side_by_side.add(path)
        case _:
            pass


def _known(order: _Order, path: Path) -> bool:
    """Whether it is written in the flow, or is one of the inner halves of an action that is."""
    return _written(path) in order.places or _written(path[:-1]) in order.places


def _belongs(path: Path, kept: Iterable[Path]) -> bool:
    return path in kept


def _written(path: Path) -> Path:
    return tuple(part for part in path if isinstance(part, str))
