"""Reading a table's quarantine: what is in it, and why."""

import polars as pl

from headrace.errors import ConfigError
from headrace.lake.listing import refuse_half
from headrace.lake.quarantine import quarantine_name
from headrace.lake.store import Store
from headrace.lake.tables import exists

_LISTED = ("partition", "offset", "quarantined_at", "reason", "detail", "resolution")

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}


class QuarantineReader:
    """Looks at the quarantine of one table.

    Args:
        root: the lake's root.
        table: the main table's name.

    Raises:
        ConfigError: there is no such table yet.
        WrongTableError: a file lies where the table should be, or the quarantine or its table is gone.
    """

    def __init__(self, root: str, table: str) -> None:
        store = Store(root)
        name = quarantine_name(table)
        refuse_half(store, table)
        if not exists(store, name):
            msg = f"{store.uri(name)} does not exist: no worker has run for {table} under this HEADRACE_LAKE__ROOT"
            raise ConfigError(msg)
        self._frame = pl.scan_delta(store.uri(name)).rename(
            {"_partition": "partition", "_offset": "offset", "_kafka_timestamp": "kafka_timestamp"}
        )

    def counts(self) -> dict[str, int]:
        """Number of unresolved records by reason, most frequent first."""
        unresolved = self._frame.filter(pl.col("resolution").is_null())
        counted = unresolved.group_by("reason").len().sort("len", "reason", descending=[True, False]).collect()
        return dict(counted.iter_rows())

    def resolved(self) -> int:
        """Number of records that a replay brought into the table."""
        return int(self._frame.select(pl.col("resolution").count()).collect().item())

    def newest(self, limit: int, *, reason: str | None = None) -> list[dict[str, object]]:
        """The records quarantined last, without their payload."""
        frame = self._frame if reason is None else self._frame.filter(pl.col("reason") == reason)
        chosen = frame.select(_LISTED).sort("quarantined_at", "partition", "offset", descending=[True, False, True])
        return chosen.head(limit).collect().to_dicts()

    def record(self, partition: int, offset: int) -> dict[str, object]:
        """One record; bytes as text with everything unprintable escaped.

        Raises:
            ConfigError: it is not in the quarantine.
        """
        found = self._frame.filter(pl.col("partition") == partition, pl.col("offset") == offset).collect().to_dicts()
        if not found:
            msg = f"offset {offset} of partition {partition} is not in the quarantine"
            raise ConfigError(msg)
        row = found[0]
        row["headers"] = [(header["key"], _text(header["value"])) for header in row["headers"]]
        return {name: _text(value) if isinstance(value, bytes) else value for name, value in row.items()}


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="backslashreplace").translate(_CONTROL)
