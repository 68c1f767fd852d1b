"""Spaces that only look like spaces: copied from a page or a word processor, they indent nothing and separate nothing."""

from __future__ import annotations

import re

from flowengine.findings import Finding
from flowengine.spec.places import span_at

_ODD = "\u00a0\u2007\u202f\u3000"
_WHERE = re.compile(rf"^ *(?:- *)*(?:[\w.-]+: *)?([{_ODD}])", re.MULTILINE)


def told_once(findings: list[Finding], text: str, file: str) -> list[Finding]:
    """The findings, with what an odd space beside them brought about told as that space.

    Only files with mistakes are looked at: inside a text such a space is as good as any other.
    """
    if not findings or not any(sign in text for sign in _ODD):
        return findings
    spaces: list[Finding] = []
    for match in _WHERE.finditer(text):
        span = span_at(text, match.start(1), match.end(1))
        caused = [one for one in findings if abs(one.span.line - span.line) <= 1]
        if caused:
            told = f"this is not a plain space (U+{ord(match[1]):04X}), so YAML takes it for a letter"
            spaces.append(Finding(file, span, "not-text", told, "delete it and type spaces instead"))
            findings = [one for one in findings if one not in caused]
    return [*spaces, *findings]
