"""Reading where tables lie in an object store."""

import polars as pl
import pytest

from headrace.errors import AsOfError
from headrace.lake import KafkaPosition, Lake
from headrace.lake.log import commit_path
from headrace.testing.numbers import NumbersTable
from tests.unit.lake.landing import land


def test_versions_and_positions_are_read_and_what_is_gone_is_named(objects: str) -> None:
    table = NumbersTable.create(objects, {0: 0})
    land(table, 0, 0, 3)
    land(table, 0, 3, 6)
    lake = Lake(objects)

    found = lake.snapshot("numbers", 1)
    assert (found.frame().collect().height, found.positions) == (3, {0: 3})
    assert lake.snapshot("numbers", found.committed_at).version == 1
    assert lake.read("numbers", where=pl.col("_offset") > 3, columns=["name"]).collect().height == 2
    assert lake.read("numbers", as_of=KafkaPosition(0, 4)).collect().height == 4

    table.main().checkpoint()
    for version in range(2):
        table.store.delete(commit_path("numbers", version))
    with pytest.raises(AsOfError, match=r"its part of the log is gone\. The oldest that can be read is version 2, of "):
        lake.snapshot("numbers", 1)
