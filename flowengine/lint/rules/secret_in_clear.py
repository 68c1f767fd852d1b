"""secret-in-clear: a password, key or token written into a flow."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flowengine.findings import Finding
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.lint.sites import Site
from flowengine.spec.triggers import Webhook

_NAMED = re.compile(
    r"(?i)(?:x[-_])?(?:api[-_]?key|apikey|password|passwd|pwd|passphrase|secret|secret[-_]?key|client[-_]?secret|access[-_]?token"
    r"|auth[-_]?token|refresh[-_]?token|bearer[-_]?token|token|authorization|private[-_]?key)"
)
_LOOKS = re.compile(
    r"\b(?:sk|rk|pk)_(?:live|test)_\w{8,}|\bgh[pousr]_\w{20,}|\bxox[abposr]-[\w-]{10,}|\bAKIA[0-9A-Z]{16}\b"
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY|\b(?:Bearer|Basic) [\w.+/=-]{12,}|://[^/\s:@{]+:[^/\s@{]+@"
    r"|(?i:[?&](?:api[-_]?key|key|access[-_]?token|token|secret|password|sig|signature)=[\w.+/=-]{8,})"
)
_SECRET_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_.-][A-Za-z0-9]+)*")
_HINT = "flows must not hold secrets: put it into a connection (flowengine connections add), or a secret (flowengine secrets set)"


def _check(context: Context) -> Iterator[Finding]:
    for site in context.sites.found:
        if _is_secret(site):
            yield context.at(site.loc, RULE.id, "a secret stands here in clear", _HINT)
    for trigger in context.flow.triggers:
        if isinstance(trigger, Webhook) and trigger.verify.secret and not _is_name(trigger.verify.secret):
            loc = (*trigger.loc, "webhook", "verify", trigger.verify.method, "secret")
            hint = 'write the name of a secret, and set its value with "flowengine secrets set NAME"'
            yield context.at(loc, RULE.id, '"secret" takes the name of a secret, not the secret itself', hint)


def _is_secret(site: Site) -> bool:
    if _LOOKS.search(site.text):
        return True
    name = next((part for part in reversed(site.loc) if isinstance(part, str)), "")
    literal = "{{" not in site.text and len(site.text) >= 6 and not any(char.isspace() for char in site.text.strip())
    return literal and _NAMED.fullmatch(name) is not None and not site.text.startswith(("http://", "https://"))


def _is_name(text: str) -> bool:
    return len(text) <= 64 and _SECRET_NAME.fullmatch(text) is not None and not _LOOKS.search(text)


RULE = Rule(
    id="secret-in-clear",
    meaning=(
        "Whoever can read a flow's file or its history can read what stands in it. Passwords, keys and tokens belong into "
        "connections, which keep them encrypted and strike them out of everything that is shown."
    ),
    wrong="use: http.get\nwith:\n  url: https://api.example.com\n  headers: { Authorization: Bearer 9f8e7d6c5b4a3f2e }",
    right="use: http.get\nconnection: example\nwith:\n  url: https://api.example.com",
    check=_check,
)
