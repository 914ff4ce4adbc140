"""Offsets from Arrow columns, and how sets of them are told."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap64

from headrace.read.proof.offset_sets import between, by_partition, offsets_of, ranges_of


@given(st.lists(st.integers(0, 2**63 - 1)), st.integers(0, 5), st.integers(0, 5))
def test_a_slice_of_a_column_gives_its_own_offsets(offsets: list[int], skip: int, length: int) -> None:
    column = pa.array(offsets, pa.int64()).slice(skip, length)

    assert list(offsets_of(column)) == offsets[skip : skip + length]


@given(st.lists(st.integers(0, 3)))
def test_rows_are_split_by_partition_in_their_order(partitions: list[int]) -> None:
    batch = pa.RecordBatch.from_pydict(
        {"_partition": pa.array(partitions, pa.int64()), "_offset": pa.array(range(len(partitions)), pa.int64())}
    )

    found = {partition: list(offsets_of(rows.column("_offset"))) for partition, rows in by_partition(batch)}

    assert found == {p: [i for i, q in enumerate(partitions) if q == p] for p in set(partitions)}


@given(st.sets(st.integers(0, 300) | st.integers(0, 2**63 - 1)), st.integers(0, 300), st.integers(0, 2**63 - 1))
def test_members_between_two_bounds_are_kept(offsets: set[int], start: int, end: int) -> None:
    whole = BitMap64(offsets)

    assert set(between(whole, start, end)) == {offset for offset in offsets if start <= offset < end}
    assert set(whole) == offsets


@given(st.sets(st.integers(0, 300)))
def test_runs_are_told_as_ranges(offsets: set[int]) -> None:
    told = ranges_of(BitMap64(offsets), 1000)

    read: set[int] = set()
    for run in filter(None, told.split(", ")):
        low, _, high = run.partition("-")
        read |= set(range(int(low), int(high or low) + 1))
    assert read == offsets


def test_a_long_list_of_runs_is_cut() -> None:
    assert ranges_of(BitMap64([1, 2, 3, 7, 20, 21]), 2) == "1-3, 7, ..."
