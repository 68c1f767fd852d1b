"""Lines of the log, and spans."""

from __future__ import annotations

import io
import json
import logging

import pytest

from flowengine.engine.trail import PATH, RUN
from flowengine.errors import ConfigurationError
from flowengine.server import logs, telemetry


@pytest.fixture
def lines():
    """Begins logging and gives what was written."""
    root, own = logging.getLogger(), logging.getLogger("flowengine")
    before = (root.handlers[:], root.level, own.level)
    stream = io.StringIO()

    def begin(form, level="info"):
        logs.begin(form, level, stream)
        return lambda: stream.getvalue().splitlines()

    yield begin
    root.handlers[:], own_level = before[0], before[2]
    root.setLevel(before[1])
    own.setLevel(own_level)


def test_a_record_within_a_run_says_which_and_where(lines):
    written = lines("json")
    RUN.set("01run")
    PATH.set("each/1/send")
    try:
        logging.getLogger("flowengine.x").warning("odd")
    finally:
        RUN.set("")
        PATH.set("")
    (line,) = map(json.loads, written())
    assert (line["run"], line["path"], line["message"]) == ("01run", "each/1/send", "odd")


def test_lines_for_people_stay_one_line_each(lines):
    written = lines("text", "warning")
    logging.getLogger("flowengine.x").warning("two\nlines \x1b[31m")
    logging.getLogger("flowengine.x").info("not told")
    (line,) = written()
    assert line.endswith(r"warning flowengine.x two\nlines \x1b[31m")


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigurationError, match="pip install 'flowengine\\[opentelemetry\\]'"):
        telemetry.spans()
