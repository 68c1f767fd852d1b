"""The sandbox that templates run in.

Built so that nothing outside the data can be reached: attributes read keys of objects and nothing else, only declared
functions and a short list of methods can be called, and operators measure their results. Jinja's own rules about
underscores and unsafe callables stay in force below that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, cast

from jinja2 import Undefined, nodes, pass_context
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS as JINJA_TESTS
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

from flowengine.errors import ExpressionError
from flowengine.expressions.arithmetic import OPERATORS, arithmetic
from flowengine.expressions.functions import FILTERS, FUNCTIONS
from flowengine.expressions.functions.builtin import joined, safe_text_methods
from flowengine.expressions.functions.table import Function
from flowengine.expressions.functions.text import replace
from flowengine.expressions.missing import Missing
from flowengine.expressions.values import Escalate, text_of

TESTS = [
    "defined",
    "undefined",
    "none",
    "boolean",
    "true",
    "false",
    "integer",
    "float",
    "number",
    "string",
    "mapping",
    "sequence",
    "iterable",
    "even",
    "odd",
    "divisibleby",
    "lower",
    "upper",
    "sameas",
    "in",
    "==",
    "eq",
    "equalto",
    "!=",
    "ne",
    ">",
    "gt",
    "greaterthan",
    "<",
    "lt",
    "lessthan",
    ">=",
    "ge",
    "<=",
    "le",
]

SMALL_TEXT = 65_536
SMALL_LIST = 2_000
"""What is larger is not worked on inside the process by filters and functions."""

_TEXT = "$text"
_METHOD = "$method"
_TAKES_MISSING = ("defined", "undefined")

METHODS: dict[type, dict[str, Callable[..., Any]]] = {
    str: {**safe_text_methods(), "replace": replace, "join": joined},
    dict: {"get": dict.get, "keys": dict.keys, "values": dict.values, "items": dict.items},
    list: {"index": list.index, "count": list.count},
    float: {"is_integer": float.is_integer},
}


class Method:
    """A method that may be called, bound to its value."""

    __slots__ = ("method", "subject")

    def __init__(self, method: Callable[..., Any], subject: Any) -> None:
        self.method = method
        self.subject = subject

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.method(self.subject, *arguments, **named)


class Sandbox(ImmutableSandboxedEnvironment):
    """One of two: the guarded one stands inside the engine's process and raises `Escalate` rather than work for long."""

    intercepted_binops = OPERATORS

    def __init__(self, *, guarded: bool) -> None:
        super().__init__(
            undefined=Missing,
            finalize=_printed,
            optimized=False,  # folding constants would compute at compile time
            autoescape=False,
            keep_trailing_newline=True,
            cache_size=0,
        )
        self.guarded = guarded
        self.filters = {name: self._checked(function) for name, function in FILTERS.items()}
        self.filters |= {_TEXT: text_of, _METHOD: self._method}
        self.tests = {name: self._careful(name) for name in TESTS}
        self.globals = {name: self._checked(function) for name, function in FUNCTIONS.items()}
        self.globals["namespace"] = Namespace

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`a.b`: the key `b` of an object. Never a method, never a Python attribute."""
        match obj:
            case Mapping():
                return obj[attribute] if attribute in obj else Missing(obj=obj, name=attribute)
            case Undefined():
                return obj
            case LoopContext() | Namespace():
                return super().getattr(obj, attribute)
        return Missing(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`a[b]`: a key of an object, or an item or stretch of a list or text."""
        match obj:
            case Undefined():
                return obj
            case Mapping() if isinstance(argument, str | int | float) and argument in obj:
                return obj[argument]
            case list() | tuple() | str() if isinstance(argument, int | slice) and not isinstance(argument, bool):
                try:
                    return obj[argument]
                except (IndexError, ValueError):
                    return Missing(obj=obj, name=str(argument))
        if isinstance(argument, Undefined):
            str(argument)  # raises, naming what is missing
        return Missing(obj=obj, name=text_of(argument))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        for value in (left, right):
            if isinstance(value, Undefined):
                str(value)  # raises, naming what is missing
            elif self.guarded and _is_large(value):
                raise Escalate
        return arithmetic(operator, left, right)

    def is_safe_callable(self, obj: Any) -> bool:
        loops = isinstance(getattr(obj, "__self__", None), LoopContext)
        return (
            loops or obj is Namespace or isinstance(obj, Method | Macro | LoopContext) or hasattr(obj, "flow_function")
        )

    def _method(self, subject: Any, name: str) -> Any:
        if isinstance(subject, Undefined):
            str(subject)  # raises, naming what is missing
        if isinstance(subject, Mapping) and name in subject:
            return subject[name]
        if isinstance(subject, LoopContext):
            return super().getattr(subject, name)
        for kind, methods in METHODS.items():
            if isinstance(subject, kind) and name in methods:
                if self.guarded and _is_large(subject):
                    raise Escalate
                return Method(methods[name], subject)
        return Missing(hint=f'"{name}()" cannot be called here; there may be a filter for it, written | {name}')

    def _checked(self, function: Function) -> Callable[..., Any]:
        @wraps(function.call)
        def run(*arguments: Any, **named: Any) -> Any:
            if self.guarded and not function.cheap:
                raise Escalate
            for value in (*arguments, *named.values()):
                if isinstance(value, Undefined) and not function.takes_missing:
                    str(value)  # raises, naming what is missing
                elif self.guarded and _is_large(value):
                    raise Escalate
            try:
                return function.call(*arguments, **named)
            except TypeError as error:
                raise _misused(function, error) from None
            except OverflowError:
                raise ExpressionError(f"a number is too large for {function.name}") from None

        run.flow_function = function.name  # type: ignore[attr-defined]
        return run

    def _careful(self, name: str) -> Callable[..., Any]:
        test = cast("Callable[..., Any]", JINJA_TESTS[name])

        @wraps(test)
        def run(*arguments: Any, **named: Any) -> Any:
            for value in arguments:
                if isinstance(value, Undefined) and name not in _TAKES_MISSING:
                    str(value)  # raises, naming what is missing
            return test(*arguments, **named)

        return run


class Prepared(NodeTransformer):
    """Puts Jinja's words for printing and calling in terms of the sandbox's own."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Concat:  # noqa: N802
        """`a ~ b` prints its parts as text does: null as nothing, lists as JSON."""
        self.generic_visit(node)
        node.nodes = [_applied(_TEXT, part) for part in node.nodes]
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Call:  # noqa: N802
        """`a.b()` looks for a method; without the parentheses it would read a key."""
        self.generic_visit(node)
        if isinstance(node.node, nodes.Getattr):
            node.node = _applied(_METHOD, node.node.node, node.node.attr)
        return node


def _applied(name: str, subject: nodes.Expr, *arguments: str) -> nodes.Filter:
    written = [nodes.Const(argument, lineno=subject.lineno) for argument in arguments]
    return nodes.Filter(subject, name, written, [], None, None, lineno=subject.lineno)


@pass_context
def _printed(_: Context, value: Any) -> str:
    # taking the context keeps Jinja from calling this while it compiles
    return text_of(value)


def _misused(function: Function, error: TypeError) -> ExpressionError:
    message = re.sub(r"^\w+\(\) ", "", str(error)).replace("positional argument", "value")
    return ExpressionError(f"{message}; it is written {function.signature}")


def _is_large(value: Any) -> bool:
    match value:
        case str():
            return len(value) > SMALL_TEXT
        case list() | dict() | tuple():
            return len(value) > SMALL_LIST
        case _:
            return False
