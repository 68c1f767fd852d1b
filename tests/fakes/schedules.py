"""A flow that a schedule starts."""

from __future__ import annotations


def tick(words: str = "every 15 minutes", missed: str = "run_once", zone: str = "UTC") -> str:
    """The flow's text; `missed` is what becomes of times that nobody kept."""
    return f"""\
flow: Tick
trigger:
  schedule: {words}
  timezone: {zone}
  if_missed: {missed}
actions: [{{log: tick}}]
"""
