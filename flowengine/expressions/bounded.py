"""Which templates may be rendered inside the engine's process: those whose cost their size bounds.

Names, fields, comparisons, operators and cheap functions are; loops, macros, assignments and functions whose result can be
far larger than what they are given are not. What is bounded here can still meet large data: the guarded sandbox then stops
(`Escalate`), and the child process does it.
"""

from __future__ import annotations

from jinja2 import nodes

from flowengine.expressions import syntax
from flowengine.expressions.functions import FILTERS, FUNCTIONS

MAX_NODES = 400
MAX_NAMES = 24
"""How often data may be mentioned: the same large value many times over is large in every result."""

_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.If,
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Slice,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
    nodes.Keyword,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Neg,
    nodes.Pos,
    nodes.CondExpr,
    nodes.Concat,
    nodes.BinExpr,
    nodes.Filter,
    nodes.Test,
    nodes.Call,
)


def is_bounded(text: str) -> bool:
    """Whether a template's cost is bounded by its own size and that of the data it names."""
    names = 0
    for count, (node, _) in enumerate(syntax.every_node(syntax.parsed(text))):
        names += isinstance(node, nodes.Name)
        if count > MAX_NODES or names > MAX_NAMES or not isinstance(node, _ALLOWED) or not _is_cheap(node):
            return False
    return True


def _is_cheap(node: nodes.Node) -> bool:
    match node:
        case nodes.Filter():
            return node.name not in FILTERS or FILTERS[node.name].cheap
        case nodes.Call(node=nodes.Name(name=name)):
            return name not in FUNCTIONS or FUNCTIONS[name].cheap
        case _:
            return True
