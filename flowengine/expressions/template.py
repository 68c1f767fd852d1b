"""One template, compiled: what it is, and how it is rendered against a scope."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from jinja2 import nodes
from jinja2.environment import Template as JinjaTemplate
from jinja2.runtime import Context

from flowengine.errors import ExpressionError
from flowengine.expressions import syntax
from flowengine.expressions.bounded import is_bounded
from flowengine.expressions.environment import Prepared, Sandbox
from flowengine.expressions.functions import DRAWN, FOREIGN, FUNCTIONS
from flowengine.expressions.functions.draw import SEED
from flowengine.expressions.missing import Missing, MissingError
from flowengine.expressions.references import Chain, References, lone_expression, references
from flowengine.expressions.values import MAX_RESULT, Escalate, json_text, plain
from flowengine.findings import did_you_mean, nearest
from flowengine.types import Json

_RESULT = "result"
_OPEN = Sandbox(guarded=False)
_GUARDED = Sandbox(guarded=True)


@dataclass
class Template:
    """A text with something to compute in it."""

    text: str
    references: References
    bounded: bool
    """Whether it may be rendered inside the engine's process."""
    _compiled: dict[bool, JinjaTemplate] = field(default_factory=dict)
    _given: dict[bool, dict[str, Any]] = field(default_factory=dict)
    """The functions it calls."""

    @cached_property
    def drawn(self) -> bool:
        """Whether it reads the run's recorded clock or chance."""
        return any(use.name in DRAWN for use in (*self.references.functions, *self.references.filters))

    def render(self, scope: Mapping[str, Any], *, guarded: bool) -> Json:
        """The value: of any JSON type when the text is exactly one `{{ ... }}`, else text.

        Raises `ExpressionError`; when guarded also `Escalate`, for what should be rendered in the child process.
        """
        if self.references.picks:
            found, value = pick(self.references.picks, scope)
            if found:
                return value
        try:
            return self._computed(scope, guarded=guarded)
        except (Escalate, ExpressionError) as error:
            raise _placed(error, self.text) from None
        except MissingError as error:
            raise self._missing(error, scope) from None
        except MemoryError:
            raise ExpressionError("the template needs too much memory", template=self.text) from None
        except RecursionError:
            raise ExpressionError("the template calls itself without end", template=self.text) from None
        except Exception as error:  # noqa: BLE001  whatever an author's template raises is that action's error
            raise ExpressionError(_in_words(error), template=self.text) from None

    def compile(self, *, guarded: bool) -> JinjaTemplate:
        """The compiled template. Raises `ExpressionError` when it names filters or tests that do not exist."""
        if guarded not in self._compiled:
            environment = _GUARDED if guarded else _OPEN
            self._compiled[guarded] = _compiled(self.text, environment)
            self._given[guarded] = {
                name: environment.globals[name] for name in self._names if name in environment.globals
            }
        return self._compiled[guarded]

    @cached_property
    def _names(self) -> tuple[str, ...]:
        """The names it needs, so that the scope need not be copied for each template."""
        return (*self.references.names, *(use.name for use in self.references.functions), SEED)

    def _computed(self, scope: Mapping[str, Any], *, guarded: bool) -> Json:
        template = self.compile(guarded=guarded)
        names = self._given[guarded] | {name: scope[name] for name in self._names if name in scope}
        context = Context(template.environment, names, template.name, template.blocks)
        pieces = list(template.root_render_func(context))
        if self.references.alone:
            return self._kept(context.vars[_RESULT])
        text = "".join(pieces)
        if len(text) > MAX_RESULT:
            raise ExpressionError("the result is larger than 1 MB")
        return text

    def _kept(self, value: Any) -> Json:
        value = plain(value)
        if (
            isinstance(value, str | list | dict)
            and len(value if isinstance(value, str) else json_text(value)) > MAX_RESULT
        ):
            raise ExpressionError("the result is larger than 1 MB")
        return value

    def _missing(self, error: MissingError, scope: Mapping[str, Any]) -> ExpressionError:
        missing = error.missing
        chain, index = self._where(missing, scope)
        if missing.is_name:
            message = _unknown_name(missing, scope, called=error.called)
        else:
            message = missing.told(str(_cut(chain, index)) if chain else "")
        failed = ExpressionError(message, template=self.text)
        if chain:
            failed.span = syntax.span_of(self.text, *chain.places[index])
        return failed

    def _where(self, missing: Missing, scope: Mapping[str, Any]) -> tuple[Chain | None, int]:
        """The chain that ran into the missing value, and which of its parts is not there."""
        for chain in self.references.chains:
            for index, part in enumerate(chain.parts):
                if str(part) != missing.name or (index == 0) != missing.is_name:
                    continue
                if index == 0 or pick(_cut(chain, index), scope) == (True, missing.owner):
                    return chain, index
        for use in self.references.functions:
            if missing.is_name and use.name == missing.name:
                return Chain((use.name,), (use.place,)), 0
        return None, 0


