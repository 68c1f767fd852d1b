"""What to do about a failure: the sentence after what went wrong."""

from __future__ import annotations

from typing import Final

from flowengine.types import JsonObject

BY_CODE: Final = {
    "unauthorized": "The service does not accept the connection's credentials. Look at the connection, put them right, then run again "
    "from this action.",
    "sign_in_needed": "Somebody has to sign in at the service once more; then run again from this action.",
    "invalid_inputs": "Nothing was sent: the inputs do not fit the operation. Mend them at the line below, or run again from this action "
    "with other input.",
    "expression_error": "A template could not be computed. Mend it at the line below; where a field may be missing, say what to take "
    "instead: | default('...').",
    "throttled": "The service asked to slow down. Give the connection limits, or the action more patience under retry; then run again "
    "from this action.",
    "unreachable": "No connection could be made, so nothing happened at the service. When it can be reached again, run again from this "
    "action.",
    "outcome_unknown": "The request was sent and no answer came. Look at the service whether it was done, before running this action "
    "again.",
    "timed_out": "It took longer than its limit. Raise timeout, or find out why it takes so long.",
    "no_connection": "Add the connection it needs to connections.yaml, then run again from this action.",
    "blocked": "The address is not one that this connection may call. If it is meant, say allow_private_network: true at the connection.",
    "response_too_large": "The answer is larger than the limit. Ask for less of it, such as one page.",
    "repeat_exhausted": "What it waited for did not happen in time. Raise max, wait longer between rounds, or handle this case.",
    "recovery_exhausted": "The engine ended unexpectedly at this place again and again. Its log says more; the run can be done again "
    "when the cause is gone.",
    "stopped": "The flow itself ended the run as failed.",
}
AT_FAULT: Final = "The service had a problem of its own. When it is well again, run again from this action."
REFUSED: Final = (
    "The service refused what it was sent; its answer below says why. Mend the inputs, then run again from this action."
)
GONE: Final = "The service has nothing of that name. It may have been deleted meanwhile: check the id in the inputs."
OTHERWISE: Final = (
    "Look at what the action was given and what came back; then mend the flow, or run again from this action."
)


def advice(error: JsonObject) -> str:
    """One or two sentences on what a person can do."""
    code, status = str(error.get("code") or ""), error.get("status_code")
    if code in BY_CODE:
        return BY_CODE[code]
    if isinstance(status, int):
        if status >= 500:
            return AT_FAULT
        return GONE if status in (404, 410) else REFUSED
    return OTHERWISE
