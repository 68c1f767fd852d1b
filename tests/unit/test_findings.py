"""Mistakes in settings and requests, in words that people read aloud."""

import pytest
from pydantic import BaseModel, Field, ValidationError

from flowengine.config import Settings
from flowengine.errors import ConfigurationError
from flowengine.findings import wrong_value


class Given(BaseModel, strict=True):
    port: int = Field(default=1, ge=0, le=65_535)
    name: str = Field(default="a", min_length=1, max_length=3)
    on: bool = True
    wait: float = Field(default=0, gt=-1, lt=60, allow_inf_nan=False)
    tags: list[str] = []
    inputs: dict[str, int] = {}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"port": 65_536}, "must be at most 65535"),
        ({"port": -1}, "must be at least 0"),
        ({"port": "x"}, "must be a whole number"),
        ({"name": ""}, "must be a text of at least 1 characters"),
        ({"name": "abcd"}, "must be a text of at most 3 characters"),
        ({"name": 1}, "must be a text"),
        ({"on": "perhaps"}, "must be true or false"),
        ({"wait": 60}, "must be less than 60.0"),
        ({"wait": -1}, "must be more than -1.0"),
        ({"wait": float("inf")}, "must be a finite number"),
        ({"tags": "a"}, "must be a list"),
        ({"inputs": []}, "must be an object"),
    ],
)
def test_a_wrong_value_is_told_what_it_must_be(given, told):
    with pytest.raises(ValidationError) as caught:
        Given(**given)
    assert wrong_value(caught.value.errors()[0]) == told


def test_a_wrong_setting_names_its_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("FLOWENGINE_LOG_FORMAT", "xml")
    with pytest.raises(ConfigurationError, match=r"\(FLOWENGINE_LOG_FORMAT\) must be 'text' or 'json', not 'xml'"):
        Settings.load(tmp_path)
