import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from deltalake import DeltaTable, Field, Schema
from deltalake.schema import PrimitiveType

from headrace.errors import StoreError, TableDamagedError, TopicRecreatedError, UnsafeStoreError, WrongTableError
from headrace.lake.log import DeltaLog, note_of
from headrace.lake.store import Store
from headrace.lake.tables import (
    CLUSTER_ID,
    CONTRACT,
    PARTITIONS,
    PIPELINE,
    SCHEMA_VERSION,
    TOPIC,
    TOPIC_ID,
    TableSpec,
    check_table,
    create_table,
    exists,
    positions_of,
    source_of,
)
from headrace.testing.disk import fsync_witness
from headrace.testing.numbers import NUMBERS, SOURCE, main_spec
from headrace.testing.race import race

SPEC = main_spec({0: 5, 1: 0})


def _created(root: Path) -> DeltaLog:
    store = Store(str(root))
    assert create_table(store, SPEC)
    return DeltaLog(store, "numbers")


def test_version_0_holds_schema_properties_and_the_start_of_every_partition(tmp_path: Path) -> None:
    log = _created(tmp_path)
    assert log.version == 0
    assert (log.txn(SOURCE.app_id(0)), log.txn(SOURCE.app_id(1)), log.txn(SOURCE.app_id(2))) == (5, 0, None)
    assert log.properties[PARTITIONS] == "2"
    assert log.properties["delta.logRetentionDuration"] == "interval 30 days"
    assert log.schema == SPEC.schema
    assert log.partition_by == ["date"]
    assert note_of(log.store, "numbers", 0) == {"kind": "create"}
    assert source_of(log) == SOURCE


def test_version_0_names_the_table_and_no_scratch_folder(tmp_path: Path) -> None:
    _created(tmp_path)
    table = DeltaTable(tmp_path / "numbers")
    assert (table.metadata().name, table.metadata().description) == ("numbers", NUMBERS.doc)
    assert table.history()[0]["operationParameters"]["location"] == str(tmp_path / "numbers")
    assert "headrace-table-" not in (tmp_path / "numbers/_delta_log/00000000000000000000.json").read_text()


def test_second_creation_leaves_the_first_table_alone(tmp_path: Path) -> None:
    log = _created(tmp_path)
    assert not create_table(log.store, main_spec({0: 77, 1: 77}))
    log.refresh()
    assert (log.version, log.txn(SOURCE.app_id(0))) == (0, 5)


def test_winner_and_loser_leave_a_durable_version_0(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    for _ in ("winner", "loser"):
        with fsync_witness() as synced:
            create_table(Store(str(tmp_path)), SPEC)
        log = tmp_path / "numbers" / "_delta_log"
        assert {log / "00000000000000000000.json", log, tmp_path / "numbers", tmp_path} <= set(synced)
    assert DeltaLog(store, "numbers").version == 0


def test_eight_processes_create_one_table(tmp_path: Path) -> None:
    printed = race(Path(__file__).parent / "race_create.py", [[str(tmp_path), str(number)] for number in range(8)])
    seen = [json.loads(line) for line in printed]
    winners = [racer["number"] for racer in seen if racer["won"]]
    assert len(winners) == 1
    assert [racer["starts"] for racer in seen] == [[winners[0], 100 + winners[0]]] * 8
    assert [racer["version"] for racer in seen] == [0] * 8
    assert [path.name for path in (tmp_path / "numbers" / "_delta_log").iterdir()] == ["00000000000000000000.json"]


def test_table_is_not_there_until_it_is_created(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    assert not exists(store, "numbers")
    assert not (tmp_path / "numbers").exists()
    (tmp_path / "numbers" / "_delta_log").mkdir(parents=True)
    assert not exists(store, "numbers")
    create_table(store, SPEC)
    assert exists(store, "numbers")


def test_file_in_place_of_the_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "numbers").write_text("")
    store = Store(str(tmp_path))
    with pytest.raises(WrongTableError, match="numbers is a file"):
        exists(store, "numbers")
    with pytest.raises(StoreError, match=r"creating .*numbers"):
        create_table(store, SPEC)


def test_table_that_cannot_be_read_is_not_taken_for_missing(tmp_path: Path) -> None:
    log = _created(tmp_path)
    (tmp_path / "numbers/_delta_log/00000000000000000000.json").write_bytes(b"\0" * 100)
    with pytest.raises(TableDamagedError, match=r"commit 0 of .*numbers.* is torn"):
        exists(log.store, "numbers")


def test_scratch_space_that_is_missing_is_a_failure_of_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(StoreError, match=r"preparing table numbers in .*nowhere"):
        create_table(Store(str(tmp_path / "lake")), SPEC)


def test_own_table_is_recognised(tmp_path: Path) -> None:
    check_table(_created(tmp_path), SPEC)


def _other(**properties: str) -> TableSpec:
    return dataclasses.replace(SPEC, properties={**SPEC.properties, **properties})


@pytest.mark.parametrize("key", [PIPELINE, CLUSTER_ID, TOPIC, CONTRACT])
def test_table_of_another_source_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(WrongTableError, match=f"belongs to {key}={SPEC.properties[key]}, this process has {key}=other"):
        check_table(_created(tmp_path), _other(**{key: "other"}))


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("2", r"schema_version 1, this contract has 2: .*`headrace schema apply numbers`"),
        ("0", "brought to schema_version 1, this contract has 0: it is an older one"),
    ],
)
def test_table_of_another_schema_version_is_refused_with_what_to_do(tmp_path: Path, version: str, told: str) -> None:
    with pytest.raises(WrongTableError, match=told):
        check_table(_created(tmp_path), _other(**{SCHEMA_VERSION: version}))


