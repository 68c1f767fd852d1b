"""What the plainest templates refer to, without the template parser.

Most templates are text with `{{ name.field }}` in it. Reading these by pattern makes a check of a thousand flows several times
faster; whatever is not this plain goes to the parser. Both give the same (a test holds them together).
"""

from __future__ import annotations

import re

from flowengine.expressions.references import Chain, References, references

_CHAIN = r"\{\{ *([A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*) *\}\}"
_ONE = re.compile(_CHAIN)
_PLAIN = re.compile(rf"[^{{}}#%]*(?:{_CHAIN}[^{{}}#%]*)+")
_MEANING = frozenset(
    {"true", "false", "none", "True", "False", "None", "not", "and", "or", "is", "in", "if", "else", "self"}
)
_LONGEST = 10_000


def references_of(text: str) -> References:
    """`references`, quickly where that can be done. Raises `ExpressionError`."""
    if not _may_be_plain(text):
        return references(text)
    found = [_chain(match) for match in _ONE.finditer(text)]
    if any(part in _MEANING for chain in found for part in chain.parts):
        return references(text)
    alone = len(found) == 1 and _ONE.fullmatch(text.strip()) is not None
    chains = tuple(sorted(found, key=lambda chain: chain.places))
    return References(chains=chains, alone=alone, picks=found[0] if alone else None)


def is_plain(text: str) -> bool:
    """Whether a text holds nothing but chains of names between its braces."""
    return _may_be_plain(text) and not any(
        part in _MEANING for one in _ONE.finditer(text) for part in one[1].split(".")
    )


def _may_be_plain(text: str) -> bool:
    return len(text) <= _LONGEST and _PLAIN.fullmatch(text) is not None


def _chain(match: re.Match[str]) -> Chain:
    at, places = match.start(1), []
    parts = match[1].split(".")
    for part in parts:
        places.append((at, at + len(part)))
        at += len(part) + 1
    return Chain(tuple(parts), tuple(places))
