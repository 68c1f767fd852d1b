"""Who sent this? The methods of `verify`, on raw bytes, in constant time, and failing closed.

Each method either gives the delivery as it may be stored (the secret struck out) or raises `Refused`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from flowengine.spec.triggers import Verify
from flowengine.triggers.deliveries import Delivery, at_path, read_body, strike_out

TOLERANCE: Final = timedelta(minutes=5)
"""How old or how far ahead a signed timestamp may be (Standard Webhooks' own recommendation)."""

ALGORITHMS: Final = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}

Secrets = Callable[[str], str | None]
"""Finds a secret's value by its name."""


class Refused(Exception):
    """The sender was not recognised. `status` is the HTTP answer; the message is for the event's record, not for the sender."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def same(given: str, wanted: str) -> bool:
    """Whether two texts are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode("utf-8", "surrogatepass"))


def verify(method: Verify, delivery: Delivery, secrets: Secrets, now: datetime) -> Delivery:
    """The delivery without its secret, when the sender is who the flow says; raises `Refused` otherwise."""
    if method.method == "none":
        return strike_out(delivery)
    secret = secrets(method.secret) if method.secret else None
    if not secret:
        raise Refused(403, _not_set(method))
    match method.method:
        case "hmac":
            _check_hmac(method, delivery, secret)
        case "standard-webhooks":
            _check_standard(delivery, secret, now)
        case "header":
            _check_header(method, delivery, secret)
        case "basic":
            _check_basic(method, delivery, secret)
        case "body-secret":
            check_body_secret(method.path, delivery, lambda given: same(given, secret))
    return strike_out(delivery, header=method.header if method.method == "header" else "", secret=secret)


def no_secret(method: Verify, secrets: Secrets) -> str:
    """What to say of a webhook whose secret is not there; empty when all is well."""
    missing = method.secret and not secrets(method.secret)
    return f"{_not_set(method)}. Until then every delivery is refused" if missing else ""


def _not_set(method: Verify) -> str:
    return f'the secret "{method.secret}" is not set; set it with: flowengine secrets set {method.secret}'


def check_body_secret(path: str, delivery: Delivery, accepts: Callable[[str], bool]) -> str:
    """The secret that a JSON body carries at `path`, when it is accepted."""
    given = at_path(read_body(delivery.body), path)
    if not isinstance(given, str) or not given:
        raise Refused(401, f'the body has no secret at "{path}"')
    if not accepts(given):
        raise Refused(403, f'the secret at "{path}" is not the one that was agreed')
    return given


def _header(delivery: Delivery, name: str) -> str:
    value = delivery.headers.get(name.lower())
    if not value:
        raise Refused(401, f'the header "{name}" is missing')
    return value


def _check_hmac(method: Verify, delivery: Delivery, secret: str) -> None:
    given = _header(delivery, method.header)
    algorithm = ALGORITHMS.get(method.algorithm.lower().replace("-", ""))
    if algorithm is None:
        raise Refused(403, f'"{method.algorithm}" is not an algorithm; there is: {", ".join(ALGORITHMS)}')
    made = hmac.new(secret.encode(), delivery.body, algorithm).digest()
    prefix = f"{method.algorithm.lower()}="
    signature = given[len(prefix) :] if given.lower().startswith(prefix) else given
    if not any([same(signature.lower(), made.hex()), same(signature, base64.b64encode(made).decode())]):
        raise Refused(403, f'the signature in "{method.header}" does not fit the body')


def _check_standard(delivery: Delivery, secret: str, now: datetime) -> None:
    """https://www.standardwebhooks.com: HMAC-SHA256 over `id.timestamp.body`; several signatures, any may fit."""
    message, stamp = _header(delivery, "webhook-id"), _header(delivery, "webhook-timestamp")
    signatures = _header(delivery, "webhook-signature").split(" ")
    if not stamp.isdecimal() or abs(int(stamp) - now.timestamp()) > TOLERANCE.total_seconds():
        raise Refused(403, "the timestamp is missing, too old or in the future")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise Refused(403, "the secret is not a Standard Webhooks secret (whsec_ and base64)") from None
    made = hmac.new(key, f"{message}.{stamp}.".encode() + delivery.body, hashlib.sha256).digest()
    wanted = "v1," + base64.b64encode(made).decode()
    held = [same(signature, wanted) for signature in signatures]  # every one is compared
    if not any(held):
        raise Refused(403, "no signature fits the body")


def _check_header(method: Verify, delivery: Delivery, secret: str) -> None:
    given = _header(delivery, method.header)
    bearer = given[7:] if given[:7].lower() == "bearer " else given
    if not any([same(given, secret), same(bearer, secret)]):
        raise Refused(403, f'the value of the header "{method.header}" is not the one that was agreed')


def _check_basic(method: Verify, delivery: Delivery, secret: str) -> None:
    scheme, _, encoded = _header(delivery, "authorization").partition(" ")
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise Refused(401, "the Authorization header is not Basic") from None
    if not all([scheme.lower() == "basic", same(name, method.username), same(password, secret)]):
        raise Refused(403, "the user name or password is not the one that was agreed")
