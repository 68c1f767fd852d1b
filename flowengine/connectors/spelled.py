"""How secrets may look where nobody should see them: as they are, and as headers, URLs and JSON write them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, quote_plus

from flowengine.connectors.connection import Connection

SHORTEST: Final = 6
"""Shorter values are not struck out of answers: they would be found everywhere."""
_NESTED: Final = 4


def secret_values(connection: Connection, secret_names: frozenset[str]) -> tuple[str, ...]:
    """The values that must not appear anywhere, longest first."""
    if not (secret_names or connection.address_secrets):
        return ()
    return quoted_forms((*connection.address_secrets, *(connection.parameter(name) or "" for name in secret_names)))


def quoted_forms(values: Iterable[str]) -> tuple[str, ...]:
    """Values as they may come back in an answer, longest first; too short ones would be found everywhere."""
    found = set(values)
    # A service that takes the bytes of a header for Latin-1 gives them back as other letters.
    found |= {value.encode("utf-8").decode("latin-1") for value in found if not value.isascii()}
    found |= {quote(value, safe="") for value in found} | {quote_plus(value) for value in found}
    return tuple(sorted((value for value in found if len(value) >= SHORTEST), key=len, reverse=True))


def forms_of(secret: str) -> Iterable[bytes]:
    """How a secret looks in a body: as it is, and as JSON writes it when that differs.

    Services put what they were sent into texts of their answers: JSON in JSON, up to `_NESTED` deep.
    """
    if secret.isascii() and secret.isprintable() and '"' not in secret and "\\" not in secret:
        return (secret.encode("ascii"),)
    found = written = {secret}
    for _ in range(_NESTED):
        written = {json.dumps(form, ensure_ascii=ascii_)[1:-1] for form in written for ascii_ in (True, False)}
        found = found | written
    return [form.encode("utf-8") for form in sorted(found, key=len, reverse=True)]
