"""What only a process of its own can show: what is imported, broken pipes, signals."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE

import httpx

from flowengine import __version__
from tests.fakes.processes import ended


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
    said = ended("--version")
    assert (said.returncode, said.stdout) == (0, f"flowengine {__version__}\n")


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "hello.yaml").write_text(
        "flow: Hello\ntrigger: { manual: true }\nactions: [{ log: hello }]\n"
    )
    script = f"{sys.executable} -m flowengine -C {tmp_path} flows list | head -0; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")


async def test_the_program_runs_until_it_is_told_to_end():
    command = (sys.executable, "-m", "flowengine.sandbox", "comm100", "--port", "0")
    program = await asyncio.create_subprocess_exec(*command, stdout=PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    text = b""
    while b"/_sandbox/reset" not in text:
        text += await asyncio.wait_for(program.stdout.readline(), 10)
    url = re.search(rb"Address +(\S+)", text)[1].decode()
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(url)).status_code == 200
    program.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(program.wait(), 10) == 0
