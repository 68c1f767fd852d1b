"""The command table that scripts rely on: every command, and each of its flags, is there; `--json` is everywhere."""

import pytest
import typer
from typer.main import get_command

from flowengine.cli.errors import Exit
from flowengine.cli.root import GROUPS, load

TABLE = {
    "demo": "--serve --json",
    "new": "--list",
    "check": "--format --strict --watch",
    "explain": "",
    "run": "--event -i --dry-run --no-wait --timeout --json",
    "serve": "--host --port --worker-only --web-only",
    "flows list": "",
    "flows show": "",
    "flows enable": "",
    "flows disable": "",
    "flows next": "-n",
    "flows versions": "",
    "flows diff": "",
    "events list": "--flow --disposition --since",
    "events show": "",
    "runs list": "-f --flow -s --status --since --search -L --before",
    "runs show": "--action --inputs --outputs --raw",
    "runs watch": "",
    "runs logs": "",
    "runs wait": "",
    "runs cancel": "",
    "runs resubmit": "--from --edit-inputs --original --failed --flow --since --yes",
    "runs answer": "",
    "runs diff": "",
    "runs export": "",
    "runs prune": "--older-than",
    "eval": "--run --action --event",
    "test": "--record",
    "graph": "--format --run",
    "schema": "--write",
    "connectors list": "",
    "connectors show": "",
    "connectors docs": "",
    "connectors check": "",
    "connectors request": "--with --connection-parameters",
    "connectors import": "",
    "connections list": "",
    "connections add": "",
    "connections test": "",
    "connections login": "",
    "connections remove": "",
    "secrets set": "",
    "secrets list": "",
    "secrets remove": "",
    "secrets rotate-key": "",
    "sandbox": "--port",
    "db upgrade": "",
    "db check": "",
    "db backup": "",
    "doctor": "",
    "completion": "",
}
PROTOCOL = {"lsp"}
"""What speaks a protocol of its own on stdout."""


def commands():
    for name in GROUPS:
        command = get_command(load(name))
        inner = getattr(command, "commands", None)
        for sub, each in inner.items() if inner else [("", command)]:
            yield f"{name} {sub}".strip(), each


COMMANDS = dict(commands())


def flags(command):
    return {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize("name", TABLE)
def test_the_command_takes_its_flags(name):
    assert name in COMMANDS
    assert set(TABLE[name].split()) <= flags(COMMANDS[name])


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - PROTOCOL))
def test_every_command_can_answer_in_json(name):
    assert "--json" in flags(COMMANDS[name])


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_says_what_it_does_and_what_each_flag_is_for(name):
    command = COMMANDS[name]
    assert command.help
    silent = [
        parameter.name
        for parameter in command.params
        if not getattr(parameter, "help", "") and parameter.name != "help"
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("name", "flag", "value"),
    [("serve", "--host", None), ("serve", "--port", None), ("runs list", "-L", 20), ("flows next", "-n", 5)],
)
def test_defaults(name, flag, value):
    (parameter,) = [each for each in COMMANDS[name].params if flag in each.opts]
    assert parameter.default == value
    if value is None:  # the settings say it, and the help with them
        from flowengine.config import Settings

        assert str(Settings.model_fields[parameter.name].default) in parameter.help


def test_exit_codes():
    assert {code.name: int(code) for code in Exit if code is not Exit.MISTAKE_OF_OURS} == {
        "FINE": 0,
        "FOUND": 1,
        "USAGE": 2,
        "NOT_READY": 3,
        "SIGN_IN": 4,
        "TIMED_OUT": 5,
        "INTERRUPTED": 130,
    }
    assert typer.Exit(Exit.INTERRUPTED).exit_code == 130
