"""The first word of the command line: version, help, misspelt words, the project folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from flowengine import __version__
from flowengine.cli.errors import WrongUsage
from flowengine.cli.root import GROUPS, load, project_folder


def test_version_answers_without_importing_anything_heavy():
    script = (
        "import sys; sys.argv = ['flowengine', '--version']\n"
        "from flowengine.cli import main; main()\n"
        "print(sorted({'typer', 'pydantic', 'rich', 'asyncio', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == [f"flowengine {__version__}", "[]"]


def test_a_list_of_runs_imports_only_what_it_reads_with(tmp_path):
    (tmp_path / "flows").mkdir()
    heavy = {"sqlalchemy", "alembic", "yaml", "jinja2", "httpx", "aiohttp", "starlette", "rich", "cryptography"}
    script = (
        f"import sys; sys.argv = ['flowengine', '-C', {str(tmp_path)!r}, 'runs', 'list']\n"
        "from flowengine.store import Store\n"
        "from flowengine.cli import main\n"
        "try: main()\n"
        f"finally: print(sorted({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr.startswith("No runs.")) == ("[]\n", True)


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "flowengine", "--version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"flowengine {__version__}\n")


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
    assert "'list'" in said.err


def test_an_unknown_option_before_the_command(flowengine):
    said = flowengine("--verbose", "runs", "list")
    assert said.code == 2
    assert "--verbose" in said.err


def test_a_missing_argument_is_wrong_usage(flowengine):
    said = flowengine("runs", "show")
    assert said.code == 2
    assert "RUN" in said.err


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


def test_a_folder_that_is_no_project(flowengine, tmp_path):
    (tmp_path / "plain").mkdir()
    said = flowengine("-C", "plain", "flows", "list")
    assert said.code == 3
    assert "has no flows/ folder" in said.err
    assert "flowengine new" in said.err
