"""unknown-name: a template reads a name that does not exist at its place."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flowengine.expressions.references import Chain
from flowengine.findings import Finding, did_you_mean, nearest
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.lint.sites import Site
from flowengine.spec import actions as records

_ONLY_IN = {
    "error": 'it exists in "catch" and "on_failure" only',
    "loop": 'it exists inside "for_each" and "repeat" only',
    "approval": 'it exists before an "ask" in the same list of actions',
    "callback": 'it exists before a "wait_for" in the same list of actions',
    "secrets": "flows never see secrets; a connection in connections.yaml holds them",
    "env": "flows do not see the environment; write the value under vars, or a secret into a connection",
    "body": 'write "trigger" for the event, or the name given by save_as',
    "null": 'write "none" for no value',
    "undefined": 'write "none" for no value, or ask with "is defined"',
    "now": "write now() with parentheses",
    "today": "write today() with parentheses",
}


def _check(context: Context) -> Iterator[Finding]:
    for site, found in context.templates:
        for chain in found.chains:
            if chain.root not in site.scope.names:
                yield _unknown(context, site, chain)


def _unknown(context: Context, site: Site, chain: Chain) -> Finding:
    name = chain.root
    makers = [action for saved, action, _ in context.sites.saved if saved == name]
    if makers:
        told, hint = _made_elsewhere(context, site, name, makers[0])
    elif name in context.flow.vars:
        told, hint = f'there is no name "{name}" here', f'it is a variable: write "vars.{name}"'
    elif name in context.flow.inputs:
        told, hint = f'there is no name "{name}" here', f'it is an input: write "inputs.{name}"'
    elif name in _ONLY_IN:
        told, hint = f'there is no name "{name}" here', _ONLY_IN[name]
    else:
        told, hint = f'there is no name "{name}" here', _of_loop(context, site, name) or _hint(context, site, name)
    return context.inside(site, chain.places[0], RULE.id, told, hint)


def _of_loop(context: Context, site: Site, name: str) -> str:
    """What the item of the innermost loop is called, for a name that most likely means it."""
    around = [
        action
        for action in context.actions
        if isinstance(action, records.ForEach)
        and site.loc[: len(action.loc)] == action.loc
        and site.loc[len(action.loc) : len(action.loc) + 1] in (("do",), ("output",))
    ]
    if not around:
        return ""
    loop = around[-1]
    if name == "item":
        return f'the item of this loop is called "{loop.item_name}"'
    if name not in _singulars(str(loop.items)):
        return ""
    return f'the item of this loop is called "{loop.item_name}"; write that, or "as: {name}" beside the "for_each"'


def _singulars(items: str) -> set[str]:
    """What one of these would be called: `agents` and `agent`, `categories` and `category`."""
    words = set(re.findall(r"[A-Za-z_]+", items))
    parts = words | {word.rpartition("_")[2] for word in words}
    endings = (("ies", "y"), ("es", ""), ("s", ""))
    return {part[: -len(many)] + one for part in parts for many, one in endings if part.endswith(many)}


def _hint(context: Context, site: Site, name: str) -> str:
    near = nearest(name, site.scope.names)
    if near:
        return f'did you mean "{near}"?'
    for group in ("vars", "inputs"):
        inner = nearest(name, getattr(context.flow, group))
        if inner:
            return f'did you mean "{group}.{inner}"?'
    return did_you_mean(name, site.scope.names)


def _made_elsewhere(context: Context, site: Site, name: str, maker: records.Action) -> tuple[str, str]:
    line = maker.span.line
    here = context.flow.source.span(site.loc).line
    if site.action is maker:
        return f'"{name}" is made by this very action', "it can be read from the next action on"
    if line > here:
        return f'"{name}" does not exist yet: it is made on line {line}', "move that action before this one"
    hint = 'give the action around it an "output:" and a "save_as:", or move that action out of it'
    return f'"{name}" is made on line {line} inside a branch or loop, and ends with it', hint


RULE = Rule(
    id="unknown-name",
    meaning=(
        "A template reads a name that does not exist at its place: it is misspelt, it is made only later, or it was made "
        "inside a branch or loop and ended with it."
    ),
    wrong='actions:\n  - log: "{{ agents | length }}"\n  - use: livechat.ListAgents\n    save_as: agents',
    right='actions:\n  - use: livechat.ListAgents\n    save_as: agents\n  - log: "{{ agents | length }}"',
    check=_check,
)
