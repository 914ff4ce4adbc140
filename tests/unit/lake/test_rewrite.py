from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from headrace.errors import WrongTableError
from headrace.lake.datafile import DataFile, write_files
from headrace.lake.failures import is_conflict
from headrace.lake.log import DeltaLog
from headrace.lake.quarantine import quarantine_layout, quarantine_rows, quarantined, resolved
from headrace.lake.rewrite import Exchange, replace_files
from headrace.lake.store import Store
from headrace.testing.disk import fsync_witness
from headrace.testing.numbers import NumbersTable, number_reject

NAME = "numbers__quarantine"
AT = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def table(tmp_path: Path) -> NumbersTable:
    return NumbersTable.create(str(tmp_path), {0: 0})


def add(table: NumbersTable, offsets: Sequence[int], log: DeltaLog | None = None) -> int:
    """Quarantines records as a worker does."""
    records = [number_reject(0, offset) for offset in offsets]
    rows = quarantine_rows(records, contract="numbers", contract_version=1, headrace_version="0.1.0", at=AT)
    files = write_files(table.store, quarantine_layout("numbers"), rows)
    return (log or table.quarantine()).commit(files, {"owner": 1}, {"batch": f"b{offsets}"})


def marked(table: NumbersTable, path: str) -> list[DataFile]:
    rows = quarantined(table.store, "numbers", path)
    return write_files(table.store, quarantine_layout("numbers"), resolved(rows, [7] * rows.num_rows, AT))


def marks(tmp_path: Path) -> dict[int, tuple[str | None, int | None]]:
    rows = DeltaTable(tmp_path / NAME).to_pyarrow_table().to_pylist()
    return {row["_offset"]: (row["resolution"], row["resolved_version"]) for row in rows}


def test_files_are_exchanged_in_one_commit_that_readers_and_checkpoints_follow(
    tmp_path: Path, table: NumbersTable
) -> None:
    add(table, [3, 5])
    (old,) = table.files(NAME)
    add(table, [8])
    new = marked(table, old)

    made = replace_files(table.store, NAME, Exchange([old], new, {"kind": "resolve", "batch": "r"}, changes=True))

    assert made == 3
    assert marks(tmp_path) == {3: ("replayed", 7), 5: ("replayed", 7), 8: (None, None)}
    assert table.quarantine().find("r", 0) == 3
    table.quarantine().checkpoint()
    for version in range(3):
        (tmp_path / NAME / "_delta_log" / f"{version:020d}.json").unlink()
    assert marks(tmp_path) == {3: ("replayed", 7), 5: ("replayed", 7), 8: (None, None)}
    assert old not in table.files(NAME)


def test_the_exchange_and_the_version_it_rests_on_are_durable(tmp_path: Path, table: NumbersTable) -> None:
    add(table, [3])
    (old,) = table.files(NAME)
    new = marked(table, old)
    with fsync_witness() as synced:
        replace_files(table.store, NAME, Exchange([old], new, {"batch": "r"}, changes=True))
    log = tmp_path / NAME / "_delta_log"
    assert [path for path in synced if path.suffix == ".json"] == [log / f"{1:020d}.json", log / f"{2:020d}.json"]
    assert log in synced[synced.index(log / f"{2:020d}.json") :]


def test_a_commit_from_before_the_exchange_is_a_conflict_and_lands_when_tried_again(table: NumbersTable) -> None:
    add(table, [3])
    (old,) = table.files(NAME)
    stale = table.quarantine()
    replace_files(table.store, NAME, Exchange([old], marked(table, old), {"batch": "r"}, changes=True))

    with pytest.raises(CommitFailedError) as refused:
        add(table, [8], stale)

    assert is_conflict(refused.value)
    add(table, [8])
    assert table.quarantined() == [(0, 3), (0, 8)]


def test_files_that_somebody_has_exchanged_are_left_alone(tmp_path: Path, table: NumbersTable) -> None:
    add(table, [3])
    (old,) = table.files(NAME)
    new = marked(table, old)
    replace_files(table.store, NAME, Exchange([old], marked(table, old), {"batch": "first"}, changes=True))

    assert replace_files(table.store, NAME, Exchange([old], new, {"batch": "second"}, changes=True)) is None
    assert table.quarantine().version == 2
    assert marks(tmp_path) == {3: ("replayed", 7)}


class OvertakenStore(Store):
    """Somebody else commits just before the first conditional create."""

    def __init__(self, root: str, rival: Callable[[], object]) -> None:
        super().__init__(root)
        self._rivals = [rival]

    def create(self, path: str, data: bytes) -> bool:
        if self._rivals:
            self._rivals.pop()()
        return super().create(path, data)


def test_an_exchange_that_is_overtaken_is_a_conflict(tmp_path: Path, table: NumbersTable) -> None:
    add(table, [3])
    (old,) = table.files(NAME)
    new = marked(table, old)
    store = OvertakenStore(str(tmp_path), lambda: add(table, [8]))

    with pytest.raises(CommitFailedError):
        replace_files(store, NAME, Exchange([old], new, {"batch": "r"}, changes=True))

    assert marks(tmp_path) == {3: (None, None), 8: (None, None)}
    assert replace_files(store, NAME, Exchange([old], new, {"batch": "r"}, changes=True)) == 3
    assert marks(tmp_path) == {3: ("replayed", 7), 8: (None, None)}


def test_a_table_whose_protocol_another_tool_has_changed_is_left_alone(tmp_path: Path, table: NumbersTable) -> None:
    add(table, [3])
    (old,) = table.files(NAME)
    new = marked(table, old)
    DeltaTable(tmp_path / NAME).alter.set_table_properties({"delta.appendOnly": "true"})
    with pytest.raises(WrongTableError, match=r"was given delta\.appendOnly by another tool"):
        replace_files(table.store, NAME, Exchange([old], new, {"batch": "r"}, changes=True))

    DeltaTable(tmp_path / NAME).alter.set_table_properties({"delta.appendOnly": "false"})
    DeltaTable(tmp_path / NAME).alter.add_constraint({"positive": "_offset >= 0"})
    with pytest.raises(WrongTableError, match="was given writer version 3 by another tool"):
        replace_files(table.store, NAME, Exchange([old], new, {"batch": "r"}, changes=True))
