"""`flowengine new`: a project folder, or a flow made from a template."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowengine.app.shipped import description, its_test
from flowengine.app.shipped import templates as shipped_templates
from flowengine.cli import output, place
from flowengine.cli.errors import WrongUsage
from flowengine.cli.place import AsJson
from flowengine.findings import did_you_mean, nearest

if TYPE_CHECKING:
    from flowengine.config import Settings

app = place.single("A project folder, or a flow from a template, to start from.")

PROJECT = "project"

HELLO = """\
flow: Hello
description: Says hello. Start it with  flowengine run hello -i name=Ann

trigger:
  manual: true

inputs:
  name: { type: text, default: world, description: Who is greeted. }

actions:
  - name: Greet
    log: "Hello, {{ inputs.name }}!"

output:
  greeting: "Hello, {{ inputs.name }}!"
"""

CONNECTIONS = """\
# The accounts at services that the flows use. Secrets do not stand here: store them with
#   flowengine secrets set NAME
# and write {{ secrets.NAME }}. `flowengine connections add livechat` asks for what is needed and does both.
#
# livechat:
#   connector: livechat
#   parameters:
#     username: you@example.com
#     apikey: "{{ secrets.livechat_apikey }}"
"""

IGNORE = """\
# The database and the key that decrypts the secrets in it.
.flowengine/
"""


@app.command()
def new(
    ctx: typer.Context,
    template: Annotated[
        str | None,
        typer.Argument(
            metavar="[TEMPLATE]", help="`project`, or a template of --list. A new name makes a project of that name."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The project's folder, or the flow's id.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="The templates.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a project folder (flowengine new myproject), or a flow from a template (flowengine new contact-form)."""
    templates = shipped_templates()
    if list_ or template is None:
        _list(templates, as_json)
    elif template in templates:
        _flow(ctx, templates[template], name or template)
    elif name is not None and template != PROJECT:
        raise WrongUsage(f'there is no template "{template}"; {did_you_mean(template, [PROJECT, *templates])}')
    elif template != PROJECT and (meant := nearest(template, templates)) is not None:
        raise WrongUsage(
            f'there is no template "{template}"; did you mean "{meant}"? A project of that name: flowengine new project {template}'
        )
    else:
        _project(ctx.obj / (name or (template if template != PROJECT else "myproject")))


def _list(templates: dict[str, Path], as_json: bool) -> None:
    described = {PROJECT: "A folder with a first flow, connections.yaml and a .gitignore"}
    described |= {stem: description(path) for stem, path in templates.items()}
    if as_json:
        output.emit(templates=[{"name": stem, "description": text} for stem, text in described.items()])
        return
    output.table(("template", "what it is"), [[stem, text] for stem, text in described.items()])
    output.tell("\nTake one: flowengine new TEMPLATE [NAME]")


def _flow(ctx: typer.Context, template: Path, name: str) -> None:
    here = place.project(ctx)
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise WrongUsage(
            f'"{name}" cannot be a flow\'s id; write lower-case letters, digits and -, such as refund-tickets'
        )
    target = here.flows / f"{name}.yaml"
    if target.exists():
        raise WrongUsage(
            f"{target} is there already; give the new flow another name: flowengine new {template.stem} NAME"
        )
    shutil.copyfile(template, target)
    output.say(f"made {target}")
    _test(here, template, name)
    output.tell(f"Change it to your needs, then: flowengine check {target}")


def _test(here: Settings, template: Path, name: str) -> None:
    """The template's test beside the project's others, for the flow of this name."""
    from flowengine.cli.stage import FOLDER

    shipped, target = its_test(template), here.project / FOLDER / f"{name}.yaml"
    if shipped is None or target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    text = shipped.read_text(encoding="utf-8").replace(f"flow: {template.stem}\n", f"flow: {name}\n")
    target.write_text(text, encoding="utf-8")
    output.say(f"made {target}")
    output.tell(f"Its test: flowengine test {name}")


def _project(folder: Path) -> None:
    files = {
        folder / "flows" / "hello.yaml": HELLO,
        folder / "connections.yaml": CONNECTIONS,
        folder / ".gitignore": IGNORE,
    }
    if (folder / "flows").exists():
        raise WrongUsage(f"{folder} is a project already; a flow for it: flowengine new --list")
    (folder / "flows").mkdir(parents=True)
    for path, text in files.items():
        if not path.exists():
            path.write_text(text, encoding="utf-8")
            output.say(f"made {path}")
    inside = "" if folder.resolve() == Path.cwd() else f"cd {folder} && "
    output.tell(f"\nTry it: {inside}flowengine run hello -i name=Ann")
