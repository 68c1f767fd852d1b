"""Who may use which route: an exact list of public ones, and for every other the least role that may.

A route that nobody wrote a rule for is not open: reading it needs a viewer, changing anything by it an administrator.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from starlette.requests import HTTPConnection
from starlette.routing import Route, compile_path

CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Role(StrEnum):
    """What a caller may do; each may do what those before it may."""

    VIEWER = "viewer"
    """Look at everything but who may come in and the audit record."""
    OPERATOR = "operator"
    """Run, cancel, resubmit, answer, switch flows, try connections."""
    ADMIN = "admin"
    """Change flows, secrets, connections and tokens."""

    def may(self, needed: Role) -> bool:
        """Whether this role is enough where `needed` is asked for."""
        return RANKS.index(self) >= RANKS.index(needed)


RANKS: Final = (Role.VIEWER, Role.OPERATOR, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request."""

    name: str
    role: Role
    kind: str
    """`token`, `person` (signed in with a browser) or `local` (this machine's user, trusted on loopback)."""

    def __str__(self) -> str:
        """As the audit record has it."""
        return self.kind if self.kind == "local" else f"{self.kind}:{self.name}"


PUBLIC: Final = frozenset(
    {
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("POST", "/hooks/{flow}/{key}"),
        ("POST", "/callbacks/{run}/{key}"),
        ("GET", "/approvals/{run}/{key}"),
        ("POST", "/approvals/{run}/{key}"),
        ("GET", "/login"),
        ("POST", "/login"),
        ("GET", "/login/oidc"),
        ("GET", "/login/oidc/return"),
        ("GET", "/static/{name:path}"),
    }
)
"""Method and path of what needs no token: deliveries and one-time links carry their own key."""

PAGES: Final[Mapping[tuple[str, str], Role]] = {
    ("POST", "/logout"): Role.VIEWER,
    ("GET", "/flows/{flow}/edit"): Role.ADMIN,
    ("GET", "/new"): Role.ADMIN,
    ("GET", "/audit"): Role.ADMIN,
    ("GET", "/tokens"): Role.ADMIN,
    ("GET", "/runs/chosen"): Role.OPERATOR,
    ("POST", "/runs/cancel"): Role.OPERATOR,
    ("POST", "/runs/resubmit"): Role.OPERATOR,
    ("POST", "/flows/{flow}/enable"): Role.OPERATOR,
    ("POST", "/flows/{flow}/disable"): Role.OPERATOR,
    ("POST", "/flows/{flow}/run"): Role.OPERATOR,
    ("POST", "/runs/{run}/cancel"): Role.OPERATOR,
    ("POST", "/runs/{run}/resubmit"): Role.OPERATOR,
    ("POST", "/runs/{run}/answer"): Role.OPERATOR,
    ("POST", "/approvals/answer"): Role.OPERATOR,
}
"""Pages that need another role than the rule of thumb gives: a viewer to look, an administrator to change."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One route and who may use it; `needed` is None for everybody."""

    method: str
    path: str
    needed: Role | None
    pattern: re.Pattern[str]


def rules_for(routes: Iterable[Route], declared: Mapping[tuple[str, str], Role]) -> list[Rule]:
    """The rule of each route, by what is declared for it."""
    return [
        Rule(method, route.path, needed_for(method, route.path, declared), compile_path(route.path)[0])
        for route in routes
        for method in sorted(route.methods or ())
        if method != "HEAD"
    ]


def needed_for(method: str, path: str, declared: Mapping[tuple[str, str], Role]) -> Role | None:
    """The least role for a route, by its template path; None when it is public."""
    if (method, path) in PUBLIC:
        return None
    return declared.get((method, path)) or (Role.ADMIN if method in CHANGING else Role.VIEWER)


def rule_of(rules: Iterable[Rule], method: str, path: str) -> Rule | None:
    """The first rule that fits a request, as the router chooses the first route."""
    method = "GET" if method == "HEAD" else method
    return next((rule for rule in rules if rule.method == method and rule.pattern.match(path)), None)


def methods_at(rules: Iterable[Rule], path: str) -> list[str]:
    """The methods that there is a route for at a path; none when there is nothing at all.

    `/runs/cancel` is what the document calls so and no run of that name: the route with the fewest names left open counts.
    """
    fitting = [rule for rule in rules if rule.pattern.match(path)]
    fewest = min((rule.path.count("{") for rule in fitting), default=0)
    return sorted({rule.method for rule in fitting if rule.path.count("{") == fewest})


def caller_of(connection: HTTPConnection) -> Caller | None:
    """Who sends this request; None on public routes."""
    found: Caller | None = connection.scope.get("flowengine.caller")
    return found


def may(connection: HTTPConnection, needed: Role) -> bool:
    """Whether the sender's role is enough, for pages that show buttons only to those who may press them."""
    caller = caller_of(connection)
    return caller is not None and caller.role.may(needed)
