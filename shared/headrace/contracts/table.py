"""How the table of a contract is laid out."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Table:
    """Layout of the table that a contract's events land in.

    Attributes:
        name: of the table; by default the topic with `-` and `.` as `_`.
        mode: `append` keeps one row per record, `upsert` one row per key: that of the latest event time.
        key: with `upsert`, the fields whose values name a row. The record's key is among them, so that all events
            of a row are in one partition of the topic.
        partition_by: `"date"` for one folder per UTC day of the event time, a field for one per value of it, None
            for none. Each flush writes a file per value it holds, so a field must have few: texts, never null.
        cluster_by: fields that compaction sorts by, the most selective first.
        bloom_filters: fields that rows are looked up by: files that maintenance writes carry a Bloom filter of each.
        event_time: the field that says when the event happened; by default `timestamp` where there is one.
        tombstones: with `upsert`, what a record without a value is: `quarantine` keeps it as one that is wrong,
            `delete` takes the row of its key from the table. Then the record's key alone must name a row.
    """

    name: str | None = None
    mode: Literal["append", "upsert"] = "append"
    key: tuple[str, ...] = ()
    partition_by: str | None = None
    cluster_by: tuple[str, ...] = ()
    bloom_filters: tuple[str, ...] = ()
    event_time: str | None = None
    tombstones: Literal["quarantine", "delete"] = "quarantine"