def test_table_of_an_earlier_topic_of_that_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TopicRecreatedError, match="topic numbers was deleted and created again"):
        check_table(_created(tmp_path), _other(**{TOPIC_ID: "recreated"}))


def test_other_number_of_partitions_is_no_other_table(tmp_path: Path) -> None:
    check_table(_created(tmp_path), _other(**{PARTITIONS: "9"}))


def test_table_of_another_program_is_refused(tmp_path: Path) -> None:
    DeltaTable.create(tmp_path / "numbers", SPEC.schema)
    with pytest.raises(WrongTableError, match="Headrace did not create"):
        check_table(DeltaLog(Store(str(tmp_path)), "numbers"), SPEC)


def test_property_that_lets_positions_expire_is_refused(tmp_path: Path) -> None:
    log = _created(tmp_path)
    DeltaTable(tmp_path / "numbers").alter.set_table_properties(
        {"delta.setTransactionRetentionDuration": "interval 7 days"}
    )
    log.refresh()
    with pytest.raises(UnsafeStoreError, match="unset that property"):
        check_table(log, SPEC)


@pytest.mark.parametrize(
    ("schema", "partition_by", "named"),
    [
        (SPEC.schema, (), "its partitioning"),
        (Schema([*SPEC.schema.fields[:1], *SPEC.schema.fields[2:]]), ("date",), "name"),
        (Schema([SPEC.schema.fields[2], Field("x", PrimitiveType("long"))]), ("date",), "x"),
    ],
    ids=["partitioning", "a field less", "other fields"],
)
def test_table_of_another_schema_is_refused(
    tmp_path: Path, schema: Schema, partition_by: tuple[str, ...], named: str
) -> None:
    wanted = dataclasses.replace(SPEC, schema=schema, partition_by=partition_by)
    with pytest.raises(WrongTableError, match=rf"another schema than contract numbers: .*{named}.* differ"):
        check_table(_created(tmp_path), wanted)


def test_column_that_may_be_null_is_another_schema(tmp_path: Path) -> None:
    nullable = Schema([Field(field.name, field.type, nullable=True) for field in SPEC.schema.fields])
    with pytest.raises(WrongTableError, match="_ingested_at, _offset, _partition, date, name, timestamp differ"):
        check_table(_created(tmp_path), dataclasses.replace(SPEC, schema=nullable))


def test_table_can_be_created_again_where_one_was_removed(tmp_path: Path) -> None:
    log = _created(tmp_path)
    shutil.rmtree(tmp_path / "numbers")
    assert create_table(log.store, SPEC)


def test_positions_are_the_newest_and_0_where_there_is_none(tmp_path: Path) -> None:
    log = _created(tmp_path)
    assert positions_of(log, [0, 1, 2]) == {0: 5, 1: 0, 2: 0}
    DeltaLog(log.store, "numbers").commit_claim({SOURCE.app_id(0): 8, SOURCE.app_id(3): 4})
    assert positions_of(log, [0, 3]) == {0: 8, 3: 4}
