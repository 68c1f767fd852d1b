"""`flowengine explain`: what a rule of `check` means, with a wrong and a right example."""

from __future__ import annotations

from typing import Annotated

import typer

from flowengine.cli import output, place
from flowengine.cli.place import AsJson
from flowengine.errors import NotFound
from flowengine.findings import did_you_mean

app = place.single("What a rule of `check` means, with a wrong and a right example.")


@app.command()
def explain(
    rule: Annotated[
        str | None, typer.Argument(metavar="[RULE]", help="A rule's id, which stands in brackets after a finding.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What a rule means; without one, all rules."""
    from flowengine.lint.rules import RULES

    known = {each.id: each for each in RULES}
    if rule is not None and rule not in known:
        raise NotFound(f'there is no rule "{rule}"; {did_you_mean(rule, known)}')
    chosen = [known[rule]] if rule else [known[name] for name in sorted(known)]
    if as_json:
        output.emit(
            rules=[
                {
                    "id": each.id,
                    "severity": str(each.severity),
                    "meaning": each.meaning,
                    "wrong": each.wrong,
                    "right": each.right,
                }
                for each in chosen
            ]
        )
    elif rule:
        each = chosen[0]
        output.say(f"{output.paint(each.id, 'bold')} ({each.severity})\n{each.meaning.strip()}")
        for title, example in (("Wrong", each.wrong), ("Right", each.right)):
            output.say(f"\n{output.paint(title, 'bold')}:\n{output.indented(example.strip(chr(10)), '  ')}")
        output.say(f"\nTo keep a finding of this rule quiet where it is meant: # flowengine: ignore {each.id}")
    else:
        output.table(
            ("rule", "severity", "what it means"),
            [[each.id, str(each.severity), each.meaning.split(". ")[0]] for each in chosen],
        )
