import math
import uuid
from pathlib import Path

import pytest

from headrace.errors import ConfigError, WrongTableError
from headrace.lake.store import Store
from headrace.read.commits import CommitLog
from headrace.read.history import read_history
from headrace.testing.numbers import SOURCE, NumbersTable

COMMITS = 120


class CountingStore(Store):
    """A store that counts what is read."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.reads: list[str] = []

    def read(self, path: str) -> bytes:
        self.reads.append(path)
        return super().read(path)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> CountingStore:
    """Partitions 0 and 1 in turn, ten offsets a commit; partition 2 only in commit 5."""
    root = str(tmp_path_factory.mktemp("lake"))
    log = NumbersTable.create(root, {0: 0, 1: 0, 2: 0}).main()
    positions = {0: 0, 1: 0, 2: 0}
    for number in range(1, COMMITS + 1):
        partition = 2 if number == 5 else number % 2
        start, end = positions[partition], positions[partition] + 10
        span = {"start": start, "end": end, "rows": 0, "rejects": 10, "gap_records": 0, "gaps": []}
        note = {"kind": "ingest", "batch": uuid.uuid4().hex, "partitions": {str(partition): span}}
        log.commit([], {SOURCE.app_id(partition): end}, note)
        positions[partition] = end
    return CountingStore(root)


@pytest.mark.parametrize("partition", [0, 1, 2])
def test_each_offset_is_in_the_range_of_the_commit_that_is_found(store: CountingStore, partition: int) -> None:
    log = CommitLog(store, "numbers")
    position = log.position(partition)
    assert position is not None
    for offset in range(0, position, 7):
        commit = log.passing(partition, offset)
        assert commit is not None
        assert commit.origin is not None
        span = commit.origin.spans[partition]
        assert span.start <= offset < span.end


def test_few_commits_are_read_to_find_one(store: CountingStore) -> None:
    log = CommitLog(store, "numbers")
    store.reads.clear()
    log.passing(1, 300)
    # Every other commit tells the position: two reads for each halving.
    assert len(store.reads) <= 2 * math.ceil(math.log2(COMMITS))


def test_a_partition_that_hardly_moved_costs_no_commit_twice(store: CountingStore) -> None:
    log = CommitLog(store, "numbers")
    store.reads.clear()
    log.passing(2, 3)
    assert len(store.reads) == len(set(store.reads))


def test_the_newest_commits_are_read_and_no_others(store: CountingStore) -> None:
    store.reads.clear()
    assert [commit.version for commit in read_history(store, "numbers", 3).commits] == [120, 119, 118]
    assert len(store.reads) == 3


def test_without_commits_that_tell_nothing_is_found(tmp_path: Path) -> None:
    table = NumbersTable.create(str(tmp_path), {0: 50})
    main = table.main()
    for _ in range(3):
        main.commit_claim({})
    main.checkpoint()
    for version in range(3):
        (tmp_path / "numbers" / "_delta_log" / f"{version:020d}.json").unlink()
    log = CommitLog(table.store, "numbers")
    assert log.position(0) == 50
    assert log.passing(0, 20) is None


def test_what_is_no_table_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="there is no table numbers under"):
        CommitLog(Store(str(tmp_path)), "numbers")
    with pytest.raises(WrongTableError, match="is a file"):
        CommitLog(Store(str(tmp_path)), "file")
