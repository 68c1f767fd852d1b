"""Reading a template: Jinja's own parser, with every node at its exact place.

Jinja keeps line numbers only. Here each token's "line" is its offset in the text, so that `node.lineno` says where a name
stands; everything below that wants places reads them from there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from jinja2 import Environment, nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.lexer import Lexer, TokenStream, newline_re
from jinja2.parser import Parser

from flowengine.errors import ExpressionError
from flowengine.findings import Span

MAX_SOURCE = 65_536
MAX_NESTING = 60
"""Levels of parentheses and the like; Jinja's parser and Python's compiler recurse on them."""
MAX_DEPTH = 150
"""Depth of the tree: a sum of a hundred terms is a hundred deep."""

_REFUSED: dict[type[nodes.Node], str] = {
    nodes.Include: "{% include %}",
    nodes.Import: "{% import %}",
    nodes.FromImport: "{% from %}",
    nodes.Extends: "{% extends %}",
    nodes.Block: "{% block %}",
}

_WORDS = (
    (r".*nexpected end of template, expected 'end of print statement'.*", 'the template has no "}}" at its end'),
    (r"expected token 'end of print statement', got '='", 'a single "=" does not compare; write "=="'),
    (
        r"expected token 'end of print statement', got '(.*)'",
        r'"\1" is not expected here; is an operator, a "~" or a "}}" missing?',
    ),
    (r"expected token 'name', got '(end of .*)'", "a name is missing here"),
    (r"[Ee]xpected an expression, got 'end of .*'", "there is nothing to compute here"),
    (r"unexpected '(.)', expected '(.)'", r'"\2" is missing before "\1"'),
    (r"unexpected '\}'", 'a single "}" stands here; templates end with "}}"'),
    (r"unexpected char ['\"]['\"]['\"] at \d+", "the text that begins with this quote does not end"),
    (r"unexpected char '?\"?(.)'?\"? at \d+", r'"\1" has no meaning in a template'),
    (r"expected token '(.*)', got '(.*)'", r'"\1" is expected here, not "\2"'),
    (r"expected name or number", 'a name or a number must follow the "."'),
    (r"Missing end of comment tag", 'the comment that begins with "{#" has no "#}"'),
    (r"Encountered unknown tag '(.*?)'.*", r'there is no "{% \1 %}"'),
    (
        r"Unexpected end of template.*innermost block that needs to be closed is '(.*)'.*",
        r'"{% \1 %}" has no "{% end\1 %}"',
    ),
    (r"invalid syntax for function call expression", "values without a name come before values with one: f(1, name=2)"),
)


def is_template(text: str) -> bool:
    """Whether a text holds anything to compute."""
    return "{" in text and ("{{" in text or "{%" in text or "{#" in text)


class _Parsing(Environment):
    """Only parses; rendering has its own environment."""

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        text = "\n".join(newline_re.split(source)[::2])
        placed = _placed(self.lexer, text, state)
        return TokenStream(self.lexer.wrap(placed, name, filename), name, filename)


def _placed(lexer: Lexer, text: str, state: str | None) -> Iterator[tuple[int, str, str]]:
    """The tokens with their offsets. Between two tokens only stripped whitespace can be missing."""
    offset = 0
    try:
        for _, token, value in lexer.tokeniter(text, None, None, state):
            offset = max(text.find(value, offset), offset)
            yield offset, token, value
            offset += len(value)
    except TemplateSyntaxError as error:
        told = re.search(r" at (\d+)$", error.message or "")
        error.lineno = int(told[1]) if told else offset  # the lexer counted lines
        raise


_PARSING = _Parsing(keep_trailing_newline=True, extensions=[])


def parse(text: str) -> nodes.Template:
    """The tree of a template, `node.lineno` being offsets. Raises `ExpressionError` with the place of the mistake."""
    if len(text) > MAX_SOURCE:
        raise ExpressionError("the template is longer than 64 KB", template=text[:100])
    try:
        if _nesting(text) > MAX_NESTING:
            raise RecursionError
        tree = Parser(_PARSING, text).parse()
    except TemplateSyntaxError as error:
        raise mistake(_in_words(error.message or ""), text, min(error.lineno, len(text))) from None
    except RecursionError:
        raise mistake("the template is nested too deeply", text, 0) from None
    _refuse(tree, text)
    return tree


@lru_cache(maxsize=1024)
def parsed(text: str) -> nodes.Template:
    """`parse`, remembered. The tree is shared: never change it."""
    return parse(text)


def _nesting(text: str) -> int:
    deepest = depth = 0
    for match in re.finditer(r"[(\[{]|[)\]}]", text):
        depth = depth + 1 if match.group() in "([{" else max(depth - 1, 0)
        deepest = max(deepest, depth)
    return deepest


def every_node(tree: nodes.Node) -> Iterator[tuple[nodes.Node, int]]:
    """Every node with its depth, in no promised order; without recursion, so that depth cannot hurt."""
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting.extend((child, depth + 1) for child in node.iter_child_nodes())


def _refuse(tree: nodes.Template, text: str) -> None:
    for node, depth in every_node(tree):
        if depth > MAX_DEPTH:
            raise mistake("the template is nested too deeply", text, node.lineno)
        if type(node) in _REFUSED:
            raise mistake(f"{_REFUSED[type(node)]} cannot be used in a flow", text, node.lineno)
        if isinstance(node, nodes.Name) and node.name.startswith("_"):
            raise mistake(f'"{node.name}": names that begin with "_" are not available', text, node.lineno)


def _in_words(message: str) -> str:
    for pattern, words in _WORDS:
        found = re.fullmatch(pattern, message)
        if found:
            return found.expand(words)
    return message[:1].lower() + message[1:].rstrip(".")


def mistake(message: str, text: str, start: int, end: int | None = None) -> ExpressionError:
    """The error of a stretch of a template."""
    return ExpressionError(message, template=text, span=span_of(text, start, end))


def span_of(text: str, start: int, end: int | None = None) -> Span:
    """Lines and columns, from 1, of a stretch given by offsets."""
    line, column = _position(text, start)
    end_line, end_column = _position(text, start + 1 if end is None else end)
    return Span(line, column, end_line, end_column)


def _position(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1
