"""Webhooks whose secret is not stored: they refuse every delivery, and nothing in the flow is wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flowengine.cli import place

if TYPE_CHECKING:
    from flowengine.config import Settings


def missing(here: Settings, files: Sequence[Path]) -> Iterator[str]:
    """For each, the flow and what to do; files that cannot be read say so elsewhere."""
    from flowengine.cli.flows import parse
    from flowengine.spec.triggers import Webhook
    from flowengine.triggers.webhook import no_secret

    flows = [flow for flow in (parse(file)[0] for file in files if os.access(file, os.R_OK)) if flow is not None]
    hooks = [(flow.id, trigger.verify) for flow in flows for trigger in flow.triggers if isinstance(trigger, Webhook)]
    if here.server or not any(verify.secret for _, verify in hooks):
        return
    secrets = place.finish(place.stored_secrets(here))
    for flow_id, verify in hooks:
        if told := no_secret(verify, secrets):
            yield f"{flow_id}: {told}"
