"""The log as lines of text."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from flowengine.server import logs


@contextmanager
def log_lines(form: Literal["text", "json"], level: str = "info") -> Iterator[Callable[[], list[str]]]:
    """Logging begins; gives a function for the lines so far. In the end all is as it was before."""
    root, own = logging.getLogger(), logging.getLogger("flowengine")
    handlers, root_level, own_level = root.handlers[:], root.level, own.level
    stream = io.StringIO()
    logs.begin(form, level, stream)
    try:
        yield lambda: stream.getvalue().splitlines()
    finally:
        root.handlers[:] = handlers
        root.setLevel(root_level)
        own.setLevel(own_level)
