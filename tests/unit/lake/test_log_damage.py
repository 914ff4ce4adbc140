from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake.exceptions import DeltaError

from headrace.errors import StoreError, TableDamagedError
from headrace.lake.log import commit_path, open_table
from headrace.lake.log_damage import missing_commit, reading_failure, torn_line
from headrace.lake.store import Store
from headrace.testing.numbers import NumbersTable

NEWEST = 5


@pytest.fixture
def table(tmp_path: Path) -> NumbersTable:
    made = NumbersTable.create(str(tmp_path), {0: 0})
    for number in range(NEWEST):
        made.main().commit([], {"a": number}, {"kind": "ingest", "batch": str(number)})
    return made


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _names(*versions: int) -> list[str]:
    return [f"{version:020d}.json" for version in versions]


@pytest.mark.parametrize(
    ("version", "damage", "why"),
    [
        (NEWEST, _cut, "is torn: its line 2 is not"),
        (0, _cut, r"is torn: its line \d is not"),
        (3, Path.unlink, "is missing, and no checkpoint stands for it"),
        (0, Path.unlink, "is missing"),
    ],
    ids=["last-cut", "first-cut", "middle-gone", "first-gone"],
)
def test_damaged_commit_is_named_with_what_to_do(
    tmp_path: Path, table: NumbersTable, version: int, damage: Callable[[Path], None], why: str
) -> None:
    damage(tmp_path / commit_path("numbers", version))
    with pytest.raises(
        TableDamagedError, match=f"^commit {version} of .*/numbers, .* {why}.*headrace verify"
    ) as caught:
        open_table(table.store, "numbers", without_files=True)
    assert not any(dump in str(caught.value) for dump in ("0: <", "ParsedLogPath", "Nothing was lost"))


def test_versions_before_the_damage_open(tmp_path: Path, table: NumbersTable) -> None:
    (tmp_path / commit_path("numbers", 3)).unlink()
    _cut(tmp_path / commit_path("numbers", NEWEST))
    assert open_table(table.store, "numbers", version=2).version() == 2


def test_what_a_checkpoint_stands_for_is_cleaned_up_and_not_damaged(tmp_path: Path, table: NumbersTable) -> None:
    table.main().checkpoint()
    for version in (0, 1):
        (tmp_path / commit_path("numbers", version)).unlink()
    with pytest.raises(StoreError):
        open_table(table.store, "numbers", version=2)


def test_failure_of_the_system_is_no_damage(tmp_path: Path, table: NumbersTable) -> None:
    (tmp_path / commit_path("numbers", 3)).unlink()
    failed = DeltaError("Generic error: Input/output error (os error 5)")
    assert isinstance(reading_failure(table.store, "numbers", failed, doing="opening x"), StoreError)


def test_log_that_others_are_removing_is_not_called_damaged(tmp_path: Path, table: NumbersTable) -> None:
    class Removing(Store):
        """Whoever lists a folder finds one commit less than the last time."""

        def sizes(self, folder: str) -> dict[str, int]:
            found = super().sizes(folder)
            (tmp_path / folder / min(found)).unlink()
            return found

    (tmp_path / commit_path("numbers", 0)).unlink()
    failed = DeltaError("Kernel error: No table metadata or protocol found in delta log.")
    assert isinstance(reading_failure(Removing(str(tmp_path)), "numbers", failed, doing="opening x"), StoreError)


def test_missing_is_a_commit_before_others_that_nothing_stands_for() -> None:
    assert missing_commit([]) is None
    assert missing_commit(_names(0, 1, 2)) is None
    assert missing_commit(_names(0, 2)) == 1
    assert missing_commit(_names(0, 2), 1) == 1
    assert missing_commit(_names(0, 2), 0) is None
    assert missing_commit(_names(0, 1), 7) is None
    for kind in ("parquet", "3a0d.parquet", "3a0d.json", "0000000001.0000000002.parquet"):
        assert missing_commit([*_names(0, 2, 4), f"{3:020d}.checkpoint.{kind}"]) is None
        assert missing_commit([*_names(0, 2, 5), f"{3:020d}.checkpoint.{kind}"]) == 4


def test_torn_is_what_is_no_json_object() -> None:
    assert torn_line(b"") is None
    assert torn_line(b'{"txn":{}}\r\n\n{"add":{}}') is None
    assert torn_line(b'{"txn":{}}\n{"ad') == 2
    assert torn_line(b"\xff") == torn_line(b"[1]\n") == 1
