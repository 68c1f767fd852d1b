"""Lines of the log, and spans."""

from __future__ import annotations

import json
import logging

import pytest

from flowengine.engine.trail import PATH, RUN
from flowengine.errors import ConfigurationError, Conflict, DatabaseUnusable, EngineRunning, StorageUnavailable
from flowengine.server import telemetry
from tests.fakes.log_lines import log_lines


def test_a_record_within_a_run_says_which_and_where():
    RUN.set("01run")
    PATH.set("each/1/send")
    try:
        with log_lines("json") as written:
            logging.getLogger("flowengine.x").warning("odd")
    finally:
        RUN.set("")
        PATH.set("")
    (line,) = map(json.loads, written())
    assert (line["run"], line["path"], line["message"]) == ("01run", "each/1/send", "odd")


def test_lines_for_people_stay_one_line_each():
    with log_lines("text", "warning") as written:
        logging.getLogger("flowengine.x").warning("two\nlines \x1b[31m")
        logging.getLogger("flowengine.x").info("not told")
    (line,) = written()
    assert line.endswith(r"warning flowengine.x two\nlines \x1b[31m")


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigurationError, match="pip install 'flowengine\\[opentelemetry\\]'"):
        telemetry.spans()


@pytest.mark.parametrize(
    "error",
    [
        StorageUnavailable("the database cannot be reached"),
        EngineRunning("the database is in use by the engine of process 7"),
        ConfigurationError("PostgreSQL runs with fsync = off"),
    ],
)
def test_an_error_that_is_no_mistake_of_the_program_is_told_in_one_line_with_its_reason(error):
    for form in ("text", "json"):
        with log_lines(form) as written:
            _tell(error)
        (line,) = written()
        assert f"it broke: {error.message}" in line
        assert "Traceback" not in line


@pytest.mark.parametrize("error", [ValueError("odd"), DatabaseUnusable("syntax error"), Conflict("taken")])
def test_a_surprise_is_told_with_its_traceback(error):
    with log_lines("text") as written:
        _tell(error)
    assert written()[0].endswith("it broke")
    assert written()[1].startswith("Traceback")
    with log_lines("json") as written:
        _tell(error)
    assert json.loads(written()[0])["exception"].startswith("Traceback")


def _tell(error):
    try:
        try:
            raise OSError("server closed the connection")
        except OSError as cause:
            raise error from cause
    except type(error):
        logging.getLogger("flowengine.x").exception("it broke")
