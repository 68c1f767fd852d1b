"""Reading files that are slightly broken, and refusing what cannot be read, with the place."""

import json
from pathlib import Path

import pytest

from flowengine.errors import InvalidFile
from flowengine.findings import Severity, Span
from flowengine.manifests.checked import locate, read_checked
from flowengine.manifests.definition import load_connector, read_connector

MINIMAL = {
    "swagger": "2.0",
    "info": {"title": "Tiny", "version": "1"},
    "host": "api.example.com",
    "paths": {"/things": {"get": {"operationId": "ListThings", "responses": {"200": {"description": "Things."}}}}},
}


def write(
    folder: Path, definition: bytes | str | dict, name: str = "apiDefinition.swagger.json", *, properties=True
) -> Path:
    folder.mkdir(exist_ok=True)
    text = json.dumps(definition, indent=2) if isinstance(definition, dict) else definition
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    if properties:
        (folder / "apiProperties.json").write_text('{"properties": {"connectionParameters": {}}}')
    return folder


def told(folder: Path) -> list[tuple[str, int, int]]:
    """Rule, line and column of each finding; the connector must have loaded."""
    connector, findings = read_connector(folder)
    assert connector is not None
    assert list(connector.operations) == ["ListThings"]
    assert {finding.severity for finding in findings} <= {Severity.WARNING}
    return [(finding.rule, finding.span.line, finding.span.column) for finding in findings]


def refused(folder: Path) -> tuple[str, str, int, int]:
    """Rule, message, line and column of why it was refused."""
    connector, findings = read_connector(folder)
    assert connector is None
    (finding,) = [finding for finding in findings if finding.severity is Severity.ERROR]
    return finding.rule, finding.message, finding.span.line, finding.span.column


def test_a_sound_folder_has_no_findings(tmp_path):
    assert told(write(tmp_path / "tiny", MINIMAL)) == []


def test_a_byte_order_mark_is_told_and_read(tmp_path):
    folder = write(tmp_path / "tiny", b"\xef\xbb\xbf" + json.dumps(MINIMAL).encode())
    assert told(folder) == [("manifest-encoding", 1, 1)]


def test_cp1252_is_told_at_the_first_byte_that_is_not_utf8(tmp_path):
    text = json.dumps(MINIMAL, indent=2).replace("Tiny", "Caf\u00e9", 1)
    folder = write(tmp_path / "tiny", text.encode("cp1252"))
    assert told(folder) == [("manifest-encoding", 4, 18)]
    assert load_connector(folder).title == "Caf\u00e9"


def test_utf16_is_read(tmp_path):
    assert told(write(tmp_path / "tiny", json.dumps(MINIMAL).encode("utf-16"))) == [("manifest-encoding", 1, 1)]


def test_trailing_commas_are_told_each_at_its_place(tmp_path):
    text = json.dumps(MINIMAL, indent=2).replace('"version": "1"', '"version": "1",').replace('"Things."', '"a,}",')
    assert told(write(tmp_path / "tiny", text)) == [
        ("manifest-trailing-comma", 5, 19),
        ("manifest-trailing-comma", 14, 33),
    ]


def test_a_control_character_in_a_text_is_told(tmp_path):
    text = json.dumps(MINIMAL, indent=2).replace("Tiny", "Ti\tny")
    assert told(write(tmp_path / "tiny", text)) == [("manifest-control-character", 4, 17)]


@pytest.mark.parametrize("name", ["apidefinition.swagger.json", "apiDefination.swagger.json", "Things.swagger.json"])
def test_an_odd_file_name_is_told(tmp_path, name):
    assert told(write(tmp_path / "tiny", MINIMAL, name)) == [("manifest-file-name", 1, 1)]


def test_missing_properties_are_told(tmp_path):
    assert told(write(tmp_path / "tiny", MINIMAL, properties=False)) == [("manifest-properties-missing", 1, 1)]


def test_paths_outside_paths_are_read_where_they_stand(tmp_path):
    moved = {key: value for key, value in MINIMAL.items() if key != "paths"} | MINIMAL["paths"]
    assert told(write(tmp_path / "tiny", moved)) == [("manifest-path-outside", 8, 3)]


def test_yaml_is_read_with_yaml_1_2_scalars(tmp_path):
    text = "swagger: '2.0'\ninfo: {title: Tiny, version: 1.10}\nhost: api.example.com\nbasePath: NO\npaths:\n  /things:\n    get: {operationId: ListThings}\n"
    folder = write(tmp_path / "tiny", text, "apiDefinition.swagger.yaml")
    assert told(folder) == []
    assert load_connector(folder).base_url == "https://api.example.com/NO"


