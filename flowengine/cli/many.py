"""The options by which a command is said to be about many runs."""

from __future__ import annotations

from typing import Annotated

import typer

OfFlow = Annotated[str | None, typer.Option("--flow", "-f", help="Many: only this flow's.")]
Since = Annotated[str | None, typer.Option("--since", help="Many: only newer ones: 24h, 7d, 2026-01-31.")]
Holding = Annotated[str | None, typer.Option("--search", help="Many: only those that hold this text.")]
Really = Annotated[bool, typer.Option("--yes", "-y", help="Many: do it, not only show which.")]
