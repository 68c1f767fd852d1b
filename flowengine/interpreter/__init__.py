"""Walks a flow's actions; meets the world only through `effects.Effects`."""
