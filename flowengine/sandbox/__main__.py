"""`python -m flowengine.sandbox livechat --port 9101`: a stand-in as a program of its own."""

from __future__ import annotations

import argparse
import sys

from flowengine.errors import FlowEngineError
from flowengine.sandbox.control import page
from flowengine.sandbox.server import SERVICES, run


def main(arguments: list[str] | None = None) -> int:
    """Run until interrupted; 3 when the port cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m flowengine.sandbox", description=__doc__)
    parser.add_argument("service", choices=sorted(SERVICES))
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    given = parser.parse_args(arguments)
    try:
        run(given.service, given.port, told=lambda stand_in: _say(page(stand_in)))
    except FlowEngineError as error:
        sys.stderr.write(f"{error.message}\n")
        return 3
    except KeyboardInterrupt:
        return 130
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
