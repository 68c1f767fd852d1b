"""flowengine: an open, self-hosted connector and workflow engine.

The face of the package. Everything here is loaded on first use, so that `import flowengine` costs next to nothing::

    from flowengine import load_flow, load_connector, Engine, Settings
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowengine.app import Engine
    from flowengine.config import Settings
    from flowengine.connectors import load_connector
    from flowengine.spec.load import load_flow

__version__ = "0.1.0"
__all__ = ["Engine", "Settings", "__version__", "load_connector", "load_flow"]

_HOMES = {
    "Engine": "flowengine.app",
    "Settings": "flowengine.config",
    "load_connector": "flowengine.connectors",
    "load_flow": "flowengine.spec.load",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'flowengine' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
