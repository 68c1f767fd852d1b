"""Who sent this? Every method of `verify`, right and wrong."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from flowengine.spec.triggers import Verify
from flowengine.triggers.deliveries import Delivery
from flowengine.triggers.webhook import Refused, verify

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "s3cret-of-the-team"
BODY = b'{"ticket":{"id":"T1"}}'


def secrets(name):
    return {"team": SECRET, "standard": "whsec_" + base64.b64encode(b"x" * 24).decode()}.get(name)


def check(method, headers=None, body=BODY):
    return verify(method, Delivery(body, headers or {}, "192.0.2.1"), secrets, NOW)


def refusal(method, headers=None, body=BODY):
    with pytest.raises(Refused) as caught:
        check(method, headers, body)
    assert SECRET not in caught.value.reason
    return caught.value


def test_none_lets_everything_in_but_keeps_no_credentials():
    taken = check(Verify("none"), {"authorization": "Bearer x", "cookie": "a=b", "x-kept": "1"})
    assert taken.body == BODY
    assert taken.headers == {"x-kept": "1"}


@pytest.mark.parametrize(
    "method", [Verify("hmac", "gone", "X-S"), Verify("basic", "gone", username="u"), Verify("header", "gone", "X-S")]
)
def test_a_secret_that_is_not_set_fails_closed_and_says_how_to_set_it(method):
    refused = refusal(method, {"x-s": "", "authorization": ""})
    assert refused.status == 403
    assert "flowengine secrets set gone" in refused.reason


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("written", ["{hex}", "{algorithm}={hex}", "{base64}", "{upper}"])
def test_hmac_takes_the_usual_spellings_of_a_signature(algorithm, written):
    made = hmac.new(SECRET.encode(), BODY, getattr(hashlib, algorithm)).digest()
    forms = {"hex": made.hex(), "upper": made.hex().upper(), "base64": base64.b64encode(made).decode()}
    method = Verify("hmac", "team", "X-Signature", algorithm)
    assert check(method, {"x-signature": written.format(algorithm=algorithm, **forms)}).body == BODY


def test_hmac_of_another_body_is_refused():
    made = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
    method = Verify("hmac", "team", "X-Signature")
    assert refusal(method, {"x-signature": made}, BODY + b" ").status == 403
    assert refusal(method, {"x-signature": made + "ü"}).status == 403
    assert refusal(method, {}).status == 401


def test_hmac_with_an_unknown_algorithm_fails_closed():
    assert "md4" in refusal(Verify("hmac", "team", "X-Signature", "md4"), {"x-signature": "x"}).reason


def test_a_header_is_compared_and_then_struck_out():
    method = Verify("header", "team", "X-Form-Token")
    assert check(method, {"x-form-token": SECRET, "x-other": "1"}).headers == {"x-other": "1"}
    assert refusal(method, {"x-form-token": "wrong"}).status == 403
    assert refusal(method).status == 401


def test_a_bearer_token_counts_as_the_header_s_value():
    assert check(Verify("header", "team", "Authorization"), {"authorization": f"Bearer {SECRET}"}).headers == {}


def test_basic_compares_both_halves():
    method = Verify("basic", "team", username="hook")

    def header(text):
        return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    assert check(method, header(f"hook:{SECRET}")).headers == {}
    assert refusal(method, header(f"other:{SECRET}")).status == 403
    assert refusal(method, header("hook:wrong")).status == 403
    assert refusal(method, {"authorization": "Basic !!"}).status == 401
    assert refusal(method).status == 401


def test_a_body_secret_is_struck_out_of_what_is_kept():
    method = Verify("body-secret", "team", path="auth.key")
    body = orjson.dumps({"auth": {"key": SECRET}, "say": f"again {SECRET}", "n": 1})
    taken = check(method, body=body)
    assert SECRET.encode() not in taken.body
    assert orjson.loads(taken.body) == {"auth": {"key": "***"}, "say": "again ***", "n": 1}


def test_a_body_secret_with_other_escapes_is_struck_out_too():
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in SECRET)
    taken = check(Verify("body-secret", "team", path="key"), body=f'{{"key": "{escaped}"}}'.encode())
    assert orjson.loads(taken.body) == {"key": "***"}


@pytest.mark.parametrize("body", [b"", b"[]", b'{"key": 1}', b'{"key": ""}', b"not json", b'{"other": "x"}'])
def test_a_body_without_its_secret_is_refused(body):
    assert refusal(Verify("body-secret", "team", path="key"), body=body).status == 401


def test_a_wrong_body_secret_is_refused():
    assert refusal(Verify("body-secret", "team", path="key"), body=b'{"key": "wrong"}').status == 403


def standard(at=NOW, body=BODY, key=b"x" * 24):
    stamp = str(int(at.timestamp()))
    made = hmac.new(key, f"msg_1.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": stamp,
        "webhook-signature": "v1,bm90aGluZw== v1," + base64.b64encode(made).decode(),
    }


def test_standard_webhooks_takes_any_fitting_signature():
    assert check(Verify("standard-webhooks", "standard"), standard()).headers["webhook-id"] == "msg_1"


def test_standard_webhooks_refuses_old_future_and_wrong():
    method = Verify("standard-webhooks", "standard")
    assert "old" in refusal(method, standard(NOW - timedelta(minutes=6))).reason
    assert "old" in refusal(method, standard(NOW + timedelta(minutes=6))).reason
    assert refusal(method, standard(key=b"y" * 24)).status == 403
    assert refusal(method, {**standard(), "webhook-timestamp": "soon"}).status == 403
    assert refusal(method, {}).status == 401
    assert "whsec_" in refusal(Verify("standard-webhooks", "team"), standard()).reason
