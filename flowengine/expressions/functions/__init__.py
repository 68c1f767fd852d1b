"""The functions of templates: Power Automate's names for those who know them, and Jinja's."""

from __future__ import annotations

from flowengine.expressions.functions import builtin, dates, lists, logic, numbers, text
from flowengine.expressions.functions.table import Function

TABLES = (text.TABLE, dates.TABLE, lists.TABLE, numbers.TABLE, logic.TABLE, *builtin.TABLES)

ALL: tuple[Function, ...] = tuple(function for table in TABLES for function in table.functions)
"""Every function, family by family."""

FUNCTIONS: dict[str, Function] = {function.name: function for function in ALL if function.is_function}
FILTERS: dict[str, Function] = {function.name: function for function in ALL if function.is_filter}

DRAWN: frozenset[str] = frozenset(function.name for function in ALL if function.drawn)
"""Those that read the run's recorded clock or chance."""

FOREIGN: dict[str, str] = {
    "triggerBody": "trigger",
    "triggerOutputs": "trigger, or event.headers",
    "trigger": "trigger, without parentheses",
    "variables": "vars.name",
    "parameters": "inputs.name or vars.name",
    "body": "actions['Action name'].body, or the name given by save_as",
    "outputs": "actions['Action name'], or the name given by save_as",
    "actions": "actions['Action name']",
    "result": "actions['Action name']",
    "item": "item, without parentheses",
    "items": "item, without parentheses",
    "iterationIndexes": "loop.index0",
    "workflow": "run or flow",
    "listCallbackUrl": "callback.url",
    "outputsOf": "actions['Action name']",
    "null": "none",
}
"""Power Automate's words that are names here, and what to write instead."""
