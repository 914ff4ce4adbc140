"""Files as Spark writes them: instants of 96 bits, statistics cut to milliseconds, columns that may be null.

`make interop` has the real Spark; this is what of it can hurt, without a JVM.
"""

import json
import time
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from headrace import Name, Symbol, Table, UtcTimestamp
from headrace.contracts import Contract, contract_of
from headrace.read.proof.files import FileChecker
from headrace.read.proof.findings import Findings
from headrace.read.proof.log import Replay
from headrace.read.proof.store import LocalFiles
from tests.behaviour.latest import LatestWorld
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.upkeep import COLD, maintain, outcomes
from tests.behaviour.world import TABLE, Row, World
from tests.interop.engines import ENGINES, in_order, own
from tests.interop.kinds import NOON, Broad, broad, ingested, schema_of, send, send_latest, upserted


def optimize_as_spark(world: World) -> None:
    """All files of each partition become one."""
    table = world.root / TABLE
    store = LocalFiles(table)
    checker, snapshot = FileChecker(store), Replay(store).finish(Findings())
    beside: dict[tuple[tuple[str, str | None], ...], list[pa.RecordBatch]] = defaultdict(list)
    removes: list[dict[str, object]] = []
    named = pa.table(world.table().get_add_actions())["path"].to_pylist()
    spelled = {unquote(str(path)): path for path in named}
    for file in snapshot.files.values():
        beside[tuple(file.partition_values.items())] += checker.batches(file, None)
        removes.append({"path": spelled[file.path], "deletionTimestamp": now(), "dataChange": False})
        if file.vector:
            v = file.vector
            removes[-1]["deletionVector"] = {
                "storageType": v.storage, "pathOrInlineDv": v.place, "offset": v.offset, "sizeInBytes": v.size,
                "cardinality": v.deleted,
            }  # fmt: skip
    adds = [written(world, dict(values), batches) for values, batches in beside.items()]
    info = {"timestamp": now(), "operation": "OPTIMIZE", "operationParameters": {}}
    actions = [{"commitInfo": info}, *({"remove": each} for each in removes), *({"add": each} for each in adds)]
    version = world.table().version() + 1
    log = table / "_delta_log" / f"{version:020d}.json"
    log.write_text("".join(f"{json.dumps(action)}\n" for action in actions))


def now() -> int:
    return time.time_ns() // 1_000_000


def written(world: World, values: dict[str, str | None], batches: list[pa.RecordBatch]) -> dict[str, object]:
    """A file and its add action."""
    table, schema = world.root / TABLE, schema_of(world)
    stored = [field.with_nullable(True) for field in schema if field.name not in values]
    rows = pa.Table.from_batches(batches).select([field.name for field in stored]).cast(pa.schema(stored))
    folder = "".join(f"{name}={quote(value or '', safe='')}/" for name, value in values.items())
    path = f"{folder}part-{len(list(table.rglob('*.parquet'))):05d}.snappy.parquet"
    (table / folder).mkdir(exist_ok=True)
    pq.write_table(rows, table / path, use_deprecated_int96_timestamps=True, store_schema=False, compression="snappy")
    stats = {
        "numRecords": rows.num_rows,
        "minValues": {"timestamp": cut(rows, "min")},
        "maxValues": {"timestamp": cut(rows, "max")},
        "nullCount": {"timestamp": 0},
    }
    return {
        "path": quote(path, safe="/=+:"),
        "partitionValues": values,
        "size": (table / path).stat().st_size,
        "modificationTime": now(),
        "dataChange": False,
        "stats": json.dumps(stats),
    }


def cut(rows: pa.Table, bound: str) -> str:
    """The lowest or highest event time, down to milliseconds."""
    found = pc.min_max(rows["timestamp"])[bound].as_py()
    return str(found.strftime("%Y-%m-%dT%H:%M:%S.")) + f"{found.microsecond // 1000:03d}Z"


def timed() -> Contract:
    """One row per account and instant."""
    layout = Table(name=TABLE, mode="upsert", key=("account", "timestamp"))

    class Holding(Broad, topic="memory", key="account", table=layout):
        """What an account held at a time."""

        account: Symbol
        desk: Name
        timestamp: UtcTimestamp

    return contract_of(Holding)


def assert_read_alike(world: World) -> None:
    """All engines and verify read the same rows."""
    schema = schema_of(world)
    rows = own(world.root / TABLE, schema)
    assert rows
    for name, read in ENGINES.items():
        # In the names of folders polars knows Spark's escapes, and not those of latest rows.
        left_out = {"desk"} if name == "polars" else set()
        assert without(left_out, in_order(read(world.root / TABLE))) == without(left_out, rows), name


def without(columns: set[str], rows: list[Row]) -> list[Row]:
    return [{name: value for name, value in row.items() if name not in columns} for row in rows]


def test_all_rows_go_on_as_they_were(tmp_path: Path) -> None:
    world = ingested(tmp_path)
    before = own(world.root / TABLE, schema_of(world))
    optimize_as_spark(world)
    assert own(world.root / TABLE, schema_of(world)) == before
    assert_read_alike(world)
    world.assert_proved()
    send(world, 500, 40)
    world.drain(quarantine_max_ratio=1.0)

    assert ("seal", "done") in outcomes(maintain(world, COLD)[TABLE])

    assert_read_alike(world)
    world.assert_proved()


def test_latest_rows_are_replaced_where_they_lie_now(tmp_path: Path) -> None:
    world = upserted(tmp_path)
    optimize_as_spark(world)
    assert_read_alike(world)
    for turn in (20, 10, 30):
        send_latest(world, turn, 60)
        world.forget(turn)
        world.drain()
        world.assert_proved()
    assert_read_alike(world)


@pytest.mark.parametrize("microseconds", [0, 999, 1_000])
def test_a_row_whose_time_names_it_is_found_behind_a_bound_that_was_cut(tmp_path: Path, microseconds: int) -> None:
    world = LatestWorld("memory", MemoryTopic(1), tmp_path)
    world.contract = timed()
    kind: Any = world.contract.event
    at = NOON.replace(microsecond=0) + timedelta(microseconds=microseconds)
    for number in range(2):
        value = broad(kind, number, account="1", desk="A", timestamp=at)
        world.topic.append(value, key=b"1", timestamp_ms=1_000 + number)
        world.drain()
        optimize_as_spark(world)

    assert [row["fill_id"] for row in own(world.root / TABLE, schema_of(world))] == ["f-1"]
    world.assert_proved()
