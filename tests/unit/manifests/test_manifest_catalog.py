"""Finding connectors by name, and listing them quickly."""

import json
import os
from pathlib import Path

import pytest

from flowengine.errors import InvalidFile, NotFound
from flowengine.manifests.catalog import Catalog, shipped_connectors
from flowengine.manifests.files import connector_name


def make(root: Path, name: str, *, title: str = "Title", text: str | None = None) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    paths = {
        "/a": {"get": {"operationId": "A"}, "post": {"operationId": "B", "x-ms-visibility": "internal"}},
        "/t": {"get": {"operationId": "T", "x-ms-trigger": "batch"}},
    }
    document = {"swagger": "2.0", "info": {"title": title, "version": "7"}, "paths": paths}
    (folder / "apiDefinition.swagger.json").write_text(json.dumps(document) if text is None else text)
    (folder / "apiProperties.json").write_text("{}")
    return folder


def test_the_built_in_http_is_always_there(tmp_path):
    catalog = Catalog([tmp_path / "none"])
    assert catalog.names() == list(catalog) == ["http"]
    assert "http" in catalog
    http = catalog.get("http")
    assert list(http.operations) == ["get", "post", "put", "patch", "delete", "request"]
    assert [(one.path, one.required) for one in http.operation("request").parameters] == [
        ("method", True), ("url", True), ("headers", False), ("query", False), ("body", False),
    ]  # fmt: skip
    assert http.operation("get").parameter("body") is None
    assert http.base_url == ""


def test_the_earlier_folder_wins_and_says_where_it_is_from(tmp_path):
    make(tmp_path / "mine", "livechat", title="Mine")
    catalog = Catalog([tmp_path / "mine", shipped_connectors()])
    assert catalog.get("livechat").title == "Mine"
    sources = {one.name: one.source for one in catalog.summaries()}
    assert sources == {"comm100": "shipped", "http": "built-in", "livechat": "project", "livechat-agent": "shipped"}


def test_a_folder_name_that_flows_cannot_write_is_read_with_dashes(tmp_path):
    make(tmp_path, "Adobe Sign & Co.")
    catalog = Catalog([tmp_path])
    assert catalog.names() == ["Adobe-Sign-Co", "http"]
    assert catalog.get("Adobe Sign & Co.") is catalog.get("Adobe-Sign-Co")
    assert connector_name(Path("/")) == "connector"


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(NotFound, match='no connector "livechatt"; did you mean "livechat"'):
        Catalog([shipped_connectors()]).get("livechatt")


def test_unusable_files_are_listed_with_the_reason_and_refused_when_asked_for(tmp_path):
    make(tmp_path, "broken", text="{")
    catalog = Catalog([tmp_path])
    (broken, _) = catalog.summaries()
    assert "a name in double quotes is expected here" in broken.problem
    assert broken.to_json()["problem"] == broken.problem
    with pytest.raises(InvalidFile, match=r"apiDefinition\.swagger\.json:1:2"):
        catalog.get("broken")


def test_summaries_count_what_authors_can_use(tmp_path):
    make(tmp_path, "shop")
    shop = Catalog([tmp_path]).summaries()[1]
    assert shop.to_json() == {
        "name": "shop",
        "title": "Title",
        "version": "7",
        "actions": 1,
        "triggers": 1,
        "source": "project",
    }


def test_summaries_come_from_the_cache_until_a_file_changes(tmp_path, monkeypatch):
    folder, cache = make(tmp_path / "c", "shop"), tmp_path / "state" / "connectors.json"
    assert Catalog([tmp_path / "c"], cache).summaries()[1].title == "Title"
    with monkeypatch.context() as patched:
        patched.setattr("flowengine.manifests.index.read_connector", lambda *_: pytest.fail("read again"))
        assert Catalog([tmp_path / "c"], cache).summaries()[1].title == "Title"
    definition = folder / "apiDefinition.swagger.json"
    definition.write_text(definition.read_text().replace("Title", "Other"))
    os.utime(definition, ns=(1, 1))
    assert Catalog([tmp_path / "c"], cache).summaries()[1].title == "Other"


@pytest.mark.parametrize("text", ["{broken", "[]", '{"format": 0, "connectors": {}}'])
def test_a_cache_that_cannot_be_used_only_costs_time(tmp_path, text):
    make(tmp_path / "c", "shop")
    cache = tmp_path / "connectors.json"
    cache.write_text(text)
    assert Catalog([tmp_path / "c"], cache).summaries()[1].title == "Title"


def test_a_cache_that_cannot_be_written_only_costs_time(tmp_path):
    make(tmp_path / "c", "shop")
    (tmp_path / "file").write_text("")
    assert Catalog([tmp_path / "c"], tmp_path / "file" / "cache.json").summaries()[1].title == "Title"


def test_the_shipped_connectors_are_found_in_an_installed_wheel(tmp_path, monkeypatch):
    package = tmp_path / "flowengine"
    (package / "shipped" / "connectors").mkdir(parents=True)
    monkeypatch.setattr("flowengine.manifests.catalog.__file__", str(package / "manifests" / "catalog.py"))
    assert shipped_connectors() == package / "shipped" / "connectors"
