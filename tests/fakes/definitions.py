"""Small connectors for tests, written as Microsoft's files would be."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from flowengine.manifests.definition import Connector, load_connector


def connector(
    name: str,
    paths: dict[str, Any],
    *,
    security: dict[str, Any] | None = None,
    connection: dict[str, Any] | None = None,
    policies: list[dict[str, Any]] | None = None,
    limits: list[dict[str, Any]] | None = None,
    host: str = "api.example.com",
    base: str = "",
    **more: Any,
) -> Connector:
    """A connector read from files, as every connector is."""
    definition = {
        "swagger": "2.0",
        "info": {"title": name, "version": "1"},
        "host": host,
        "basePath": base,
        "schemes": ["https"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "paths": {path: {method: _complete(entry) for method, entry in item.items()} for path, item in paths.items()},
        "securityDefinitions": security or {},
        "x-flowengine-limits": limits or [],
        **more,
    }
    properties = {
        "properties": {
            "connectionParameters": connection or {},
            "policyTemplateInstances": [_policy(entry) for entry in policies or []],
        }
    }
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / name
        home.mkdir()
        (home / "apiDefinition.swagger.json").write_text(json.dumps(definition))
        (home / "apiProperties.json").write_text(json.dumps(properties))
        return load_connector(home)


def _complete(entry: Any) -> Any:
    if not isinstance(entry, dict) or "operationId" not in entry:
        return entry
    return {"responses": {"200": {"description": "fine"}}, **entry}


def _policy(entry: dict[str, Any]) -> dict[str, Any]:
    """`{"template": "setheader", "name": ..., "operations": [...], "section": "Response"}` in Microsoft's long names."""
    parameters = {
        f"x-ms-apimTemplateParameter.{key}": value
        for key, value in entry.items()
        if key not in ("template", "operations", "section")
    }
    if "operations" in entry:
        parameters["x-ms-apimTemplate-operationName"] = entry["operations"]
    if "section" in entry:
        parameters["x-ms-apimTemplate-policySection"] = entry["section"]
    return {"templateId": entry["template"], "title": "", "parameters": parameters}
