"""`flowengine schema`: the JSON Schema that lets editors complete and check flow files."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from flowengine.cli import output, place

app = place.single("The JSON Schema that lets editors complete and check flow files.")


@app.command()
def schema(
    ctx: typer.Context,
    write: Annotated[
        bool, typer.Option("--write", help="Write it to .flowengine/flow.schema.json and tell VS Code about it.")
    ] = False,
) -> None:
    """The JSON Schema of a flow, with the operations and parameters of this project's connectors."""
    from flowengine.lint.schema import flow_schema

    here = place.settings(ctx)
    text = json.dumps(flow_schema(place.catalog(here)), ensure_ascii=False, indent=2)
    if not write:
        output.say(text)
        return
    path = here.state / "flow.schema.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")
    output.say(f"wrote {path}")
    output.tell(
        "Visual Studio Code with the YAML extension uses it after this is added to .vscode/settings.json:\n"
        '  "yaml.schemas": { ".flowengine/flow.schema.json": "flows/*.yaml" }\n'
        "Other editors: put this line at the top of a flow:\n"
        "  # yaml-language-server: $schema=../.flowengine/flow.schema.json"
    )
