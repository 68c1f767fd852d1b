"""The first word of the command line: version, help, misspelt words, the project folder."""

from pathlib import Path

import pytest
from typer.main import get_command

from flowengine.cli.errors import WrongUsage
from flowengine.cli.root import GROUPS, load, project_folder


def test_help_lists_every_group_and_where_to_begin(flowengine):
    said = flowengine("--help")
    assert said.code == 0
    assert all(f"  {name} " in said.out for name in GROUPS)
    assert "flowengine demo" in said.out


def test_no_command_is_wrong_usage_but_helps(flowengine):
    said = flowengine()
    assert said.code == 2
    assert "Usage: flowengine" in said.out


def test_a_misspelt_command_is_told_the_nearest(flowengine):
    said = flowengine("chekc")
    assert said.code == 2
    assert said.err == 'flowengine: unknown command "chekc"; did you mean "check"?\n'


def test_a_misspelt_subcommand_is_told_the_nearest(flowengine):
    said = flowengine("runs", "lst")
    assert said.code == 2
    assert '"list"' in said.err


def test_an_unknown_option_before_the_command(flowengine):
    said = flowengine("--verbose", "runs", "list")
    assert said.code == 2
    assert "--verbose" in said.err


def test_a_missing_argument_is_wrong_usage(flowengine):
    said = flowengine("runs", "show")
    assert said.code == 2
    assert "RUN" in said.err


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("serve --port 99999", "'--port': must be at most 65535\n"),
        ("runs list -L many", "'--limit' / '-L': must be a whole number\n"),
        ("check --format xml", "'--format': 'xml' is not one of 'text', 'json', 'github', 'sarif'.\n"),
    ],
)
def test_a_wrong_value_is_told_in_our_words(flowengine, command, told):
    said = flowengine(*command.split())
    assert (said.code, said.err.endswith(f"Error: Invalid value for {told}")) == (2, True), said.err


@pytest.mark.parametrize("name", GROUPS)
def test_every_group_has_help(flowengine, name):
    said = flowengine(name, "--help")
    assert said.code == 0
    assert said.out.startswith(f"Usage: flowengine {name}")


@pytest.mark.parametrize("name", GROUPS)
def test_every_group_loads(name):
    assert load(name).info.help


def test_the_folder_may_stand_anywhere():
    assert project_folder(["-C", "a", "runs", "list"]) == (Path("a"), ["runs", "list"])
    assert project_folder(["runs", "list", "-C", "a"]) == (Path("a"), ["runs", "list"])
    assert project_folder(["--project=a", "x"]) == (Path("a"), ["x"])
    assert project_folder(["x", "--", "-C", "a"]) == (Path(), ["x", "--", "-C", "a"])


def test_a_folder_option_without_a_folder():
    with pytest.raises(WrongUsage, match="needs a folder"):
        project_folder(["runs", "-C"])


def test_a_folder_that_is_not_there(flowengine):
    said = flowengine("-C", "nowhere", "runs", "list")
    assert said.code == 2
    assert "nowhere is not a folder" in said.err


@pytest.mark.parametrize("group", ["flows", "runs", "events"])
def test_a_folder_that_is_no_project(flowengine, tmp_path, group):
    (tmp_path / "plain").mkdir()
    said = flowengine("-C", "plain", group, "list")
    assert said.code == 3
    assert "has no flows/ folder" in said.err
    assert "flowengine new" in said.err


GROUPED = [name for name in GROUPS if getattr(get_command(load(name)), "commands", None)]


@pytest.mark.parametrize("name", GROUPED)
def test_a_groups_page_has_every_command_with_a_whole_sentence(name, flowengine):
    said = flowengine(name, "--help")
    assert said.code == 0
    for sub in get_command(load(name)).commands:
        (line,) = [line for line in said.out.splitlines() if line.startswith(f"  {sub} ")]
        assert line.rstrip().endswith((".", ")", "?"))
        assert "..." not in line
    alone = flowengine(name)
    assert (alone.code, alone.out) == (2, said.out)


def test_a_command_that_a_group_does_not_have(flowengine):
    said = flowengine("runs", "shwo")
    assert (said.code, said.err) == (2, 'flowengine: "runs" has no command "shwo"; did you mean "show"?\n')
    assert "there is: answer, cancel" in flowengine("runs", "zzz").err
