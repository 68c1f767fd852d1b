"""What lasts: events, runs, action records, flow versions, subscriptions. The only place that knows SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowengine.store.store import Store

__all__ = ["Store"]


def __getattr__(name: str) -> Any:
    # On first use, so that the records cost nobody a database.
    if name != "Store":
        raise AttributeError(f"module 'flowengine.store' has no attribute {name!r}")
    from flowengine.store.store import Store

    return Store
