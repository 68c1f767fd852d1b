"""Connections that lead to stand-ins of the services, and things that happen there."""

from __future__ import annotations

import json

import httpx

from flowengine.sandbox.stand_in import StandIn


def connections_to(*stand_ins: StandIn, **more) -> str:
    """The text of a `connections.yaml` with one for each, under its connector's name. `more` goes into every one."""
    return json.dumps(
        {
            one.name: {
                "connector": one.name,
                "base_url": one.url,
                "allow_private_network": True,
                "parameters": one.credentials,
                **more,
            }
            for one in stand_ins
        }
    )


async def happens(stand_in: StandIn, signal: str, **details) -> None:
    """Something happens at the service; returns when everybody was told who wanted to be."""
    async with httpx.AsyncClient(trust_env=False) as http:
        (await http.post(f"{stand_in.control_url}/{signal}", json=details)).raise_for_status()
    await stand_in.settled()
