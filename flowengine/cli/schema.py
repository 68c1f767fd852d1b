"""`flowengine schema`: the JSON Schema that lets editors complete and check flow files."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from flowengine.cli import output, place
from flowengine.cli.place import AsJson

app = place.single("The JSON Schema that lets editors complete and check flow files.")


@app.command()
def schema(
    ctx: typer.Context,
    write: Annotated[
        bool, typer.Option("--write", help="Write it to .flowengine/flow.schema.json and tell VS Code about it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The JSON Schema of a flow, with the operations and parameters of this project's connectors."""
    from flowengine.lint.schema import flow_schema

    here = place.settings(ctx)
    found = flow_schema(place.catalog(here))
    text = json.dumps(found, ensure_ascii=False, indent=2)
    if not write:
        output.done(text, as_json=as_json, schema=found)
        return
    path = here.state / "flow.schema.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")
    output.done(f"wrote {path}", as_json=as_json, file=str(path), schema=found)
    output.tell(
        "Visual Studio Code with the YAML extension uses it after this is added to .vscode/settings.json:\n"
        '  "yaml.schemas": { ".flowengine/flow.schema.json": "flows/*.yaml" }\n'
        "Other editors: put this line at the top of a flow:\n"
        "  # yaml-language-server: $schema=../.flowengine/flow.schema.json"
    )
