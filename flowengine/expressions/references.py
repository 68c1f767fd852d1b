"""What a template refers to, with places: for the linter, and for sending no more data than is needed.

`references("{{ trigger.ticket.subject | upper }}")` gives the chain `trigger`, `ticket`, `subject` and the filter `upper`, each
with the offsets of its first character and of the one after its last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

from jinja2 import nodes

from flowengine.expressions import syntax
from flowengine.types import Json

Place: TypeAlias = tuple[int, int]
"""Start and end offset in the template's text; the end is exclusive."""

MAY_BE_MISSING = frozenset({"default", "d", "coalesce", "empty", "defined", "undefined", "exists"})
"""Filters, tests and functions that take a missing value without complaint."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A name and the fields read from it, as far as they are fixed: `a.b[0]['c']` is `("a", "b", 0, "c")`."""

    parts: tuple[str | int, ...]
    places: tuple[Place, ...]
    """One for each part."""
    optional: bool = False
    """Whether it may be missing: it stands before `default(...)`, in `coalesce(...)`, or is tested by `is defined`."""
    open: bool = False
    """Whether it goes on by something computed, such as `a.b[i]`."""

    @property
    def root(self) -> str:
        return str(self.parts[0])

    def __str__(self) -> str:
        return "".join(
            str(part) if index == 0 else f".{part}" if _is_word(part) else f"[{part!r}]"
            for index, part in enumerate(self.parts)
        )


@dataclass(frozen=True, slots=True)
class Use:
    """A filter, test or function that is used."""

    name: str
    place: Place
    subject: Chain | None = None
    """What a filter or test is applied to, when that is a plain chain."""
    arguments: tuple[Json, ...] = ()
    """The arguments written as plain values, in order; those that are computed are None."""
    named: tuple[tuple[str, Json], ...] = ()
    """The named arguments written as plain values."""
    count: int = 0
    """How many arguments there are, named ones too."""


@dataclass(frozen=True, slots=True)
class References:
    """Everything one template refers to. Names that the template makes itself are left out."""

    chains: tuple[Chain, ...] = ()
    filters: tuple[Use, ...] = ()
    tests: tuple[Use, ...] = ()
    functions: tuple[Use, ...] = ()
    alone: bool = False
    """Whether the text is exactly one `{{ ... }}`, which keeps its type."""
    picks: Chain | None = None
    """The chain, when the text is exactly one `{{ chain }}`: it gives a value as it stands."""

    @property
    def names(self) -> frozenset[str]:
        """The names that must be in scope."""
        return frozenset(chain.root for chain in self.chains)


NOTHING = References()


@lru_cache(maxsize=4096)
def references(text: str) -> References:
    """What a text refers to. Raises `ExpressionError`, with the place, for a template that cannot be read."""
    if not syntax.is_template(text):
        return NOTHING
    tree = syntax.parsed(text)
    found = _Found(text)
    found.visit(tree, optional=False)
    local = {node.name for node, _ in syntax.every_node(tree) if isinstance(node, nodes.Name) and node.ctx != "load"}
    local |= {node.name for node, _ in syntax.every_node(tree) if isinstance(node, nodes.Macro)}
    alone = lone_expression(tree)
    return References(
        chains=tuple(_settled(found.chains, found.tests, local)),
        filters=tuple(found.filters),
        tests=tuple(found.tests),
        functions=tuple(use for use in found.functions if use.name not in local),
        alone=alone is not None,
        picks=found.chain(alone) if isinstance(alone, nodes.Name | nodes.Getattr | nodes.Getitem) else None,
    )


def lone_expression(tree: nodes.Template) -> nodes.Expr | None:
    """The expression of a template that is exactly one `{{ ... }}`, blanks around it aside."""
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output):
        return None
    parts = [
        node for node in tree.body[0].nodes if not (isinstance(node, nodes.TemplateData) and not node.data.strip())
    ]
    return parts[0] if len(parts) == 1 and not isinstance(parts[0], nodes.TemplateData) else None


def _settled(chains: list[Chain], tests: list[Use], local: set[str]) -> Iterator[Chain]:
    tested = [use.subject.parts for use in tests if use.subject and use.name in MAY_BE_MISSING]
    for chain in sorted(chains, key=lambda chain: chain.places):
        if chain.root not in local:
            covered = any(chain.parts[: len(parts)] == parts for parts in tested)
            yield replace(chain, optional=True) if covered else chain


def _is_word(part: str | int) -> bool:
    return isinstance(part, str) and part.isidentifier()


