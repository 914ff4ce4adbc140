"""What a reader opens and reads for few rows: of files as workers flush them, merged while hot, and sealed.

The reader is DataFusion, as deltalake has it: the files that it scans, and all that the process reads meanwhile.
"""

import re
from datetime import timedelta
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, QueryBuilder

from benchmarks.cluster import TOPIC, Cluster, fresh_lake
from benchmarks.trickle import SECONDS, Trickle, maintain, maintenance, transaction_id
from headrace.testing.manual_clock import ManualClock

COMMITS = 480
ROWS = 5_000
SYMBOL = "SPY"
_FILES = re.compile(r"count_files_scanned=(\d+)")


def measure(_cluster: Cluster) -> dict[str, object]:
    """A table of eighty minutes at each stage of its upkeep.

    Raises:
        RuntimeError: a query finds other rows than before.
    """
    events = ManualClock()
    middle = events.now() + timedelta(seconds=COMMITS * SECONDS / 2)
    minute = f"'{middle.isoformat()}' AND '{(middle + timedelta(minutes=1)).isoformat()}'"
    queries = {
        "symbol": f"symbol = '{SYMBOL}'",
        "symbol_and_minute": f"symbol = '{SYMBOL}' AND timestamp BETWEEN {minute}",
        "transaction_id": f"transaction_id = '{transaction_id(COMMITS * ROWS // 2)}'",
    }
    with fresh_lake() as lake:
        trickle = Trickle(lake, events, rows=ROWS)
        for _ in range(COMMITS):
            trickle.commit()
            events.advance(SECONDS)
        stages = {"flushed": _read(lake, queries)}
        for stage, hot_minutes in (("merged", 120.0), ("sealed", 1e-4)):
            with maintenance(lake, hot_minutes=hot_minutes) as rounds:
                maintain(rounds)
            stages[stage] = _read(lake, queries)
    for query in queries:
        if len({stage[query]["rows"] for stage in stages.values()}) > 1:
            msg = f"{query}: {stages}"
            raise RuntimeError(msg)
    return {"commits": COMMITS, "rows_per_commit": ROWS, "stages": stages}


def _read(lake: Path, queries: dict[str, str]) -> dict[str, dict[str, int]]:
    table = DeltaTable(lake / TOPIC)
    found = {"table": {"files": len(table.file_uris()), "bytes": _size(table), "rows": table.count()}}
    for name, condition in queries.items():
        query = f"SELECT * FROM {TOPIC} WHERE {condition}"
        before = _read_bytes()
        rows = _asked(table, query).num_rows
        read = _read_bytes() - before
        told = "\n".join(map(str, _asked(table, f"EXPLAIN ANALYZE {query}")["plan"].to_pylist()))
        found[name] = {"files": sum(map(int, _FILES.findall(told))), "bytes": read, "rows": rows}
    return found


def _asked(table: DeltaTable, query: str) -> pa.Table:
    """In a session of its own: what one keeps of the files would make the next query cheaper."""
    return pa.table(QueryBuilder().register(TOPIC, table).execute(query).read_all())


def _read_bytes() -> int:
    return int(psutil.Process().io_counters().read_chars)


def _size(table: DeltaTable) -> int:
    return int(pc.sum(pa.table(table.get_add_actions())["size_bytes"]).as_py() or 0)
