"""Reading a table's quarantine: what is in it, and why."""

import polars as pl

from headrace.errors import ConfigError, NoTableError
from headrace.lake.frames import collected
from headrace.lake.listing import refuse_half
from headrace.lake.quarantine import quarantine_name
from headrace.lake.resolving import Resolver
from headrace.lake.store import Store
from headrace.lake.tables import exists

_LISTED = ("partition", "offset", "quarantined_at", "reason", "detail", "resolution")

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}


class QuarantineReader:
    """Looks at the quarantine of one table.

    Args:
        root: the lake's root.
        table: the main table's name.

    Every look at it raises TableDamagedError where a file is not what the log says, StoreError or AccessDeniedError
    where one cannot be read.

    Raises:
        NoTableError: there is no such table yet.
        WrongTableError: a file lies where the table should be, or the quarantine or its table is gone.
    """

    def __init__(self, root: str, table: str) -> None:
        store = Store(root)
        name = quarantine_name(table)
        refuse_half(store, table)
        if not exists(store, name):
            msg = f"{store.uri(name)} does not exist: no worker has run for {table} under {store.root}"
            raise NoTableError(msg)
        self._snapshot = Resolver(store, name).resolve(None)
        self._frame = self._snapshot.frame().rename(
            {"_partition": "partition", "_offset": "offset", "_kafka_timestamp": "kafka_timestamp"}
        )

    def _collected(self, frame: pl.LazyFrame) -> pl.DataFrame:
        return collected(frame, self._snapshot)

    def counts(self) -> dict[str, int]:
        """Number of unresolved records by reason, most frequent first."""
        unresolved = self._frame.filter(pl.col("resolution").is_null())
        counted = unresolved.group_by("reason").len().sort("len", "reason", descending=[True, False])
        return dict(self._collected(counted).iter_rows())

    def resolved(self) -> int:
        """Number of records that a replay brought into the table."""
        return int(self._collected(self._frame.select(pl.col("resolution").count())).item())

    def newest(self, limit: int, *, reason: str | None = None) -> list[dict[str, object]]:
        """The records quarantined last, without their payload."""
        frame = self._frame if reason is None else self._frame.filter(pl.col("reason") == reason)
        chosen = frame.select(_LISTED).sort("quarantined_at", "partition", "offset", descending=[True, False, True])
        return self._collected(chosen.head(limit)).to_dicts()

    def record(self, partition: int, offset: int) -> dict[str, object]:
        """One record; bytes as text with everything unprintable escaped.

        Raises:
            ConfigError: it is not in the quarantine.
        """
        here = self._frame.filter(pl.col("partition") == partition, pl.col("offset") == offset)
        found = self._collected(here).to_dicts()
        if not found:
            msg = f"offset {offset} of partition {partition} is not in the quarantine"
            raise ConfigError(msg)
        row = found[0]
        row["headers"] = [(header["key"], _text(header["value"])) for header in row["headers"]]
        return {name: _text(value) if isinstance(value, bytes) else value for name, value in row.items()}


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="backslashreplace").translate(_CONTROL)
