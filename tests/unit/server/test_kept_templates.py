"""Compiled templates are kept beside the templates, and nothing is missed where that cannot be."""

import sys

import pytest
from jinja2 import Environment, FileSystemLoader

from flowengine.server.pages import render


@pytest.fixture
def templates(tmp_path, monkeypatch):
    (tmp_path / "one.html").write_text("one {{ 1 + 1 }}")
    monkeypatch.setattr(render, "TEMPLATES", tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path


def rendered(templates):
    environment = Environment(loader=FileSystemLoader(templates), bytecode_cache=render.Kept(), autoescape=True)
    return environment.get_template("one.html").render()


def test_a_template_is_compiled_once_and_again_when_it_changes(templates):
    assert rendered(templates) == "one 2"
    (kept,) = (templates / "__pycache__").iterdir()
    before = kept.read_bytes()
    assert rendered(templates) == "one 2"
    assert kept.read_bytes() == before
    (templates / "one.html").write_text("two")
    assert rendered(templates) == "two"


def test_what_was_kept_and_is_broken_is_made_anew(templates):
    rendered(templates)
    (kept,) = (templates / "__pycache__").iterdir()
    kept.write_bytes(b"\0")
    assert rendered(templates) == "one 2"


def test_nothing_is_written_where_python_writes_nothing(templates, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert rendered(templates) == "one 2"
    assert not (templates / "__pycache__").exists()


def test_a_folder_that_cannot_be_written_is_no_obstacle(templates):
    (templates / "__pycache__").write_text("a file is in the way")
    assert rendered(templates) == "one 2"
