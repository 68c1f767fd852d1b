"""The command line: one file a command group, imported only when that group is asked for."""

from __future__ import annotations

import gc
import sys

from flowengine import __version__


def main() -> None:
    """The `flowengine` command. `--version` answers before anything else is imported."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.stdout.write(f"flowengine {__version__}\n")
        return
    # Imports, flows and runs make much and few circles: looking for garbage so seldom saves a tenth of a short command.
    gc.set_threshold(50_000, 20, 50)
    from flowengine.cli.root import answer

    sys.exit(answer(sys.argv[1:]))
