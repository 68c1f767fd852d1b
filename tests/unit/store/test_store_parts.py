"""How many rows go into one statement."""

from flowengine.store.sqlite_writer import parted

MANY = 87  # parts of 64, 16, 4 and three times 1


def test_parts_are_of_few_sizes_and_keep_the_order():
    rows = [(number,) for number in range(MANY)]
    parts = list(parted(rows))
    assert [len(part) for part in parts] == [64, 16, 4, 1, 1, 1]
    assert [row for part in parts for row in part] == rows
