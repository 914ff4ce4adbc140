"""What a reader opens and reads for few rows: of files as workers flush them, merged while hot, and sealed.

The reader is DataFusion, as deltalake has it; files and bytes are what it says of itself.
"""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, QueryBuilder

from benchmarks.cluster import TOPIC, Cluster, fresh_lake
from benchmarks.trickle import SECONDS, Trickle, files_dated_by, maintenance, transaction_id
from headrace.testing.manual_clock import ManualClock

COMMITS = 480
ROWS = 5_000
SYMBOL = "SPY"
_SCANNED = re.compile(r"bytes_scanned=([\d.]+) ?([KMG]?)")
_FILES = re.compile(r"count_files_scanned=(\d+)")
_UNITS = {"": 1, "K": 1e3, "M": 1e6, "G": 1e9}


def measure(_cluster: Cluster) -> dict[str, object]:
    """A table of eighty minutes at each stage of its upkeep.

    Raises:
        RuntimeError: a query finds other rows than before.
    """
    clock = ManualClock((datetime.now(UTC) - timedelta(days=2)).replace(hour=9, minute=0, second=0, microsecond=0))
    middle = clock.now() + timedelta(seconds=COMMITS * SECONDS / 2)
    minute = f"'{middle.isoformat()}' AND '{(middle + timedelta(minutes=1)).isoformat()}'"
    queries = {
        "symbol": f"symbol = '{SYMBOL}'",
        "symbol_and_minute": f"symbol = '{SYMBOL}' AND timestamp BETWEEN {minute}",
        "transaction_id": f"transaction_id = '{transaction_id(COMMITS * ROWS // 2)}'",
    }
    with fresh_lake() as lake, files_dated_by(clock):
        trickle = Trickle(lake, clock, rows=ROWS)
        for _ in range(COMMITS):
            trickle.commit()
            clock.advance(SECONDS)
        stages = {"flushed": _read(lake, queries)}
        with maintenance(lake, clock) as rounds:
            rounds.go(lambda: False)
            stages["merged"] = _read(lake, queries)
            clock.advance(timedelta(hours=3).total_seconds())
            rounds.go(lambda: False)
            stages["sealed"] = _read(lake, queries)
    for query in queries:
        if len({stage[query]["rows"] for stage in stages.values()}) > 1:
            msg = f"{query}: {stages}"
            raise RuntimeError(msg)
    return {"commits": COMMITS, "rows_per_commit": ROWS, "stages": stages}


def _read(lake: Path, queries: dict[str, str]) -> dict[str, dict[str, int]]:
    table = DeltaTable(lake / TOPIC)
    reader = QueryBuilder().register(TOPIC, table)
    found = {"table": {"files": len(table.file_uris()), "bytes": _size(table), "rows": table.count()}}
    for name, condition in queries.items():
        query = f"SELECT * FROM {TOPIC} WHERE {condition}"
        rows = pa.table(reader.execute(query).read_all()).num_rows
        plans = pa.table(reader.execute(f"EXPLAIN ANALYZE {query}").read_all())["plan"].to_pylist()
        told = "\n".join(map(str, plans))
        files = sum(map(int, _FILES.findall(told)))
        scanned = sum(float(number) * _UNITS[unit] for number, unit in _SCANNED.findall(told))
        found[name] = {"files": files, "bytes": round(scanned), "rows": rows}
    return found


def _size(table: DeltaTable) -> int:
    return int(pc.sum(pa.table(table.get_add_actions())["size_bytes"]).as_py() or 0)
