"""What reaches people's terminals and scripts."""

import json
from datetime import UTC, datetime

import pytest

from flowengine.cli import output

MOMENT = datetime(2026, 1, 31, 9, 0, 0, 250_000, UTC)


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(output, "on_terminal", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ąß 漢", "plain ąß 漢"),
        ("a\x1b[31mb", "a\\u001b[31mb"),
        ("line\nbreak\ttab\r", "line\\nbreak\\ttab\\r"),
        ("abc\u202ecba", "abc\\u202ecba"),
        ("non\u00a0breaking", "non breaking"),
        (None, "None"),
    ],
)
def test_text_from_outside_is_made_safe(text, shown):
    assert output.clean(text) == shown


def test_line_breaks_stay_where_they_are_wanted():
    assert output.clean("a\nb\x07", lines=True) == "a\nb\\u0007"


def test_a_table_in_a_pipe_is_tab_separated(capsys):
    output.table(("run", "status"), [["01", output.status("failed")], ["02\n", "ok"]])
    assert capsys.readouterr().out == "RUN\tSTATUS\n01\tfailed\n02\\n\tok\n"


def test_a_table_on_a_terminal_keeps_brackets(capsys, terminal):
    output.table(("run", "error"), [["01", "[/bold] [red]x"]])
    assert "[/bold] [red]x" in capsys.readouterr().out


def test_no_color_is_obeyed(capsys, terminal, monkeypatch):
    assert output.paint("x", "red") == "\x1b[31mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert output.paint("x", "red") == "x"
    output.table(("status",), [[output.status("failed")]])
    assert "\x1b[31m" not in capsys.readouterr().out


def test_documents_carry_their_version(capsys):
    output.emit(runs=[], at=MOMENT)
    assert json.loads(capsys.readouterr().out) == {"v": 1, "runs": [], "at": "2026-01-31T09:00:00.250Z"}


def test_streams_are_one_object_a_line(capsys):
    output.emit_line(a="x\ny")
    assert capsys.readouterr().out == '{"v": 1, "a": "x\\ny"}\n'


def test_times_are_utc_in_a_pipe_and_local_on_a_terminal(terminal, monkeypatch):
    assert output.rfc3339(MOMENT) == "2026-01-31T09:00:00.250Z"
    assert output.moment(MOMENT) == MOMENT.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    monkeypatch.setattr(output, "on_terminal", lambda: False)
    assert output.moment("2026-01-31T10:00:00+01:00") == "2026-01-31T09:00:00Z"
    assert output.moment(None) == "-"


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, "-"),
        (12.4, "12 ms"),
        (1234, "1.2 s"),
        (125_000, "2 min 5 s"),
        (3_720_000, "1 h 2 min"),
        (200_000_000, "2 days 7 h"),
    ],
)
def test_durations(milliseconds, text):
    assert output.duration(milliseconds) == text


def test_long_values_say_how_much_is_missing():
    assert output.json_text("x" * 12, 10) == "xxxxxxxxxx... (2 more)"
    assert output.json_text({"a": [1, "ü"]}) == '{"a": [1, "ü"]}'
