"""What the rules look at: a flow, the project around it, its templates with what can be read there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from flowengine.errors import ExpressionError
from flowengine.expressions.references import References
from flowengine.expressions.syntax import MAX_SOURCE
from flowengine.findings import Finding, Severity, Span
from flowengine.lint.comparing import Mistake
from flowengine.lint.inference import Inferred, infer
from flowengine.lint.inputs import Problem, problems
from flowengine.lint.plain import is_plain, references_of
from flowengine.lint.project import Project
from flowengine.lint.shapes import TEXT, UNKNOWN, Missing, Shape, follow, of_value
from flowengine.lint.sites import Site, Sites
from flowengine.manifests.operation import Operation
from flowengine.spec import actions as records
from flowengine.spec.flow import Flow
from flowengine.spec.places import value_at
from flowengine.spec.source import Location
from flowengine.spec.triggers import OperationTrigger, Poll
from flowengine.types import Json

MOST_COMPUTED = 200_000
"""How much there may be in a file's templates with filters, functions and the like, in characters."""
_EACH = 200
"""What looking at one costs besides, in characters."""


def _made(operation: Operation) -> set[str]:
    """The parameters that the engine fills in when it registers a webhook, or sends so that a repeated call is recognised."""
    made: set[str] = set()
    if operation.webhook is not None:
        spec = operation.webhook
        made |= {spec.callback, *spec.register_with}
        secret = getattr(spec.secret, "parameter", None)
        made |= {secret} if isinstance(secret, str) else set()
    if operation.idempotency is not None and operation.idempotency.parameter:
        made.add(operation.idempotency.parameter)
    if operation.pagination is not None:
        made.add(operation.pagination.parameter)
    return made


@dataclass(slots=True)
class _Templates:
    """The templates of a flow, sorted by whether they can be read."""

    read: list[tuple[Site, References]] = field(default_factory=list)
    unreadable: list[tuple[Site, ExpressionError]] = field(default_factory=list)
    unread: Site | None = None


@dataclass
class Context:
    """One flow under the linter."""

    flow: Flow
    project: Project

    @cached_property
    def sites(self) -> Sites:
        return Sites(self.flow, self.project).collect()

    @property
    def templates(self) -> list[tuple[Site, References]]:
        """Every template that can be read, with what it refers to."""
        return self._templates.read

    @property
    def unreadable(self) -> list[tuple[Site, ExpressionError]]:
        """The templates that cannot be read, each with what is wrong with it."""
        return self._templates.unreadable

    @property
    def unread(self) -> Site | None:
        """The first template that was not looked at, in a file with more than a person writes."""
        return self._templates.unread

    @cached_property
    def _templates(self) -> _Templates:
        found, computed = _Templates(), 0
        for site in self.sites.found:
            if "{" not in site.text:
                continue
            if not is_plain(site.text) and len(site.text) <= MAX_SOURCE:
                computed += len(site.text) + _EACH
            if computed > MOST_COMPUTED:
                found.unread = site
                break
            try:
                found.read.append((site, references_of(site.text)))
            except ExpressionError as error:
                found.unreadable.append((site, error))
        return found

    @cached_property
    def inferred(self) -> dict[Location, tuple[Site, Inferred]]:
        """By place, what each template gives, with what in it cannot work; the plainest ones are left out."""
        found = {}
        for site, _ in self.templates:
            if not is_plain(site.text):
                found[site.loc] = (site, infer(site.text, site.scope.names))
        return found

    def mistakes(self, rule: str) -> Iterator[tuple[Site, Mistake]]:
        """What a rule has to tell of the insides of templates."""
        return (
            (site, one) for site, inferred in self.inferred.values() for one in inferred.mistakes if one.rule == rule
        )

    @cached_property
    def _by_place(self) -> dict[Location, tuple[Site, References]]:
        return {site.loc: (site, found) for site, found in self.templates}

    def shape_of(self, value: Json, loc: Location) -> Shape:
        """The shape of a value of the flow, as it will be when its templates are computed."""
        if not isinstance(value, str) or "{" not in value:
            return of_value(value)
        if loc in self.inferred:
            return self.inferred[loc][1].shape.settled()
        if loc not in self._by_place:
            return UNKNOWN
        site, found = self._by_place[loc]
        if found.picks is None:
            return TEXT
        begun = site.scope.names.get(found.picks.root)
        end = follow(begun, found.picks.parts[1:]) if begun is not None and not found.picks.open else UNKNOWN
        return UNKNOWN if isinstance(end, Missing) else end.settled()

    @cached_property
    def actions(self) -> list[records.Action]:
        """Every action, parents first."""
        return [action for _, action in self.flow.walk()]

    @cached_property
    def input_problems(self) -> list[Problem]:
        """The mistakes under every `with` whose operation is known."""
        found: list[Problem] = []
        for one in (*self.operations(), *self.flow.triggers):
            if isinstance(one, records.OperationAction | OperationTrigger | Poll):
                found.extend(self._problems(one))
        return found

    def _problems(self, one: records.OperationAction | OperationTrigger | Poll) -> Iterator[Problem]:
        connector = self.project.connector(one.connector)
        operation = self.project.operation(one.connector, one.operation)
        if (
            connector is None
            or operation is None
            or (isinstance(one, Poll) and (operation.kind == "trigger" or not operation.reads))
        ):
            return
        loc = (*one.loc, "with") if self.flow.source.has((*one.loc, "with")) else (*one.loc, one.kind)
        written = value_at(self.flow.source.data, loc)
        beside = value_at(self.flow.source.data, one.loc)
        for problem in problems(connector, operation, one.inputs, loc, _made(operation)):
            # A "with" of the wrong kind, or a parameter that stands beside it, is told where the file is read.
            told = loc[-1] == "with" and not isinstance(written, dict)
            if problem.kind != "missing" or not (told or (isinstance(beside, dict) and problem.name in beside)):
                yield problem

    def uses(self) -> Iterator[tuple[Location, str, str]]:
        """Every place that names an operation, with the connector and the operation named there."""
        for one in (*self.operations(), *self.flow.triggers):
            if isinstance(one, records.OperationAction | OperationTrigger | Poll) and one.connector:
                yield (*one.loc, one.kind), one.connector, one.operation

    def operations(self) -> Iterator[records.OperationAction]:
        """Every action that calls an operation."""
        return (action for action in self.actions if isinstance(action, records.OperationAction))

    def at(
        self, loc: Location, rule: str, message: str, hint: str = "", severity: Severity = Severity.ERROR
    ) -> Finding:
        """A finding at a value."""
        return Finding(self.flow.source.file, self.flow.source.span(loc), rule, message, hint, severity)

    def at_key(
        self, loc: Location, rule: str, message: str, hint: str = "", severity: Severity = Severity.ERROR
    ) -> Finding:
        """A finding at a value's key."""
        return Finding(self.flow.source.file, self.flow.source.key_span(loc), rule, message, hint, severity)

    def inside(
        self,
        site: Site,
        place: tuple[int, int],
        rule: str,
        message: str,
        hint: str = "",
        severity: Severity = Severity.ERROR,
    ) -> Finding:
        """A finding at a stretch of a text, given by offsets in it."""
        span: Span = self.flow.source.locate(site.loc, place[0], max(place[1] - place[0], 1))
        return Finding(self.flow.source.file, span, rule, message, hint, severity)
