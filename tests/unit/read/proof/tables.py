"""Small real tables in the layout that workers write, with a handle on every number so that damage can be planted."""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.transaction import AddAction

from headrace import Trade
from headrace.contracts import load_contracts
from headrace.offsets import SourceId
from headrace.read.proof.given import Base
from headrace.read.proof.ledger import Ledger
from headrace.read.proof.report import TableReport
from headrace.read.proof.verify import OpenTruth, Verifier
from headrace.testing import a_trade

SOURCE = SourceId("trades", "cluster-1", "topic-1")


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema({**columns, "_partition": pa.int32(), "_offset": pa.int64()})


_ROWS = _schema(
    transaction_id=pa.string(),
    strategy_id=pa.string(),
    leg_id=pa.string(),
    symbol=pa.string(),
    action=pa.string(),
    quantity=pa.int64(),
    price=pa.decimal128(18, 4),
    commission=pa.decimal128(18, 4),
    timestamp=pa.timestamp("us", "UTC"),
    order_id=pa.string(),
    account=pa.string(),
)
_QUARANTINE = _schema(value=pa.binary(), resolved_version=pa.int64())

Row = dict[str, Any]
Change = Callable[[list[Row]], list[Row]]


def trade(partition: int, offset: int) -> Trade:
    """The event that stands at one place of the topic."""
    return a_trade(
        transaction_id=f"{partition}-{offset}",
        quantity=offset + 1,
        price=Decimal(offset).scaleb(-4),
        timestamp=datetime(2026, 1, 1 + offset % 2, tzinfo=UTC) + timedelta(seconds=offset % 80_000),
        account=None if offset % 3 else "main",
    )


def row(partition: int, offset: int) -> Row:
    """The row that `trade` becomes."""
    return {**dict(trade(partition, offset)), "_partition": partition, "_offset": offset}


@dataclass
class Batch:
    """What one commit says and does; `rows` and the spans may be made to disagree."""

    ranges: Mapping[int, tuple[int, int]]
    rejects: Mapping[int, Iterable[int]] = field(default_factory=dict)
    gaps: Mapping[int, list[tuple[int, int]]] = field(default_factory=dict)
    hidden: Mapping[int, int] = field(default_factory=dict)
    change: Change = list
    txns: Mapping[int, int] = field(default_factory=dict)
    claims: Mapping[str, int] = field(default_factory=dict)
    digests: bool = True
    without: Iterable[str] = ()
    note: Mapping[str, object] | None = None