@lru_cache(maxsize=4096)
def template(text: str) -> Template | None:
    """The template that a text is; None when it is plain text. Raises `ExpressionError` when it cannot be read."""
    if not syntax.is_template(text):
        return None
    return Template(text, references(text), is_bounded(text))


def pick(chain: Chain, scope: Mapping[str, Any]) -> tuple[bool, Json]:
    """Whether the scope has what the chain says, and what that is."""
    if chain.open:
        return False, None
    value: Any = scope
    for part in chain.parts:
        match value, part:
            case Mapping(), _ if part in value:
                value = value[part]
            case list(), int() if -len(value) <= part < len(value):
                value = value[part]
            case _:
                return False, None
    return True, value


def _compiled(text: str, environment: Sandbox) -> JinjaTemplate:
    tree = syntax.parse(text)
    _known_names(tree, text, environment)
    tree = Prepared().visit(tree)
    alone = lone_expression(tree)
    if alone is not None:
        tree = nodes.Template([nodes.Assign(nodes.Name(_RESULT, "store"), alone, lineno=1)], lineno=1)
    tree.set_environment(environment)
    try:
        return environment.from_string(tree)
    except (RecursionError, MemoryError, SyntaxError):
        raise ExpressionError("the template is nested too deeply", template=text) from None
    except Exception as error:  # noqa: BLE001  Jinja finds some mistakes only while compiling
        raise ExpressionError(_in_words(error), template=text) from None


def _known_names(tree: nodes.Template, text: str, environment: Sandbox) -> None:
    for node, _ in syntax.every_node(tree):
        for kind, known, word in (
            (nodes.Filter, environment.filters, "filter"),
            (nodes.Test, environment.tests, "test"),
        ):
            if isinstance(node, kind) and node.name not in known:
                start = max(text.find(node.name, node.lineno), node.lineno)
                hint = did_you_mean(node.name, [name for name in known if name[0] != "$"])
                message = f'there is no {word} "{node.name}"; {hint}'
                raise syntax.mistake(message, text, start, start + len(node.name))


def _unknown_name(missing: Missing, scope: Mapping[str, Any], *, called: bool) -> str:
    if missing.name in FOREIGN:
        return f'there is no "{missing.name}"; write {FOREIGN[missing.name]}'
    if called:
        return f'there is no function "{missing.name}"; {did_you_mean(missing.name, FUNCTIONS)}'
    names = [name for name in scope if not name.startswith("_")]
    if not nearest(missing.name, names) and (function := nearest(missing.name, FUNCTIONS)):
        names = [function]
    return missing.told(names=names)


def _cut(chain: Chain, index: int) -> Chain:
    return Chain(chain.parts[:index], chain.places[:index])


def _placed(error: Exception, text: str) -> Exception:
    if isinstance(error, ExpressionError) and not error.template:
        error.template = text
    return error


_KINDS = {"str": "text", "int": "a number", "float": "a number", "bool": "true or false", "NoneType": "nothing (null)"}
_KINDS |= {"dict": "an object", "list": "a list"}


def _in_words(error: Exception) -> str:
    message = str(error) or type(error).__name__
    kinds = re.fullmatch(r"'(.+)' not supported between instances of '(\w+)' and '(\w+)'", message)
    if kinds:
        left, right = (_KINDS.get(kind, kind) for kind in kinds.group(2, 3))
        return f"{kinds[1]} cannot compare {left} with {right}; text that is a number becomes one with | int or | float"
    return message[:1].lower() + message[1:]
