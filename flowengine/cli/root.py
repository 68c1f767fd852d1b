"""The first word of a command line: which group answers it, and the help that lists them all.

The groups are Typer applications of their own. Only the one that is asked for is imported, so this file settles `-C`,
`--version`, `--help` and misspelt words by itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from flowengine import __version__
from flowengine.cli import output
from flowengine.cli.errors import WrongUsage, guarded

if TYPE_CHECKING:
    import typer


class Group(NamedTuple):
    """A command group: the file that holds it and its line in the help."""

    module: str
    about: str


SECTIONS: dict[str, dict[str, Group]] = {
    "Begin": {
        "demo": Group("demo", "See it work: stand-in services, sample flows, events, and what became of them"),
        "new": Group("new", "A project folder, or a flow from a template, to start from"),
        "doctor": Group("doctor", "Is everything set up? Each part with what to do about it"),
    },
    "Write flows": {
        "check": Group("check", "Find the mistakes in flow files before they run"),
        "explain": Group("explain", "What a rule of `check` means, with a wrong and a right example"),
        "test": Group("test", "Run the tests of flows, offline; or make one from a run"),
        "eval": Group("eval", "What an expression gives, in the context of a run or an event"),
        "graph": Group("graph", "A flow as a tree, as Mermaid or as SVG; with the statuses of a run"),
        "schema": Group("schema", "The JSON Schema that lets editors complete and check flow files"),
        "lsp": Group("lsp", "The language server for editors: findings, completion, hover, definitions"),
    },
    "Run them": {
        "run": Group("run", "Run one flow now and wait for it"),
        "serve": Group("serve", "The engine: webhooks, schedules, polls, runs, API"),
    },
    "Ask what happened": {
        "flows": Group("flows", "List, show, enable and disable flows; when they run next; what changed"),
        "events": Group("events", "Everything that came in, and why it did or did not start a run"),
        "runs": Group("runs", "What ran, what each action did, where it failed"),
    },
    "Services": {
        "connectors": Group("connectors", "What services can do: operations, parameters, requests"),
        "connections": Group("connections", "The accounts at services that flows use"),
        "secrets": Group("secrets", "Passwords and keys, kept encrypted"),
        "sandbox": Group("sandbox", "Stand-ins of LiveChat and Comm100 to try flows without an account"),
    },
    "Housekeeping": {
        "tokens": Group("tokens", "Who may use the API and the pages, and as what"),
        "audit": Group("audit", "Who changed what"),
        "db": Group("db", "The database: upgrade, check, back up"),
        "completion": Group("completion", "Completion of commands for bash, zsh or fish"),
    },
}

HERE_ONLY = {
    "demo": "it starts services, an engine and a project of its own",
    "new": "it writes files into a folder",
    "serve": "it is the engine",
    "sandbox": "it starts stand-in services",
    "lsp": "editors start it over the files they edit",
    "db": "it works on the database itself",
}
"""Why these commands are about this machine and cannot be said with `--server`; all others can."""

GROUPS = {name: group for section in SECTIONS.values() for name, group in section.items()}


def answer(arguments: Sequence[str]) -> int:
    """Do what the command line says and give the exit code."""
    # Pydantic would look through the metadata of every installed package for plugins: a tenth of a short command's time.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    try:
        return guarded(lambda: _dispatch(list(arguments)))
    finally:
        if remote := sys.modules.get("flowengine.cli.remote"):
            remote.leave()


def load(name: str) -> typer.Typer:
    """The Typer application of a command group."""
    app: typer.Typer = import_module(f"flowengine.cli.{GROUPS[name].module}").app
    return app


def _dispatch(arguments: list[str]) -> int:
    folder, rest = project_folder(arguments)
    rest = _server(rest)
    if not rest or rest[0] in ("-h", "--help", "help"):
        output.say(help_text())
        return 0 if rest else 2
    if rest[0] in ("-V", "--version"):
        output.say(f"flowengine {__version__}")
        return 0
    name = rest[0]
    if name not in GROUPS:
        raise WrongUsage(_unknown(name))
    if os.environ.get("FLOWENGINE_SERVER") and name in HERE_ONLY:
        raise WrongUsage(f"{name} is about this machine: {HERE_ONLY[name]}. Leave --server and FLOWENGINE_SERVER out")
    if not folder.is_dir():
        raise WrongUsage(f"{folder} is not a folder; -C takes the folder that holds flows/ and connections.yaml")
    from typer.main import get_command

    from flowengine.cli.group_help import answered

    command = get_command(load(name))
    if (said := answered(name, command, rest[1:])) is not None:
        return said
    code = command.main(rest[1:], prog_name=f"flowengine {name}", standalone_mode=False, obj=folder)
    return code if isinstance(code, int) else 0


def project_folder(arguments: Sequence[str]) -> tuple[Path, list[str]]:
    """What `-C` says, wherever it stands, and the arguments without it."""
    rest: list[str] = []
    folder = Path()
    pending = iter(arguments)
    for argument in pending:
        if argument == "--":
            return folder, [*rest, argument, *pending]
        if argument in ("-C", "--project"):
            value = next(pending, None)
            if value is None:
                raise WrongUsage(f"{argument} needs a folder: flowengine {argument} DIR ...")
            folder = Path(value)
        elif argument.startswith("--project="):
            folder = Path(argument.removeprefix("--project="))
        else:
            rest.append(argument)
    return folder, rest


def _server(arguments: list[str]) -> list[str]:
    """Takes `--server URL` out, wherever it stands; the settings read it like any other."""
    rest: list[str] = []
    pending = iter(arguments)
    for argument in pending:
        if argument == "--":
            return [*rest, argument, *pending]
        if argument == "--server" or argument.startswith("--server="):
            value = argument.removeprefix("--server=") if "=" in argument else next(pending, "")
            if not value or value.startswith("-"):
                raise WrongUsage("--server needs an address: flowengine --server https://flows.example.com ...")
            os.environ["FLOWENGINE_SERVER"] = value
        else:
            rest.append(argument)
    return rest


def help_text() -> str:
    """The first page of help: every command in one line, by what people want to do."""
    width = max(map(len, GROUPS))
    lines = [
        "flowengine: YAML flows over Microsoft-style connectors, with a history that answers why.",
        "",
        "Usage: flowengine [-C DIR] COMMAND ...",
    ]
    for title, groups in SECTIONS.items():
        lines += ["", f"{title}:"]
        lines += [f"  {name:<{width}}  {group.about}" for name, group in groups.items()]
    lines += [
        "",
        "Options:",
        "  -C DIR      the project folder: flows/, connectors/, connections.yaml (default: the current one)",
        "  --server URL  ask a running engine elsewhere (with FLOWENGINE_TOKEN) instead of this folder",
        "  --version   the version",
        "  --help      this page; `flowengine COMMAND --help` tells more about one command",
        "",
        "New here? Try: flowengine demo",
    ]
    return "\n".join(lines)


def _unknown(name: str) -> str:
    from flowengine.findings import did_you_mean

    if name.startswith("-"):
        return f"unknown option {name}; options of a command stand after it, see flowengine --help"
    return f'unknown command "{name}"; {did_you_mean(name, GROUPS)}'
