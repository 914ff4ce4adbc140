"""How the table of a contract is laid out."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Table:
    """Layout of the table that a contract's events land in.

    Attributes:
        name: of the table; by default the topic with `-` and `.` as `_`.
        mode: `append` keeps one row per record, `upsert` one row per key.
        partition_by: `"date"` for one directory per UTC day of the event time, None for none. Nothing taken from
            a payload is ever a directory name.
        cluster_by: fields that compaction sorts by, the most selective first.
        event_time: the field that says when the event happened; by default `timestamp` where there is one.
    """

    name: str | None = None
    mode: Literal["append", "upsert"] = "append"
    partition_by: Literal["date"] | None = None
    cluster_by: tuple[str, ...] = ()
    event_time: str | None = None
