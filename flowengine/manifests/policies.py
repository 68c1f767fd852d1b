"""Policy instances of apiProperties, as records. Applying them is the work of `connectors`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flowengine.manifests.lenient import as_list, as_object, as_text, as_texts
from flowengine.types import Json, JsonObject

_PARAMETER = "x-ms-apimtemplateparameter."
_OPERATIONS = "x-ms-apimtemplate-operationname"
_SECTION = "x-ms-apimtemplate-policysection"


@dataclass(frozen=True, slots=True)
class Policy:
    """One rewriting of requests or answers, such as `setheader`."""

    template: str
    """The template's id in lower case: definitions write it in any case."""
    parameters: Mapping[str, Json] = field(default_factory=dict)
    """Without Microsoft's prefix: `name`, `value`, `existsAction`, `urlTemplate`, `newPath`, ..."""
    operations: frozenset[str] | None = None
    """The operations it is for; None: all."""
    response: bool = False
    """Whether it rewrites the answer instead of the request."""
    failure: bool = False
    """Whether it is for answers that are errors only."""
    title: str = ""

    def get(self, name: str) -> Json:
        """The parameter of that name, which definitions write in any case; None when there is none."""
        return next((value for key, value in self.parameters.items() if key.lower() == name.lower()), None)

    def text(self, name: str) -> str:
        """A parameter as text; empty when there is none."""
        return as_text(self.get(name))

    def applies_to(self, operation: str) -> bool:
        return self.operations is None or operation in self.operations


def read_policies(value: Any) -> tuple[Policy, ...]:
    """`policyTemplateInstances` in the file's order, in which they apply."""
    return tuple(_policy(as_object(entry)) for entry in as_list(value) if as_object(entry).get("templateId"))


def _listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else as_texts(value)


def _policy(entry: JsonObject) -> Policy:
    given = {key.lower(): (key, value) for key, value in as_object(entry.get("parameters")).items()}
    names = [name.strip() for name in _listed(given.get(_OPERATIONS, ("", None))[1]) if name.strip()]
    section = as_text(given[_SECTION][1]).lower() if _SECTION in given else ""
    return Policy(
        template=as_text(entry.get("templateId")).lower(),
        parameters={key[len(_PARAMETER) :]: value for low, (key, value) in given.items() if low.startswith(_PARAMETER)},
        operations=frozenset(names) if names else None,
        response=section in ("response", "failure"),
        failure=section == "failure",
        title=as_text(entry.get("title")),
    )
