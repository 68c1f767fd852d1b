"""What a template gives, and what in it cannot work: the shapes of its parts, from the names up.

Only what is certain is told; a part of which nothing is known silences every check above it. Names that are missing, and fields
read straight from a name of the flow, are other rules' work: here are the rest, such as fields behind a filter or in a loop.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from jinja2 import nodes

from flowengine.expressions import syntax
from flowengine.expressions.environment import METHODS, TESTS
from flowengine.expressions.functions import FILTERS
from flowengine.expressions.references import MAY_BE_MISSING, Place, lone_expression
from flowengine.findings import Severity, did_you_mean, nearest
from flowengine.lint.comparing import Mistake, added, compared
from flowengine.lint.functions import gives, misused, unfit
from flowengine.lint.shapes import BOOLEAN, MOMENT, NUMBER, TEXT, UNKNOWN, Shape, list_of, merged, of_value, record

_BY_FIELD = frozenset({"selectattr", "rejectattr", "groupby"})
_PICKING = frozenset({"select", "reject", "selectattr", "rejectattr"})
_LOOP = record(
    **dict.fromkeys(("index", "index0", "revindex", "revindex0", "length", "depth", "depth0"), NUMBER),
    **dict.fromkeys(("first", "last"), BOOLEAN),
    **dict.fromkeys(("previtem", "nextitem", "cycle", "changed"), UNKNOWN),
)
_PATTERN = re.compile(r"y{2,4}|H{1,2}|d{1,4}.|M{1,4}.")


@dataclass(frozen=True, slots=True)
class Inferred:
    """What a template gives, and its mistakes."""

    shape: Shape
    mistakes: tuple[Mistake, ...] = ()


def infer(text: str, names: Mapping[str, Shape]) -> Inferred:
    """Look through a template that reads these names. Raises `ExpressionError` when it cannot be read."""
    tree = syntax.parsed(text)
    look = _Look(text, names)
    alone = lone_expression(tree)
    if alone is not None:
        shape = look.at(alone)
        return Inferred(shape, tuple(look.mistakes))
    look.inside(tree)
    return Inferred(TEXT, tuple(look.mistakes))


@dataclass(slots=True)
class _Look:
    text: str
    names: Mapping[str, Shape]
    local: dict[str, Shape] = field(default_factory=dict)
    """Names that the template makes itself."""
    mistakes: list[Mistake] = field(default_factory=list)
    lenient: int = 0
    """How many `default(...)` and the like stand around: what is missing there is meant to be."""

    def at(self, node: nodes.Node) -> Shape:
        """The shape of an expression."""
        match node:
            case nodes.Const(value=value):
                return of_value(value)
            case nodes.TemplateData():
                return TEXT
            case nodes.Name(name=name):
                return self.local.get(name) or self.names.get(name, UNKNOWN)
            case nodes.Getattr(node=owner, attr=name):
                start = self.text.find(name, node.lineno)
                return self._field(owner, name, (start, start + len(name)))
            case nodes.Getitem(node=owner, arg=nodes.Const(value=str() as name) as key):
                return self._field(owner, name, (key.lineno + 1, key.lineno + 1 + len(name)))
            case nodes.Getitem(node=owner, arg=key):
                return self._item(owner, key)
            case nodes.Filter():
                return self._filter(node)
            case nodes.Call():
                return self._call(node)
            case nodes.Compare():
                return self._compare(node)
            case nodes.CondExpr() | nodes.Or() | nodes.And():
                return self._branches(node)
            case _:
                return self._made(node)

    def inside(self, node: nodes.Node) -> None:
        """Look at everything below."""
        for child in node.iter_child_nodes():
            self._statement(child)

    def _statement(self, node: nodes.Node) -> None:
        match node:
            case nodes.For():
                self._for(node)
            case nodes.Assign(target=nodes.Name(name=name), node=value):
                self.local[name] = self.at(value)
            case nodes.Macro() | nodes.CallBlock() | nodes.AssignBlock():
                for name in _stored(node):
                    self.local[name] = UNKNOWN
                self.inside(node)
            case nodes.Expr():
                self.at(node)
            case _:
                self.inside(node)

    def _for(self, node: nodes.For) -> None:
        before = dict(self.local)
        items = self.at(node.iter).settled()
        for name in _stored(node.target):
            self.local[name] = UNKNOWN
        if isinstance(node.target, nodes.Name):
            self.local[node.target.name] = items.item or UNKNOWN
        self.local["loop"] = _LOOP
        if node.test is not None:
            self.at(node.test)
        for child in (*node.body, *node.else_):
            self._statement(child)
        self.local = before

    def _made(self, node: nodes.Node) -> Shape:
        """Operators and literals, whose parts are looked at in any case."""
        match node:
            case nodes.List(items=items) | nodes.Tuple(items=items):
                return list_of(merged([self.at(item) for item in items]) if items else UNKNOWN)
            case nodes.Dict(items=pairs):
                fields = {str(getattr(pair.key, "value", "")): self.at(pair.value) for pair in pairs}
                named = all(isinstance(pair.key, nodes.Const) for pair in pairs)
                return Shape("object", fields, closed=True) if named else Shape("object")
            case nodes.Test(node=subject):
                self._patient(subject, node.name in MAY_BE_MISSING)
                self._rest(node.args)
                return BOOLEAN
        parts = [self.at(child) for child in node.iter_child_nodes() if isinstance(child, nodes.Expr)]
        match node:
            case nodes.Not():
                return BOOLEAN
            case nodes.Concat():
                return TEXT
            case nodes.Sub() | nodes.Mul() | nodes.Div() | nodes.FloorDiv() | nodes.Mod() | nodes.Pow() | nodes.Neg():
                return NUMBER if all(_is(part, "number") for part in parts) else UNKNOWN
            case nodes.Add(left=left, right=right):
                sign = self._operator("+", left.lineno, right.lineno)
                self.mistakes.extend(added(sign, parts[0].settled(), parts[1].settled()))
                return merged(parts) if all(_is(part, "number") or _is(part, "string") for part in parts) else UNKNOWN
        return UNKNOWN

    def _rest(self, parts: Iterable[nodes.Node]) -> None:
        for part in parts:
            self.at(part.value if isinstance(part, nodes.Keyword) else part)

    def _patient(self, node: nodes.Node, lenient: bool) -> Shape:
        """Look at a part that may be missing."""
        self.lenient += lenient
        shape = self.at(node)
        self.lenient -= lenient
        return shape

    def _branches(self, node: nodes.CondExpr | nodes.Or | nodes.And) -> Shape:
        if isinstance(node, nodes.CondExpr):
            self.at(node.test)
            yes, no = self.at(node.expr1), self.at(node.expr2) if node.expr2 is not None else UNKNOWN
        else:
            yes, no = self.at(node.left), self.at(node.right)
        same = yes.settled().type == no.settled().type and yes.settled().type not in (None, "object", "array")
        return Shape(yes.settled().type) if same else UNKNOWN

    def _field(self, owner: nodes.Node, name: str, place: Place) -> Shape:
        settled = self.at(owner).settled()
        if name.startswith("__"):
            self._tell("unknown-field", place, f'"{name}" cannot be read', "templates read data, nothing inside Python")
            return UNKNOWN
        if settled.type == "object" and settled.fields is not None:
            if name in settled.fields:
                return settled.fields[name]
            if not self._is_plain(owner):
                self._no_field(settled, name, place)
        elif (
            settled.type in ("array", "string", "number", "boolean") and not self._is_plain(owner) and not self.lenient
        ):
            told = f'{settled.words} stands before ".{name}", which has no fields'
            hint = "take one of its items first: (list | first)" if settled.type == "array" else "read the whole of it"
            self._tell("unknown-field", place, told, hint)
        return UNKNOWN

    def _no_field(self, owner: Shape, name: str, place: Place) -> None:
        names = tuple(owner.fields or ())
        near = nearest(name, names)
        if self.lenient and near is None:
            return
        certain = (owner.closed or near is not None) and not self.lenient
        told = f'there is no field "{name}"' if certain else f'a field "{name}" is not known'
        severity = Severity.ERROR if certain else Severity.WARNING
        self._tell("unknown-field", place, told, did_you_mean(name, names), severity)

    def _is_plain(self, node: nodes.Node) -> bool:
        """Whether it is a chain from a name of the flow, which `unknown-field` looks at by itself."""
        while isinstance(node, nodes.Getattr | nodes.Getitem):
            if isinstance(node, nodes.Getitem) and not isinstance(node.arg, nodes.Const):
                return False
            node = node.node
        return isinstance(node, nodes.Name) and node.name not in self.local

    def _item(self, owner: nodes.Node, key: nodes.Node) -> Shape:
        settled = self.at(owner).settled()
        self.at(key)
        if settled.type != "array":
            return UNKNOWN
        return settled if isinstance(key, nodes.Slice) else settled.item or UNKNOWN

    def _filter(self, node: nodes.Filter) -> Shape:
        if node.node is None:  # {% filter upper %}
            self._rest(node.args)
            return TEXT
        subject = self._patient(node.node, node.name in MAY_BE_MISSING)
        place = (node.lineno, node.lineno + len(node.name))
        self._check_use(node, node.name, place, as_filter=True)
        wanted = None if self.lenient else unfit(node.name, subject)
        if wanted:
            told = f'"{node.name}" works on {wanted}, and {subject.settled().words} stands before it'
            self._tell("wrong-value", place, told)
        self._rest((*node.args, *node.kwargs))
        item = subject.settled().item if _is(subject, "array") else None
        self._named_field(node, item)
        return self._given(node, node.name, subject, item)

    def _given(self, node: nodes.Filter | nodes.Call, name: str, subject: Shape, item: Shape | None) -> Shape:
        if name == "map":
            return self._mapped(node, item)
        if name in ("min", "max") and item is not None:
            return item
        shape = gives(name, subject)
        return TEXT if shape is MOMENT and any(_is_pattern(argument) for argument in node.args) else shape

    def _mapped(self, node: nodes.Filter | nodes.Call, item: Shape | None) -> Shape:
        attribute = next((pair.value for pair in node.kwargs if pair.key == "attribute"), None)
        if isinstance(attribute, nodes.Const) and item is not None:
            fields = item.settled().fields or {}
            return list_of(fields.get(str(attribute.value), UNKNOWN))
        return list_of(UNKNOWN)

    def _named_field(self, node: nodes.Filter, item: Shape | None) -> None:
        """The field, filter or test that is named in quotes: `map(attribute='name')`, `selectattr('name', 'equalto', 1)`."""
        named = [pair.value for pair in node.kwargs if pair.key == "attribute"]
        fields = [*node.args[:1], *named] if node.name in _BY_FIELD else named
        for one in fields:
            if isinstance(one, nodes.Const) and isinstance(one.value, str) and item is not None:
                self._path(item, one.value, one.lineno + 1)
        words = node.args[1:2] if node.name in _BY_FIELD else node.args[:1]
        if node.name in _PICKING or node.name == "map":
            self._word(
                words, list(FILTERS) if node.name == "map" else TESTS, "filter" if node.name == "map" else "test"
            )

    def _path(self, shape: Shape, path: str, start: int) -> None:
        for name in path.split("."):
            settled = shape.settled()
            if settled.type != "object" or settled.fields is None:
                return
            if name not in settled.fields:
                self._no_field(settled, name, (start, start + len(name)))
                return
            shape, start = settled.fields[name], start + len(name) + 1

    def _word(self, arguments: list[nodes.Expr], known: Iterable[str], what: str) -> None:
        for one in arguments:
            if isinstance(one, nodes.Const) and isinstance(one.value, str) and one.value not in known:
                place = (one.lineno + 1, one.lineno + 1 + len(one.value))
                self._tell(
                    "unknown-function", place, f'there is no {what} "{one.value}"', did_you_mean(one.value, known)
                )

    def _call(self, node: nodes.Call) -> Shape:
        match node.node:
            case nodes.Name(name=name):
                if name in self.local or name in self.names:
                    self._rest((*node.args, *node.kwargs))
                    return UNKNOWN
                lenient = name in MAY_BE_MISSING
                shapes = [self._patient(argument, lenient) for argument in node.args]
                self._rest(node.kwargs)
                self._check_use(node, name, (node.node.lineno, node.node.lineno + len(name)), as_filter=False)
                first = shapes[0] if shapes else UNKNOWN
                return self._given(node, name, first, first.settled().item if _is(first, "array") else None)
            case nodes.Getattr(node=owner, attr=name):
                self._method(self.at(owner).settled(), node.node, name)
            case other:
                self.at(other)
        self._rest((*node.args, *node.kwargs))
        return UNKNOWN

    def _method(self, owner: Shape, node: nodes.Node, name: str) -> None:
        methods = METHODS.get({"string": str, "array": list}.get(owner.type or "", object))
        if methods is None or name in methods:
            return
        start = self.text.find(name, node.lineno)
        near = nearest(name, methods)
        hint = f"write | {name}" if name in FILTERS else f'did you mean "{near}()"?' if near else "look for a filter"
        told = f'{owner.words} has nothing called "{name}()"'
        self._tell("unknown-function", (start, start + len(name)), told, hint)

    def _check_use(self, node: nodes.Filter | nodes.Call, name: str, place: Place, *, as_filter: bool) -> None:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            return
        named = tuple(pair.key for pair in node.kwargs if isinstance(pair, nodes.Keyword))
        written = misused(name, len(node.args) + as_filter, named, as_filter=as_filter)
        if written:
            self._tell("wrong-value", place, f'"{name}" cannot be used with these values', f"it is written {written}")

    def _compare(self, node: nodes.Compare) -> Shape:
        left, at = self.at(node.expr), node.expr
        for operand in node.ops:
            right = self.at(operand.expr)
            place = self._operator(operand.op, at.lineno, operand.expr.lineno)
            self.mistakes.extend(compared(operand.op, place, (left.settled(), at), (right.settled(), operand.expr)))
            left, at = right, operand.expr
        return BOOLEAN

    def _operator(self, operator: str, start: int, end: int) -> Place:
        sign = {"lt": "<", "lteq": "<=", "gt": ">", "gteq": ">=", "eq": "==", "ne": "!="}.get(operator, operator)
        found = self.text.rfind(sign, start, end)
        return (found, found + len(sign)) if found >= 0 else (start, start + 1)

    def _tell(self, rule: str, place: Place, message: str, hint: str = "", severity: Severity = Severity.ERROR) -> None:
        self.mistakes.append(Mistake(rule, place, message, hint, severity))


def _is(shape: Shape, kind: str) -> bool:
    found = shape.settled().type
    return found == kind or (kind == "number" and found == "integer")


def _is_pattern(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Const) and isinstance(node.value, str) and _PATTERN.search(node.value) is not None


def _stored(node: nodes.Node) -> Iterator[str]:
    for one, _ in syntax.every_node(node):
        if (isinstance(one, nodes.Name) and one.ctx in ("store", "param")) or isinstance(one, nodes.Macro):
            yield one.name
