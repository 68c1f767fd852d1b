"""`flowengine doctor`: is everything set up? One line a part, with what to do where something is missing."""

from __future__ import annotations

import typer

from flowengine.cli import output, place
from flowengine.cli.errors import Exit
from flowengine.cli.place import AsJson

app = place.single("Is everything set up? Each part with what to do about it.")


@app.command()
def doctor(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Look every part over: Python, libraries, project, flows, database, key, connections, port, clock.

    Exit code 0 when nothing fails (warnings are fine), 3 when something does.
    """
    from flowengine.cli.doctor_checks import examine

    findings = examine(ctx)
    if as_json:
        output.emit(checks=[each.to_json() for each in findings])
    else:
        width = max(len(each.part) for each in findings)
        for each in findings:
            word = output.paint(f"{each.verdict:<4}", output.STYLES[each.verdict])
            output.say(f"{word}  {each.part:<{width}}  {output.clean(each.told)}")
            if each.remedy:
                output.say(f"{' ' * (width + 8)}{output.paint('do:', 'bold')} {output.clean(each.remedy)}")
    raise typer.Exit(Exit.NOT_READY if any(each.verdict == "fail" for each in findings) else Exit.FINE)
