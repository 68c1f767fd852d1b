"""`flowengine lsp`: the language server that editors start."""

from __future__ import annotations

import os

import typer

from flowengine.cli import place
from flowengine.cli.errors import NotReady

app = place.single("The language server for editors: findings, completion, hover, definitions.")


@app.command()
def lsp(ctx: typer.Context) -> None:
    """Answer an editor over stdin and stdout until it says to end.

    Needs the extra `lsp`: pip install "flowengine[lsp]".
    """
    try:
        from flowengine.cli.language_server import make_server
    except ImportError as error:
        if not str(error.name or "").startswith(("pygls", "lsprotocol", "cattrs")):
            raise
        raise NotReady('the language server needs pygls: pip install "flowengine[lsp]"') from None
    # The server closes what it reads and writes; the process keeps its own.
    with os.fdopen(os.dup(0), "rb") as stdin, os.fdopen(os.dup(1), "wb") as stdout:
        make_server(place.settings(ctx)).start_io(stdin, stdout)
