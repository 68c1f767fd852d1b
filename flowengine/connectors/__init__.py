"""Calling operations: request, authentication, policies, throttle, HTTP, answer.

`load_connector` is here for `from flowengine import load_connector`; it is imported when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowengine.connectors.loaded import load_connector

__all__ = ["load_connector"]


def __getattr__(name: str) -> Any:
    if name == "load_connector":
        from flowengine.connectors.loaded import load_connector

        return load_connector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
