"""The real command line, as processes of their own, beside services that run in the test's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

PATIENCE = 60


@dataclass
class CommandLine:
    """Commands in a project's folder. `said` gathers everything that all of them printed."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    said: list[bytes] = field(default_factory=list)

    async def start(self, *arguments: str, **environ: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "flowengine", "-C", str(self.folder), *arguments),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self.environ, **environ},
        )

    async def __call__(self, *arguments: str, stdin: str = "", **environ: str) -> tuple[int | None, str, str]:
        """Exit code, stdout and stderr."""
        process = await self.start(*arguments, **environ)
        return await self.end(process, stdin)

    async def here(self, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        """The same in this process, for commands that only look or make one change: a new interpreter costs most of a second."""
        code, out, err = await asyncio.to_thread(self._here, arguments, stdin)
        self.said += [out.encode(), err.encode()]
        assert "Traceback" not in err
        return code, out, err

    def _here(self, arguments: tuple[str, ...], stdin: str) -> tuple[int, str, str]:
        from flowengine.cli.root import answer

        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, self.environ),
            mock.patch.object(sys, "stdin", io.StringIO(stdin)),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = answer(["-C", str(self.folder), *arguments])
        return code, out.getvalue(), err.getvalue()

    async def end(self, process: asyncio.subprocess.Process, stdin: str = "") -> tuple[int | None, str, str]:
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), PATIENCE)
        self.said += [out, err]
        assert b"Traceback" not in err
        return process.returncode, out.decode(), err.decode()

    @asynccontextmanager
    async def served(self, **environ: str) -> AsyncIterator[tuple[str, Any]]:
        """The engine; gives its address and its process, which may have ended when the block does."""
        process = await self.start("serve", "--port", "0", **environ)
        assert process.stdout is not None
        first = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
        self.said.append(first)
        try:
            yield next((word for word in first.decode().split() if word.startswith("http://")), ""), process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            await self.end(process)
