"""What a plain YAML scalar is: the YAML 1.2 core rules, narrowed so that nothing an author typed is changed.

A number is a number only when it would print back as it was typed: `1.10`, `0123`, `1e3`, `12:30` and dates stay text, and
`NO` and `on` are words.
"""

from __future__ import annotations

import re

from flowengine.types import Json

_WORDS: dict[str, Json] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,15})\.[0-9]{1,17}")
_LARGEST = 2**63 - 1


def resolve(text: str) -> Json:
    """The value of an unquoted scalar: None, a boolean, a number, or the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if text[:1] not in "-0123456789":
        return text
    if _INTEGER.fullmatch(text):
        number = int(text)
        return number if text != "-0" and abs(number) <= _LARGEST else text
    if _DECIMAL.fullmatch(text) and repr(float(text)) == text:
        return float(text)
    return text
