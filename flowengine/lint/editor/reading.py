"""What stands at a place of a flow that can be read: for hovers and for going to where something is made."""

from __future__ import annotations

from dataclasses import dataclass

from flowengine.expressions.references import Chain, References, Use
from flowengine.findings import Span
from flowengine.lint.context import Context
from flowengine.lint.project import Project
from flowengine.lint.sites import Site
from flowengine.spec.load import read_partly
from flowengine.spec.places import offset_of
from flowengine.spec.source import Location


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands at a place: a key, a value, or a part of a template."""

    context: Context
    loc: Location
    span: Span
    is_key: bool = False
    site: Site | None = None
    chain: Chain | None = None
    part: int = 0
    """Which part of the chain."""
    use: Use | None = None


def standing_at(text: str, offset: int, file: str, project: Project) -> Standing | None:
    """What stands at an offset; None when the file cannot be read, or nothing is there."""
    flow, _ = read_partly(text, file)
    if flow is None:
        return None
    context = Context(flow, project)
    found = _narrowest(context, text, offset)
    if found is None:
        return None
    loc, span, is_key = found
    return (None if is_key else _in_template(context, loc, offset)) or Standing(context, loc, span, is_key)


def _narrowest(context: Context, text: str, offset: int) -> tuple[Location, Span, bool] | None:
    """The key, or the innermost value, around an offset."""
    source = context.flow.source
    best: tuple[int, tuple[Location, Span, bool]] | None = None
    for table, is_key in ((source.keys, True), (source.values, False)):
        for loc, span in table.items():
            start, end = offset_of(text, span.line, span.column), offset_of(text, span.end_line, span.end_column)
            if start <= offset <= end and (best is None or end - start < best[0]):
                best = (end - start, (loc, span, is_key))
    return best[1] if best else None


def _in_template(context: Context, loc: Location, offset: int) -> Standing | None:
    for site, found in context.templates:
        if site.loc == loc:
            return _of_references(context, site, found, offset)
    return None


def _of_references(context: Context, site: Site, found: References, offset: int) -> Standing | None:
    source = context.flow.source

    def covers(place: tuple[int, int]) -> Span | None:
        span = source.locate(site.loc, place[0], place[1] - place[0])
        start = offset_of(source.text, span.line, span.column)
        return span if start <= offset <= offset_of(source.text, span.end_line, span.end_column) else None

    for chain in found.chains:
        for part, place in enumerate(chain.places):
            span = covers(place)
            if span:
                return Standing(context, site.loc, span, site=site, chain=chain, part=part)
    for use in (*found.filters, *found.functions, *found.tests):
        span = covers(use.place)
        if span:
            return Standing(context, site.loc, span, site=site, use=use)
    return None
