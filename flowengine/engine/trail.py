"""Which run, and where in it, the present task is at work: for logs."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

RUN: Final[ContextVar[str]] = ContextVar("flowengine_run", default="")
PATH: Final[ContextVar[str]] = ContextVar("flowengine_path", default="")
