"""What the writer tells of an error: never a statement's values, which may hold what nobody should read."""

from __future__ import annotations

from flowengine.errors import FlowEngineError, StorageUnavailable


def told(error: Exception) -> FlowEngineError:
    return error if isinstance(error, FlowEngineError) else StorageUnavailable(first_line(error))


def first_line(error: Exception) -> str:
    """SQLAlchemy's messages go on with the statement and its values, which may hold what nobody should read."""
    original = getattr(error, "orig", None) or error
    return str(original).splitlines()[0] if str(original) else type(original).__name__
