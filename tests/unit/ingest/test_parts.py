import pyarrow as pa
import pytest

from headrace_ingest.parts import Part, merged


def part_of(places: list[int]) -> Part:
    return Part(pa.RecordBatch.from_arrays([pa.array(places, pa.int64())], names=["place"]), places)


@pytest.mark.parametrize(
    "few", [[], [0], [9], [0, 9], [3, 4, 5], [0, 1, 2, 7, 9], list(range(10))], ids=lambda places: f"{len(places)}"
)
def test_merged_rows_are_in_the_order_of_their_places(few: list[int]) -> None:
    both = merged(part_of([place for place in range(10) if place not in few]), part_of(few))
    assert both.places == list(range(10))
    assert both.rows["place"].to_pylist() == list(range(10))


@pytest.mark.parametrize("rows", [set(), {0}, {3}, {1, 2}, {0, 1, 2, 3}])
def test_rows_leave_with_their_places(rows: set[int]) -> None:
    left = part_of([2, 4, 6, 8]).without(rows)
    assert left.places == [place for row, place in enumerate([2, 4, 6, 8]) if row not in rows]
    assert left.rows["place"].to_pylist() == left.places
