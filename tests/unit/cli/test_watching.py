"""Files are looked at again and again; what changed, came or went is told."""

from __future__ import annotations

from flowengine.cli.watching import each_change, stamps


def test_changes_are_told_as_they_happen(tmp_path):
    flow, other, note = tmp_path / "a.yaml", tmp_path / "b.yaml", tmp_path / "note.txt"
    flow.write_text("flow: A")
    writes = iter(
        [
            lambda: note.write_text("not watched"),
            lambda: other.write_text("flow: B"),
            lambda: flow.write_text("flow: Another"),
            other.unlink,
        ]
    )
    changes = each_change([tmp_path, tmp_path / "none.yaml"], pause=lambda _: next(writes)())
    assert [next(changes) for _ in range(3)] == [[other], [flow], [other]]


def test_a_file_by_itself_is_watched(tmp_path):
    flow = tmp_path / "a.yaml"
    assert stamps([flow]) == {}
    flow.write_text("flow: A")
    assert list(stamps([flow])) == [flow]
