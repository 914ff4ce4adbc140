import dataclasses

import pytest

from headrace.offsets import OffsetRange, SourceId, partition_of

SOURCE = SourceId("trades", "cluster-1", "topic-9")


def test_app_id_names_pipeline_cluster_topic_and_partition() -> None:
    """Stored in tables: another text would make every table start anew."""
    assert SOURCE.app_id(3) == "trades/cluster-1/topic-9/3"
    assert SOURCE.owner_id(3) == "trades/cluster-1/topic-9/3#owner"


@pytest.mark.parametrize("field", ["pipeline", "cluster_id", "topic_id"])
def test_every_part_of_a_source_makes_another_app_id(field: str) -> None:
    other = dataclasses.replace(SOURCE, **{field: "other"})
    assert other.app_id(0) != SOURCE.app_id(0)


def test_partition_is_read_back_from_what_it_is_stored_under() -> None:
    assert partition_of(SOURCE.app_id(12)) == 12
    assert partition_of(SOURCE.owner_id(12)) == 12
    assert partition_of(SOURCE.replay_id) is None
    assert partition_of("another tool's") is None


def test_range_holds_its_start_and_not_its_end() -> None:
    offsets = OffsetRange(5, 8)
    assert [offset for offset in range(10) if offset in offsets] == [5, 6, 7]
    assert len(offsets) == 3


def test_empty_range_holds_nothing() -> None:
    assert len(OffsetRange(5, 5)) == 0
    assert 5 not in OffsetRange(5, 5)