class _Found:
    """Collects while walking a tree."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.chains: list[Chain] = []
        self.filters: list[Use] = []
        self.tests: list[Use] = []
        self.functions: list[Use] = []
        self.loops = 0
        """How many `{% for %}` surround the node: in there, `loop` is the template's own."""

    def visit(self, node: nodes.Node, *, optional: bool) -> None:
        match node:
            case nodes.Name(ctx="load") | nodes.Getattr() | nodes.Getitem():
                self._chain(node, optional=optional)
            case nodes.Call(node=nodes.Name()):
                self._call(node)
            case nodes.Call(node=nodes.Getattr() as method):
                self.visit(method.node, optional=False)
                self._rest(node, skip=method, optional=False)
            case nodes.Filter():
                self._filter(node)
            case nodes.Test():
                self._test(node)
            case nodes.For():
                self._for(node)
            case _:
                keeps = isinstance(node, nodes.CondExpr | nodes.Or)
                self._rest(node, optional=optional and keeps)

    def _rest(self, node: nodes.Node, *, optional: bool, skip: nodes.Node | None = None) -> None:
        for child in node.iter_child_nodes():
            if child is not skip:
                self.visit(child, optional=optional)

    def chain(self, node: nodes.Node) -> Chain | None:
        """The chain a node stands for; None when it does not begin with a name."""
        match node:
            case nodes.Name():
                return Chain((node.name,), ((node.lineno, node.lineno + len(node.name)),))
            case nodes.Getattr():
                start = self.text.find(node.attr, node.lineno)
                return self._longer(node.node, node.attr, (start, start + len(node.attr)))
            case nodes.Getitem(arg=nodes.Const(value=str() as key) as arg):
                return self._longer(node.node, key, (arg.lineno + 1, arg.lineno + 1 + len(key)))
            case nodes.Getitem(arg=nodes.Const(value=int() as index) as arg) if not isinstance(index, bool):
                return self._longer(node.node, index, (arg.lineno, arg.lineno + len(str(index))))
            case nodes.Getitem():
                owner = self.chain(node.node)
                return replace(owner, open=True) if owner else None
        return None

    def _longer(self, owner: nodes.Node, part: str | int, place: Place) -> Chain | None:
        before = self.chain(owner)
        if before is None or before.open:
            return before
        return replace(before, parts=(*before.parts, part), places=(*before.places, place))

    def _chain(self, node: nodes.Node, *, optional: bool) -> None:
        found = self.chain(node)
        if found and not (self.loops and found.root == "loop"):
            self.chains.append(replace(found, optional=optional))
        while isinstance(node, nodes.Getattr | nodes.Getitem):
            if isinstance(node, nodes.Getitem) and not isinstance(node.arg, nodes.Const):
                self.visit(node.arg, optional=False)
            node = node.node
        if not isinstance(node, nodes.Name):
            self.visit(node, optional=optional)

    def _call(self, node: nodes.Call) -> None:
        name = node.node
        assert isinstance(name, nodes.Name)
        self.functions.append(self._use(name.name, name.lineno, node, None))
        self._rest(node, skip=name, optional=name.name in MAY_BE_MISSING)

    def _filter(self, node: nodes.Filter) -> None:
        subject = self.chain(node.node) if node.node is not None else None
        self.filters.append(self._use(node.name, node.lineno, node, subject))
        if node.node is not None:
            self.visit(node.node, optional=node.name in MAY_BE_MISSING)
        self._rest(node, skip=node.node, optional=False)

    def _test(self, node: nodes.Test) -> None:
        start = self.text.find(node.name, node.lineno)
        self.tests.append(self._use(node.name, max(start, node.lineno), node, self.chain(node.node)))
        self.visit(node.node, optional=node.name in MAY_BE_MISSING)
        self._rest(node, skip=node.node, optional=False)

    def _for(self, node: nodes.For) -> None:
        self.visit(node.iter, optional=False)
        self.loops += 1
        self._rest(node, skip=node.iter, optional=False)
        self.loops -= 1

    def _use(self, name: str, start: int, node: nodes.Call | nodes.Filter | nodes.Test, subject: Chain | None) -> Use:
        return Use(
            name=name,
            place=(start, start + len(name)),
            subject=subject,
            arguments=tuple(_constant(argument) for argument in node.args),
            named=tuple((pair.key, _constant(pair.value)) for pair in node.kwargs if isinstance(pair, nodes.Keyword)),
            count=len(node.args) + len(node.kwargs),
        )


def _constant(node: nodes.Node) -> Json:
    return node.value if isinstance(node, nodes.Const) else None