@pytest.mark.parametrize(
    ("text", "rule", "words", "line", "column"),
    [
        ('{\n  "swagger": "2.0"\n  "paths": {}\n}', "manifest-json", '"," or a closing bracket is missing', 3, 3),
        ('{\n  "swagger": "2.0",\n  "paths": {]\n}', "manifest-json", "a name in double quotes is expected", 3, 13),
        ('{\n  "swagger": "2.0', "manifest-json", "has no closing quote", 2, 14),
        ('{"swagger": }', "manifest-json", "a value is expected", 1, 13),
        ("{} {}", "manifest-json", "the document ends before this", 1, 4),
        ("", "manifest-json", "the file is empty", 1, 1),
        ("[" * 5000, "manifest-json", "not a", 1, None),
        ("[1, 2]", "manifest-shape", "is not an object", 1, 1),
        ('{"swagger": "2.0"}', "manifest-shape", "has no `paths`", 1, 1),
        ('{\n "openapi": "3.0.1", "paths": {}}', "manifest-version", "is OpenAPI 3.0.1", 2, 2),
        ('{"paths": {}}', "manifest-version", "does not say that it is OpenAPI 2.0", 1, 1),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path, text, rule, words, line, column):
    found_rule, message, found_line, found_column = refused(write(tmp_path / "tiny", text))
    assert found_rule == rule
    assert words in message
    assert found_line == line
    assert column in (None, found_column)


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("swagger: '2.0'\npaths: [unclosed\n", "not a YAML file", 3),
        ("a: &a [x]\nb: [" + "*a, " * 300 + "]\n", "more than 200 aliases", 2),
        ("[" * 200, "nested deeper than 100 levels", 1),
        ("a: 1\n---\nb: 2\n", "not a YAML file", 2),
        ("a: !!python/name:os.system\n", "not a YAML file", 1),
        ("a: \x01\n", "not a YAML file", 1),
    ],
)
def test_yaml_that_is_broken_or_a_bomb_is_refused(tmp_path, text, words, line):
    rule, message, found_line, _ = refused(write(tmp_path / "tiny", text, "apiDefinition.swagger.yaml"))
    assert rule == "manifest-yaml"
    assert words in message
    assert found_line == line


def test_a_folder_that_is_absent_or_empty_is_refused(tmp_path):
    assert refused(tmp_path / "nowhere")[1] == "there is no such folder"
    assert "there is no apiDefinition.swagger.json" in refused(tmp_path)[1]
    with pytest.raises(InvalidFile, match="no such folder"):
        load_connector(tmp_path / "nowhere")


def test_a_file_that_cannot_be_opened_or_is_huge_is_refused(tmp_path, monkeypatch):
    assert read_checked(tmp_path / "gone.json").findings[0].rule == "manifest-unreadable"
    monkeypatch.setattr("flowengine.manifests.checked.MAX_BYTES", 10)
    (tmp_path / "big.json").write_text("[1, 2, 3, 4, 5]")
    assert read_checked(tmp_path / "big.json").findings[0].message == "has 15 bytes; 10 is the limit"


def test_the_definition_file_itself_can_be_named(tmp_path):
    folder = write(tmp_path / "tiny", MINIMAL)
    assert load_connector(folder / "apiDefinition.swagger.json").name == "tiny"


def test_broken_properties_are_told_and_the_operations_still_load(tmp_path):
    folder = write(tmp_path / "tiny", MINIMAL)
    (folder / "apiProperties.json").write_text("[]")
    assert told(folder) == [("manifest-shape", 1, 1)]


def test_operations_without_an_id_or_with_a_taken_one_get_one(tmp_path):
    get = {"operationId": "A"}
    paths = {"/a": {"get": get, "post": get}, "/b/{id}": {"delete": {}}}
    connector, findings = read_connector(write(tmp_path / "tiny", MINIMAL | {"paths": paths}))
    assert list(connector.operations) == ["A", "A_2", "DeleteBId"]
    assert [finding.rule for finding in findings] == ["manifest-operation-id", "manifest-operation-id"]
    assert findings[0].hint == 'the second is read as "A_2"'


def test_locate_finds_a_name_below_other_names_and_lists():
    text = '{"a": [{"b": 1}, {"b": 2}],\n "b": {"a": {"c": "{"}, "c": 1}}'
    assert locate(text, ("b", "c")) == Span(2, 25, 2, 28)
    assert locate(text, ("b", "nothing")) == Span(1, 1, 1, 1)


@pytest.mark.parametrize("text", ['"' + '\\"' * 200_000, "[" + "1,]," * 100_000, '{"a": "' + "\x01" * 300_000])
def test_hostile_texts_are_refused_quickly_and_briefly(tmp_path, text):
    _, findings = read_connector(write(tmp_path / "tiny", text))
    assert findings[-1].rule == "manifest-json"
    assert len(findings) <= 21
