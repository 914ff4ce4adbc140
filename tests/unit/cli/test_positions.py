from pathlib import Path

from headrace.lake.store import Store
from headrace.testing.numbers import NUMBERS, SOURCE, NumbersTable
from headrace_cli.positions import LakePositions


def test_table_that_is_not_there_yet_has_no_positions(tmp_path: Path) -> None:
    positions = LakePositions(Store(str(tmp_path)), [NUMBERS])
    assert positions([("numbers", 0)]) == {}
    NumbersTable.create(str(tmp_path), {0: 5})
    assert positions([("numbers", 0)]) == {("numbers", 0): 5}


def test_partitions_added_after_the_table_was_made_are_seen(tmp_path: Path) -> None:
    table = NumbersTable.create(str(tmp_path), {0: 5, 1: 0})
    positions = LakePositions(table.store, [NUMBERS])
    places = [("numbers", 0), ("numbers", 2), ("numbers", 3), ("greeks", 0)]
    assert positions(places) == {("numbers", 0): 5, ("numbers", 2): 0, ("numbers", 3): 0}
    table.main().commit_claim({SOURCE.app_id(3): 40})
    assert positions(places) == {("numbers", 0): 5, ("numbers", 2): 0, ("numbers", 3): 40}