class TableBuilder:
    """One table with its quarantine under `root`, and the ledger of what its producers sent."""

    def __init__(self, root: Path, starts: Mapping[int, int], **properties: str) -> None:
        self.root = root
        self.path = root / "trades"
        self.ledger: dict[tuple[int, int], str] = {}
        self.positions = dict(starts)
        self.source = SourceId(
            SOURCE.pipeline,
            properties.get("headrace.cluster_id", SOURCE.cluster_id),
            properties.get("headrace.topic_id", SOURCE.topic_id),
        )
        configuration = {
            "headrace.pipeline": SOURCE.pipeline,
            "headrace.cluster_id": SOURCE.cluster_id,
            "headrace.topic_id": SOURCE.topic_id,
            "headrace.topic": "trades",
            "headrace.contract": "trades",
            "headrace.schema_version": "1",
            "headrace.partitions": str(len(starts)),
            "headrace.start": "earliest",
            **properties,
        }
        schema = pa.schema([*_ROWS, pa.field("date", pa.date32())])
        self._create(self.path, schema, ["date"], configuration, starts)
        self._create(root / "trades__quarantine", _QUARANTINE, [], configuration, {})

    def _create(
        self, path: Path, schema: pa.Schema, by: list[str], configuration: dict[str, str], starts: Mapping[int, int]
    ) -> None:
        DeltaTable.create(
            path,
            schema,
            partition_by=by,
            configuration=configuration,
            raise_if_key_not_exists=False,
            commit_properties=CommitProperties(
                app_transactions=[Transaction(self.source.app_id(p), start) for p, start in starts.items()],
                custom_metadata={"headrace": {"kind": "create"}},
            ),
        )

    def land(self, ranges: Mapping[int, tuple[int, int]], **changes: Any) -> str:
        """Commits the records of `ranges` as a worker would, but for `changes`; the batch's id."""
        batch = Batch(ranges, **changes)
        kept = [(p, o) for p, (start, end) in ranges.items() for o in range(start, end) if not _skipped(batch, p, o)]
        rows = batch.change([row(p, o) for p, o in kept])
        self.ledger |= {(p, o): _digest(trade(p, o).to_wire()) for p, o in kept}
        for p, offsets in batch.rejects.items():
            self.quarantine({(p, o): b"not json" for o in offsets})
        return self._commit(batch, rows)

    def _commit(self, batch: Batch, rows: list[Row]) -> str:
        table = DeltaTable(self.path)
        files = self._write(rows, list(batch.without))
        identifier = uuid.uuid4().hex
        note = batch.note or {
            "kind": "ingest",
            "batch": identifier,
            "partitions": {str(p): self._span(batch, p) for p in batch.ranges},
            "files": {path: {"sha256": sha} for path, (_, _, sha) in files.items()} if batch.digests else {},
        }
        txns = {p: batch.txns.get(p, end) for p, (_, end) in batch.ranges.items()}
        self.positions |= txns
        table.create_write_transaction(
            [_add(path, size, count) for path, (size, count, _) in files.items()],
            "append",
            table.schema(),
            partition_by=["date"],
            commit_properties=CommitProperties(
                custom_metadata={"headrace": note} if note else None,
                app_transactions=[Transaction(self.source.app_id(p), end) for p, end in txns.items()],
            ),
        )
        return identifier

    @staticmethod
    def _span(batch: Batch, partition: int) -> dict[str, object]:
        start, end = batch.ranges[partition]
        gaps = batch.gaps.get(partition, [])
        missing = sum(high - low for low, high in gaps) + batch.hidden.get(partition, 0)
        rejects = len(list(batch.rejects.get(partition, ())))
        rows = end - start - missing - rejects
        span = {"start": start, "end": end, "rows": rows, "rejects": rejects, "gap_records": missing, "gaps": gaps}
        return {**span, **batch.claims}

    def _write(self, rows: list[Row], without: list[str]) -> dict[str, tuple[int, int, str]]:
        files = {}
        for day in sorted({r["timestamp"].date() for r in rows}):
            held = [r for r in rows if r["timestamp"].date() == day]
            path = f"date={day}/{uuid.uuid4().hex}.parquet"
            target = self.path / path
            target.parent.mkdir(exist_ok=True)
            pq.write_table(pa.Table.from_pylist(held, _ROWS).drop_columns(without), target, store_schema=False)
            data = target.read_bytes()
            files[path] = (len(data), len(held), hashlib.sha256(data).hexdigest())
        return files

    def quarantine(self, values: Mapping[tuple[int, int], bytes | None], resolved: int | None = None) -> None:
        """Commits rejected records; `resolved` is the version that a replay brought them home in."""
        self.ledger |= {place: _digest(value) for place, value in values.items()}
        rows = [
            {"_partition": p, "_offset": o, "value": value, "resolved_version": resolved}
            for (p, o), value in values.items()
        ]
        path = self.root / "trades__quarantine"
        name = f"{uuid.uuid4().hex}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, _QUARANTINE), path / name, store_schema=False)
        table = DeltaTable(path)
        table.create_write_transaction(
            [AddAction(name, (path / name).stat().st_size, {}, 0, True, json.dumps({"numRecords": len(rows)}))],
            "append",
            table.schema(),
            commit_properties=CommitProperties(custom_metadata={"headrace": {"kind": "quarantine", "batch": "q"}}),
        )

    def rewind(self, version: int, positions: Mapping[int, int]) -> None:
        """Takes the table back to a version, and its positions with it."""
        DeltaTable(self.path).restore(
            version,
            commit_properties=CommitProperties(
                custom_metadata={"headrace.operation": "rewind"},
                app_transactions=[Transaction(self.source.app_id(p), position) for p, position in positions.items()],
            ),
        )
        self.positions |= positions

    event = staticmethod(trade)

    def log(self, version: int) -> Path:
        """The commit file of a version."""
        return self.path / "_delta_log" / f"{version:020d}.json"

    def data_files(self) -> list[Path]:
        """All Parquet files of the table, oldest first."""
        return sorted(self.path.glob("date=*/*.parquet"), key=lambda path: (path.stat().st_mtime_ns, path))

    def write_ledger(self) -> Path:
        """The ledger as a folder."""
        folder = self.root / "ledger"
        folder.mkdir(exist_ok=True)
        lines = [
            json.dumps({"topic": "trades", "partition": p, "offset": o, "digest": digest}) + "\n"
            for (p, o), digest in self.ledger.items()
        ]
        (folder / "bot-1.jsonl").write_text("".join(lines[::2]))
        (folder / "bot-2.jsonl").write_text("".join(lines[1::2]))
        return folder

    def replace_rows(self, file: Path, change: Change) -> None:
        """Rewrites a data file behind the log's back, then makes the log agree with its size, count and digest."""
        rows = change(pq.read_table(file).to_pylist())
        old = file.read_bytes()
        count = pq.ParquetFile(file).metadata.num_rows
        pq.write_table(pa.Table.from_pylist(rows, _ROWS), file, store_schema=False)
        new = file.read_bytes()
        for commit in self.path.glob("_delta_log/*.json"):
            lines = commit.read_text().splitlines()
            told = [
                line.replace(hashlib.sha256(old).hexdigest(), hashlib.sha256(new).hexdigest())
                .replace(f'"size":{len(old)}', f'"size":{len(new)}')
                .replace(f'numRecords\\": {count}', f'numRecords\\": {len(rows)}')
                if file.name in line
                else line
                for line in lines
            ]
            commit.write_text("\n".join(told) + "\n")

    def verify(self, *, ledger: bool = True, base: Base | None = None) -> TableReport:
        """The verdict, by default also against the ledger."""
        return Verifier(self.root, load_contracts([]), self._open_ledger() if ledger else None).verify("trades", base)

    def _open_ledger(self) -> OpenTruth:
        folder = self.write_ledger()
        return lambda identity, _codec: Ledger(folder, identity.topic)


def _skipped(batch: Batch, partition: int, offset: int) -> bool:
    gaps = batch.gaps.get(partition, [])
    hidden = batch.ranges[partition][1] - batch.hidden.get(partition, 0)
    rejected = offset in set(batch.rejects.get(partition, ()))
    return rejected or offset >= hidden or any(start <= offset < end for start, end in gaps)


def _digest(value: bytes | None) -> str:
    return "null" if value is None else hashlib.blake2b(value, digest_size=16).hexdigest()


def _add(path: str, size: int, count: int) -> AddAction:
    day = path.split("/", maxsplit=1)[0].removeprefix("date=")
    return AddAction(path, size, {"date": day}, 0, True, json.dumps({"numRecords": count}))
