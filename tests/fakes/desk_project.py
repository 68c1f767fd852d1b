"""A project with a connector of its own, "desk", that signs in by OAuth at the fake authorization server."""

from __future__ import annotations

import json
from pathlib import Path

LOOK = """\
flow: Look
trigger: { manual: true }
actions:
  - use: desk.WhoAmI
    save_as: who
output: "{{ who.who }}"
"""


def desk_project(folder: Path, url: str, **custom: str) -> Path:
    """The folder, with `connectors/desk` as Power Automate would export it and one flow that calls it."""
    connector = folder / "connectors" / "desk"
    connector.mkdir(parents=True)
    (folder / "flows").mkdir()
    (folder / "flows" / "look.yaml").write_text(LOOK)
    host = url.removeprefix("http://")
    definition = {
        "swagger": "2.0",
        "info": {"title": "Desk", "version": "1.0"},
        "host": host,
        "schemes": ["http"],
        "paths": {
            "/me": {
                "get": {
                    "operationId": "WhoAmI",
                    "summary": "Who is signed in",
                    "responses": {
                        "200": {
                            "description": "You",
                            "schema": {"type": "object", "properties": {"who": {"type": "string"}}},
                        }
                    },
                }
            }
        },
        "securityDefinitions": {
            "oauth2_auth": {
                "type": "oauth2",
                "flow": "accessCode",
                "authorizationUrl": f"{url}/authorize",
                "tokenUrl": f"{url}/token",
                "scopes": {"read": "read"},
            }
        },
        "security": [{"oauth2_auth": ["read"]}],
    }
    urls = {"authorizationUrl": f"{url}/authorize", "tokenUrl": f"{url}/token", "refreshUrl": f"{url}/token", **custom}
    token = {
        "type": "oauthSetting",
        "oAuthSettings": {
            "identityProvider": "oauth2",
            "clientId": "<<Enter your client id>>",
            "scopes": ["read"],
            "redirectUrl": "https://global.consent.azure-apim.net/redirect",
            "customParameters": {name: {"value": value} for name, value in urls.items()},
        },
    }
    (connector / "apiDefinition.swagger.json").write_text(json.dumps(definition))
    (connector / "apiProperties.json").write_text(
        json.dumps({"properties": {"connectionParameters": {"token": token}}})
    )
    return folder
