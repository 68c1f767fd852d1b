"""Lines of flow files shown beneath what is said about them, with a caret under the place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from flowengine.cli.output import clean, paint
from flowengine.findings import Finding, Severity, Span

WIDEST = 160
"""Characters of a source line that are shown."""
LARGEST = 1_000_000
"""Characters of a file that are looked at for a line to show."""


def caret_lines(text: str, span: Span, indent: str = "  ") -> list[str]:
    """The source line of a span and a line of carets under it; nothing when the text has no such line.

    Of a very long line only the part around the span is shown.
    """
    lines = text.splitlines()
    if not 1 <= span.line <= len(lines):
        return []
    line = lines[span.line - 1].replace("\t", " ")
    end = span.end_column if span.end_line == span.line else len(line) + 1
    width = min(max(1, min(end, len(line) + 1) - span.column), WIDEST)
    first = max(0, span.column - 1 - WIDEST // 2) if len(line) > WIDEST else 0
    number = f"{span.line} | "
    return [
        f"{indent}{number}{clean(line[first : first + WIDEST])}",
        f"{indent}{' ' * (len(number) - 2)}| {' ' * (span.column - 1 - first)}{paint('^' * width, 'red')}",
    ]


def findings_with_lines(findings: Sequence[Finding], read: Mapping[str, str] | None = None) -> str:
    """Each finding as `file:line:column: message [rule]`, its source line with a caret, and what to write.

    `read` are the texts of files that need not be opened.
    """
    texts = dict(read or {})
    told = []
    for finding in findings:
        if finding.file not in texts:
            texts[finding.file] = _text_of(finding.file)
        text = texts[finding.file]
        told += [_headline(finding), *caret_lines(text, finding.span)]
        if finding.hint:
            told.append(f"  {clean(finding.hint, lines=True)}")
        told.append("")
    return "\n".join(told)


def _headline(finding: Finding) -> str:
    place = f"{clean(finding.file)}:{finding.span.line}:{finding.span.column}"
    word = "" if finding.severity is Severity.ERROR else paint("warning: ", "yellow")
    return f"{paint(place, 'bold')}: {word}{clean(finding.message, lines=True)} [{finding.rule}]"


def _text_of(file: str) -> str:
    try:
        with Path(file).open(encoding="utf-8") as opened:
            return opened.read(LARGEST)
    except (OSError, UnicodeDecodeError):
        return ""
