"""What people are told beside a list of runs or events: flows that are off, or that are not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flowengine.cli import output, place
from flowengine.errors import FlowEngineError

if TYPE_CHECKING:
    from flowengine.config import Settings


def hint(here: Settings, flow: str | None, *, empty: bool) -> str:
    """Why a flow starts no runs at present; of all flows only where a list is `empty`. May be empty itself."""
    if flow is None:
        off = [each for each in place.flow_ids(here) if _off(here, each)] if empty else []
        return f"Off: {', '.join(off)}. Switch one on: flowengine flows enable FLOW" if off else ""
    if flow not in place.flow_ids(here):
        return _unknown(here, flow) if empty else ""
    return _off(here, flow)


def _off(here: Settings, flow: str) -> str:
    """What says that the flow is off, and how to change that."""
    if _off_in_file(here, flow):
        return f"{output.clean(flow)} is off: its file says enabled: false. No event starts it."
    if _switches(here).get(flow, True):
        return ""
    return f"{output.clean(flow)} is off. No event starts it until: flowengine flows enable {flow}"


def _off_in_file(here: Settings, flow: str) -> bool:
    try:
        file = place.flow_file(here, flow)
        if b"enabled" not in file.read_bytes():
            return False  # most flows: reading one takes longer than the list
    except (FlowEngineError, OSError):
        return False  # `check` tells what is wrong with it
    from flowengine.cli.flows import parse

    found, _ = parse(file)
    return found is not None and not found.enabled


def _switches(here: Settings) -> Mapping[str, bool]:
    return place.finish(_read(here)) if place.has_database(here) else {}


async def _read(here: Settings) -> Mapping[str, bool]:
    async with place.history(here) as store:
        return await store.flows.enabled()


def _unknown(here: Settings, flow: str) -> str:
    from flowengine.findings import did_you_mean

    return f'There is no flow "{output.clean(flow)}"; {did_you_mean(flow, place.flow_ids(here))}'.rstrip("; ")
