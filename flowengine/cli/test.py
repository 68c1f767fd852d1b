"""`flowengine test`: the tests of flows, run offline; or one made from a run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowengine.cli import output, place
from flowengine.cli.errors import Exit, WrongUsage
from flowengine.cli.place import AsJson
from flowengine.cli.stage import FOLDER
from flowengine.errors import FlowEngineError, InvalidFile

if TYPE_CHECKING:
    from flowengine.app.differing import Difference
    from flowengine.app.flow_tests import FlowTest
    from flowengine.app.rehearsal import Stage
    from flowengine.config import Settings

app = place.single("Run the tests of flows, offline.")


@app.command()
def run_tests(
    ctx: typer.Context,
    flow: Annotated[
        str | None, typer.Argument(metavar="[FLOW]", help="Only this flow's tests, or one test file.")
    ] = None,
    record: Annotated[
        str | None, typer.Option("--record", metavar="RUN", help="Make a test from this run (an id, or @last).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run tests/flows/*.yaml: each gives an event and the services' answers, and says what must come of them.

    Exit code 0 when all hold, 1 when one does not, 2 when a test's file cannot be used.
    """
    home = place.settings(ctx)
    if home.server and record is None:
        raise WrongUsage("tests are files of this machine's project and run here: leave --server out")
    here = place.project(ctx)
    if record is not None:
        from flowengine.cli.record import record_run

        record_run(here, record, home.project, as_json=as_json)
        return
    tests = list(_tests(here, flow))
    reports = place.finish(_run_all(here, tests))
    failed = sum(not report["passed"] for report in reports)
    if as_json:
        summary = {"tests": len(reports), "passed": len(reports) - failed, "failed": failed}
        output.emit(tests=reports, summary=summary)
    else:
        _tell(here, reports, failed)
    raise typer.Exit(Exit.FOUND if failed else Exit.FINE)


def test_files(here: Settings) -> list[Path]:
    """The project's test files by name."""
    return sorted(path for path in (here.project / FOLDER).glob("*") if path.suffix in (".yaml", ".yml"))


def _tests(here: Settings, wanted: str | None) -> Iterator[FlowTest]:
    from flowengine.app.flow_tests import read_test

    if wanted is not None and _is_test(here, Path(wanted)):
        yield read_test(Path(wanted), wanted)
        return
    only = place.flow_file(here, wanted).stem if wanted is not None else None
    mistakes: list[Any] = []
    for path in test_files(here):
        try:
            found = read_test(path, _shown(path))
        except InvalidFile as error:
            mistakes += error.findings
            continue
        if only is None or found.flow == only:
            yield found
    if mistakes:
        raise InvalidFile(mistakes)


def _is_test(here: Settings, path: Path) -> bool:
    """Whether a test's file is named, rather than a flow."""
    return path.is_file() and path.resolve().parent == (here.project / FOLDER).resolve()


def _shown(path: Path) -> str:
    """The file as people in the current folder write it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


async def _run_all(here: Settings, tests: list[FlowTest]) -> list[dict[str, Any]]:
    from flowengine.cli.stage import offline

    async with offline(here) as stage:
        return [await run_one(stage, each) for each in tests]


async def run_one(stage: Stage, test: FlowTest) -> dict[str, Any]:
    """Rehearse one test and tell how it went."""
    from flowengine.app.flow_tests import compare

    began = time.monotonic()
    stage.outside.unanswered.clear()
    differing: list[Difference] = []
    problems: list[str] = []
    try:
        came = await stage.rehearse(stage.flows(test.flow), test.begin())
    except FlowEngineError as error:
        problems.append(error.message)
    else:
        differing = compare(test, came)
        problems += stage.outside.unanswered
    return {
        "file": test.file,
        "name": test.name,
        "flow": test.flow,
        "passed": not differing and not problems,
        "problems": problems,
        "differences": [{**each.to_json(), "line": test.line(each.loc)} for each in differing],
        "duration_ms": round((time.monotonic() - began) * 1000, 3),
    }


def _tell(here: Settings, reports: list[dict[str, Any]], failed: int) -> None:
    if not reports:
        output.tell(
            f"No tests in {here.project / FOLDER}. Make one from a run that went well: flowengine test --record @last"
        )
        return
    for report in reports:
        word = output.Styled("ok  ", "green") if report["passed"] else output.Styled("FAIL", "red")
        output.say(f"{output.shown(word)}  {output.clean(report['flow'])}: {output.clean(report['name'])}")
        for problem in report["problems"]:
            output.say(f"      {report['file']}: {output.clean(problem)}")
        for each in report["differences"]:
            _tell_difference(report["file"], each)
    output.say(f"\n{len(reports) - failed} of {len(reports)} tests hold")


def _tell_difference(file: str, each: dict[str, Any]) -> None:
    output.say(f"      {file}:{each['line']}: {output.clean(each['where'])}")
    output.say(f"        expected  {output.clean(output.json_text(each['expected'], 500))}")
    output.say(f"        came      {output.clean(output.json_text(each['found'], 500))}")
    if each["also"]:
        output.say(f"                  ({output.clean(each['also'])})")
