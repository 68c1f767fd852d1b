"""Templates that stand without quotes: YAML takes their braces for a mapping, or for nothing it knows.

Each is reported and then quoted in a copy of the text, so that the rest of the file can be read too. Positions are told in the
author's text, not in the copy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import yaml

from flowengine.findings import Finding, Span
from flowengine.spec.document import Document
from flowengine.spec.places import line_starts, span_at

_UNQUOTED = re.compile(r"(?:^\s*|:\s+|(?<=-)\s+|,\s*|\[\s*)(\{\{)")


@dataclass(slots=True)
class _Mend:
    """Quotes put around columns `start` to `end` of a line of the copy; both count from 1, `end` behind the closing quote."""

    start: int
    end: int
    added: int


@dataclass(slots=True)
class Mended:
    """A text in which unquoted templates get quotes, one after another."""

    file: str
    text: str
    findings: list[Finding] = field(default_factory=list)
    mends: dict[int, list[_Mend]] = field(default_factory=dict)
    """By line, from 1."""

    def quote(self, start: int) -> None:
        """Report the template that begins at this offset of the copy, and put quotes around it."""
        end = _template_end(self.text, start)
        template = self.text[start:end]
        span = span_at(self.text, start, end)
        self.findings.append(_finding(self.file, self._settled(span), template))
        quoted = f"'{template.replace(chr(39), chr(39) * 2)}'"
        self.text = self.text[:start] + quoted + self.text[end:]
        self._remember(span.line, _Mend(span.column, span.column + len(quoted), len(quoted) - len(template)))

    def settle(self, document: Document) -> None:
        """Tell every position of a document in the author's text."""
        if not self.mends:
            return
        document.keys = {loc: self._settled(span) for loc, span in document.keys.items()}
        document.values = {loc: self._settled(span) for loc, span in document.values.items()}
        document.findings = [replace(finding, span=self._settled(finding.span)) for finding in document.findings]

    def _remember(self, line: int, mend: _Mend) -> None:
        for other in self.mends.setdefault(line, []):
            if other.start > mend.start:
                other.start, other.end = other.start + mend.added, other.end + mend.added
        self.mends[line].append(mend)

    def _settled(self, span: Span) -> Span:
        if span.line not in self.mends and span.end_line not in self.mends:
            return span
        start, end = self._column(span.line, span.column), self._column(span.end_line, span.end_column)
        return Span(span.line, start, span.end_line, end)

    def _column(self, line: int, column: int) -> int:
        moved = 0
        for mend in self.mends.get(line, ()):
            if column >= mend.end:
                moved += mend.added
            elif column > mend.start:
                moved += 1
        return column - moved


def unquoted_near(error: yaml.YAMLError, text: str) -> int | None:
    """The offset of an unquoted template on one of the lines that the parser complains about."""
    marks = [getattr(error, name, None) for name in ("problem_mark", "context_mark")]
    starts = line_starts(text)
    for line in dict.fromkeys(int(mark.line) for mark in marks if mark is not None):
        start, end = (*starts, len(text), len(text))[line : line + 2] if line < len(starts) else (0, 0)
        for match in _UNQUOTED.finditer(text[start:end]):
            before = match.string[: match.start(1)]
            if before.count('"') % 2 == 0 and before.count("'") % 2 == 0:
                return start + match.start(1)
    return None


def _template_end(text: str, start: int) -> int:
    """Where the text of an unquoted template ends: at the line's end, or at `}}` inside brackets."""
    line_end = len(text)
    for sign in "\r\n":
        found = text.find(sign, start)
        line_end = min(line_end, found) if found >= 0 else line_end
    line_start = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    before = re.sub(r"\"[^\"]*\"|'[^']*'|\{\{.*?\}\}", "", text[line_start:start])
    inside = sum(before.count(sign) for sign in "[{") > sum(before.count(sign) for sign in "]}")
    closed = text.find("}}", start, line_end)
    if inside and closed >= 0:
        return closed + 2
    comment = text.find(" #", max(closed, start), line_end)
    return start + len(text[start : comment if comment >= 0 else line_end].rstrip())


def _finding(file: str, span: Span, template: str) -> Finding:
    shown = template if len(template) <= 60 else f"{template[:57]}..."
    quote = "'" if '"' in shown else '"'
    hint = f"put quotes around the template: {quote}{shown}{quote}"
    return Finding(file, span, "unquoted-template", "a template stands here without quotes", hint)
