"""A new flow's id and first text, from what people call it."""

import pytest

from flowengine.app.shipped import description, templates
from flowengine.server.pages.edit import EMPTY, flow_id_of, titled
from flowengine.spec.load import parse_flow


@pytest.mark.parametrize(
    ("name", "flow_id"),
    [
        ("Refund tickets", "refund-tickets"),
        ("  Zgłoszenia: Łódź 2 ", "zgoszenia-odz-2"),
        ("Überfällige Rückfragen!", "uberfallige-ruckfragen"),
        ("../../etc/passwd", "etc-passwd"),
        ("日本", ""),
        ("", ""),
    ],
)
def test_an_id_is_made_of_what_its_name_has_of_latin_letters_and_digits(name, flow_id):
    assert flow_id_of(name) == flow_id


@pytest.mark.parametrize("name", ["Refund tickets", "Yes", "a: b", '"x" # y', "12", "- x", "日本", "\\1 \\g<0>"])
def test_a_text_with_another_name_reads_back_as_that_name(name):
    flow, _ = parse_flow(titled(EMPTY, name), "a.yaml", "a")
    assert flow is not None
    assert flow.name == name


def test_every_template_takes_another_name_and_tells_what_it_is_for():
    for path in templates().values():
        flow, _ = parse_flow(titled(path.read_text(encoding="utf-8"), "Other name"), "a.yaml", "a")
        assert flow is not None
        assert flow.name == "Other name", path
        assert description(path), path
