"""How actions of a log become the state of a table."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from headrace.errors import WrongTableError
from headrace_exporter.fold import Fold, Remove

WHEN = 1_772_000_000_000
NOON = datetime.fromtimestamp(WHEN / 1000, UTC)


def commit(*actions: dict[str, Any]) -> bytes:
    return "\n".join(json.dumps(action) for action in actions).encode()


def add(path: str, *, change: bool = True, deleted: int | None = None, **stats: object) -> dict[str, Any]:
    body = {"path": path, "size": 5, "modificationTime": WHEN, "partitionValues": {}, "dataChange": change}
    vector = {} if deleted is None else {"deletionVector": {"cardinality": deleted, "storageType": "u"}}
    return {"add": {**body, **vector, "stats": json.dumps(stats)}}


def remove(path: str, *, change: bool = True) -> dict[str, Any]:
    return {"remove": {"path": path, "deletionTimestamp": WHEN, "dataChange": change}}


def info(stamp: int = WHEN) -> dict[str, Any]:
    return {"commitInfo": {"timestamp": stamp, "operation": "WRITE"}}


def test_files_come_and_go_and_leave_a_tombstone() -> None:
    fold = Fold()
    fold.commit(0, commit({"metaData": {"configuration": {"a": "b"}}}, add("one", numRecords=3), add("two")))
    fold.commit(1, commit(remove("one"), info()))

    assert (fold.version, list(fold.files), fold.configuration) == (1, ["two"], {"a": "b"})
    assert fold.tombstones == {"one": NOON}
    assert fold.files["two"].rows is None


def test_a_file_under_another_deletion_vector_stays_in_whatever_order_the_actions_are() -> None:
    fold = Fold()
    fold.commit(0, commit(add("one", numRecords=9)))
    fold.commit(1, commit(add("one", numRecords=9, deleted=2), remove("one")))
    assert (list(fold.files), fold.deleted, fold.tombstones) == (["one"], {"one": 2}, {})

    fold.left(Remove("one", WHEN))
    assert fold.tombstones == {}
    fold.commit(2, commit(remove("one")))
    assert (fold.files, fold.deleted, list(fold.tombstones)) == ({}, {}, ["one"])


@pytest.mark.parametrize("torn", [b'{"add":{', b'{"add":{"path":"x"}}', b"[]"])
def test_a_commit_that_cannot_be_read_changes_nothing(torn: bytes) -> None:
    fold = Fold()
    fold.commit(0, commit(add("one")))

    with pytest.raises(WrongTableError, match="commit 1 is torn or damaged"):
        fold.commit(1, commit(remove("one")) + b"\n" + torn)

    assert (fold.version, list(fold.files)) == (0, ["one"])


def test_a_commit_that_power_loss_emptied_is_one() -> None:
    fold = Fold()
    fold.commit(0, b"")
    assert fold.version == 0


def test_only_what_changes_rows_is_a_data_commit() -> None:
    fold = Fold()
    fold.commit(0, commit(add("one"), info()))
    fold.commit(1, commit({"txn": {"appId": "a", "version": 1}}, info(WHEN + 1_000)))
    fold.commit(2, commit(add("two", change=False), remove("one", change=False), info(WHEN + 2_000)))
    assert fold.last_data_commit == NOON
    fold.commit(3, commit(remove("two"), info(WHEN + 3_000)))
    assert fold.last_data_commit is not None
    assert fold.last_data_commit.timestamp() == NOON.timestamp() + 3


@pytest.mark.parametrize("told", ["2026-03-02T14:30:00.000000Z", "2026-03-02T14:30:00", "2026-03-02T15:30:00+01:00"])
def test_the_newest_event_is_the_latest_that_any_file_names(told: str) -> None:
    fold = Fold("at")
    fold.commit(0, commit(add("one", maxValues={"at": told}), add("two", maxValues={"at": "2025-01-01T00:00:00Z"})))
    fold.commit(1, commit(add("three", maxValues={"at": "no time"}), add("four", maxValues=None), add("five")))
    assert fold.newest_event == datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def test_what_another_tool_says_in_its_own_way_is_passed_over() -> None:
    odd = add("one", numRecords="many")
    odd["add"]["modificationTime"] = 10**18
    fold = Fold("at")
    fold.commit(0, commit(odd, {"remove": {"path": "two"}}, {"cdc": {"path": "x"}}, {"domainMetadata": {}}))
    assert fold.files["one"].rows is None
    assert fold.files["one"].modified.year == 9999
