"""Every table is read by every engine to the same rows, and these are the rows that verify reads."""

from collections.abc import Callable
from functools import cache

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaProtocolError

from headrace.lake.schema import quarantine_schema
from headrace.lake.store import Store
from headrace.lake.upkeep.stats import gather
from tests.behaviour.latest import LatestWorld
from tests.behaviour.world import TABLE, World
from tests.interop.engines import ENGINES, assert_types, in_order, own
from tests.interop.kinds import KINDS, PARTITIONS, QUARANTINE, as_polars_has_it, schema_of

FIGURES = """
    SELECT _partition, count(*) AS held, count(note) AS noted, min(_offset) AS low, max(_offset) AS high,
           sum(price) AS total, min(exact) AS least, max(exact) AS most,
           min(timestamp) AS begins, max(timestamp) AS ends,
           sum(CASE WHEN _kafka_timestamp IS NULL THEN 1 ELSE 0 END) AS unstamped
    FROM t WHERE live GROUP BY _partition ORDER BY _partition
"""

Worlds = Callable[[str], World]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    """A table of each kind, made when it is first asked for; they are read only."""
    return cache(lambda kind: KINDS[kind](tmp_path_factory.mktemp(kind)))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_engine_reads_the_rows_that_verify_reads(worlds: Worlds, kind: str, engine: str) -> None:
    table, schema = worlds(kind).root / TABLE, schema_of(worlds(kind))
    found = ENGINES[engine](table)
    assert_types(found.schema, schema)
    rows = own(table, schema)
    assert in_order(found) == ([as_polars_has_it(row) for row in rows] if engine == "polars" else rows)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_engine_adds_up_what_the_rows_add_up_to(worlds: Worlds, kind: str, engine: str) -> None:
    """By pages, statistics and filters that a reader of whole tables passes by."""
    table, schema = worlds(kind).root / TABLE, schema_of(worlds(kind))
    assert ENGINES[engine](table, FIGURES).to_pylist() == figures(pa.Table.from_pylist(own(table, schema), schema))


def figures(rows: pa.Table) -> list[dict[str, object]]:
    """What `FIGURES` asks for, row by row in Python."""
    found = []
    for partition in range(PARTITIONS):
        held = [row for row in rows.to_pylist() if row["_partition"] == partition and row["live"]]
        found.append(
            {
                "_partition": partition,
                "held": len(held),
                "noted": sum(row["note"] is not None for row in held),
                "low": min(row["_offset"] for row in held),
                "high": max(row["_offset"] for row in held),
                "total": sum(row["price"] for row in held),
                "least": min(row["exact"] for row in held),
                "most": max(row["exact"] for row in held),
                "begins": min(row["timestamp"] for row in held),
                "ends": max(row["timestamp"] for row in held),
                "unstamped": sum(row["_kafka_timestamp"] is None for row in held),
            }
        )
    return found


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_reads_the_quarantine(worlds: Worlds, engine: str) -> None:
    table, schema = worlds("replay").root / QUARANTINE, quarantine_schema()
    found = ENGINES[engine](table)
    assert_types(found.schema, schema)
    rows = in_order(found)
    assert rows == own(table, schema)
    assert {row["resolution"] for row in rows} == {"replayed", None}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["sealing", "upsert"])
def test_an_engine_finds_one_row_by_its_id(worlds: Worlds, kind: str, engine: str) -> None:
    """By the Bloom filters of sealed files, and beside rows that are deleted."""
    table = worlds(kind).root / TABLE
    for row in own(table, schema_of(worlds(kind)))[::41]:
        sql = f"SELECT _partition, _offset, quantity FROM t WHERE fill_id = '{row['fill_id']}'"
        asked = [{name: row[name] for name in ("_partition", "_offset", "quantity")}]
        assert [each for each in ENGINES[engine](table, sql).to_pylist() if each in asked] == asked
    assert ENGINES[engine](table, "SELECT fill_id FROM t WHERE fill_id = 'f-1x'").num_rows == 0


def test_the_tables_are_what_they_are_called(worlds: Worlds) -> None:
    for kind in ("ingest", "compaction", "sealing", "replay"):
        worlds(kind).assert_proved()
    upserted = worlds("upsert")
    assert isinstance(upserted, LatestWorld)
    upserted.assert_proved()
    assert len(list((upserted.root / TABLE / "_deletions").iterdir())) > 3
    assert sorted(DeltaTable(upserted.root / TABLE).protocol().writer_features or ()) == [
        "deletionVectors",
        "invariants",
    ]
    assert DeltaTable(upserted.root / TABLE).deletion_vectors().read_all().num_rows > 3
    sealed = gather(Store(str(worlds("sealing").root)), TABLE).files
    assert len(sealed) == 2
    assert all(file.sealed for file in sealed)


def test_deltalakes_reader_over_pyarrow_refuses_latest_rows_and_reads_all_others(worlds: Worlds) -> None:
    for kind in KINDS:
        world = worlds(kind)
        table = DeltaTable(world.root / TABLE)
        if kind == "upsert":
            with pytest.raises(DeltaProtocolError, match=r"deletion ?[vV]ectors"):
                table.to_pyarrow_table()
        else:
            assert in_order(table.to_pyarrow_table()) == own(world.root / TABLE, schema_of(world))
