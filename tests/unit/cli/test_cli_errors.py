"""One message and an exit code for everything that a person can get wrong."""

import errno

import pytest

from flowengine.cli.errors import DidNotStart, Exit, NotReady, WrongUsage, exit_code, guarded
from flowengine.errors import (
    ConfigurationError,
    Conflict,
    InvalidFile,
    NotFound,
    OperationFailed,
    ServiceUnreachable,
    Unauthorized,
)
from flowengine.findings import Finding, Span


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("x"), 2),
        (NotFound("x"), 2),
        (Conflict("x"), 2),
        (WrongUsage("x"), 2),
        (NotReady("x"), 3),
        (ServiceUnreachable("x"), 3),
        (Unauthorized("x"), 4),
        (OperationFailed("x"), 1),
        (DidNotStart("x"), 1),
    ],
)
def test_exit_codes(error, code):
    assert exit_code(error) == code


def failing(error):
    def command():
        raise error

    return command


def test_a_known_error_is_one_line(capsys):
    assert guarded(failing(NotFound("there is no run x"))) == Exit.USAGE
    assert capsys.readouterr().err == "flowengine: there is no run x\n"


def test_control_characters_in_a_message_cannot_reach_the_terminal(capsys):
    guarded(failing(NotFound("a\x1b[2Jb")))
    assert "\x1b" not in capsys.readouterr().err


def test_findings_are_shown_with_their_line(capsys, tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("flow: A\nactons: []\n")
    finding = Finding(str(file), Span(2, 1, 2, 7), "unknown-key", 'no key "actons"', 'did you mean "actions"?')
    assert guarded(failing(InvalidFile([finding]))) == Exit.USAGE
    assert capsys.readouterr().err == (
        f'{file}:2:1: no key "actons" [unknown-key]\n  2 | actons: []\n    | ^^^^^^\n  did you mean "actions"?\n'
    )


def test_ctrl_c_is_130(capsys):
    assert guarded(failing(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "flowengine: stopped\n"


def test_a_file_that_cannot_be_read(capsys):
    assert guarded(failing(PermissionError(errno.EACCES, "Permission denied", "x.yaml"))) == Exit.USAGE
    assert capsys.readouterr().err == "flowengine: x.yaml: Permission denied\n"


def test_our_own_mistake_says_so_without_a_traceback(capsys, monkeypatch):
    monkeypatch.delenv("FLOWENGINE_DEBUG", raising=False)
    assert guarded(failing(ZeroDivisionError("division by zero"))) == Exit.MISTAKE_OF_OURS
    told = capsys.readouterr().err
    assert "a mistake inside flowengine: ZeroDivisionError: division by zero" in told
    assert "FLOWENGINE_DEBUG=1" in told


def test_debugging_shows_the_traceback(monkeypatch):
    monkeypatch.setenv("FLOWENGINE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        guarded(failing(ZeroDivisionError()))
