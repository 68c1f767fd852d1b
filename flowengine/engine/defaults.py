"""What an engine does where nobody told it better: programs that embed it, and tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from flowengine.engine.port import Address
from flowengine.spec.actions import OperationAction
from flowengine.types import JsonObject, Path, format_path


def repeatable_by_name(action: OperationAction, inputs: JsonObject) -> bool:
    """For the built-in `http` connector by its method; of other connectors nothing is known here."""
    method = inputs.get("method") if action.operation == "request" else action.operation
    return action.connector == "http" and str(method).upper() in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS")


def never(_action: OperationAction, _inputs: JsonObject) -> bool:
    """Without manifests no operation is known to wait for a callback."""
    return False


def address_below(link: Callable[[str], str], derive: Callable[[str], str]) -> Address:
    """Addresses below the run's own page, with a key that cannot be guessed."""

    def address(run_id: str, path: Path, kind: Literal["approval", "callback"], choices: tuple[str, ...]) -> JsonObject:
        place = format_path(path)
        url = f"{link(run_id)}/{kind}/{place}?key={derive(f'{kind}:{run_id}:{place}')}"
        return (
            {"url": url} if kind == "callback" else {"links": {choice: f"{url}&choice={choice}" for choice in choices}}
        )

    return address
