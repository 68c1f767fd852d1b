"""Pictures of a flow: as a tree of text, as a Mermaid chart, as SVG; each perhaps with what became of a run."""

from __future__ import annotations

from flowengine.app.picture.mermaid import as_mermaid
from flowengine.app.picture.outline import Outline, outline
from flowengine.app.picture.svg import as_svg

__all__ = ["Outline", "as_mermaid", "as_svg", "outline"]
