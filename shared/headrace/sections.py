"""The sections of the settings, one for each thing that a process does."""

import re
from datetime import datetime
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from headrace.connection import Section
from headrace.hours import DailyHours

MIB = 1024 * 1024


class LakeSettings(Section):
    """Where tables lie."""

    root: str = ".headrace/lake"
    """Folder or URI under which every table has a folder of its own."""

    @field_validator("root")
    @classmethod
    def _is_no_torn_uri(cls, value: str) -> str:
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/(?!/)", value):
            msg = f"{value} is neither a folder nor a URI, which has two slashes after the colon"
            raise ValueError(msg)
        return value


class IngestSettings(Section):
    """When a worker flushes, what it may use, when it gives up."""

    start: Literal["earliest", "latest"] | datetime = "earliest"
    """Where a *new* table begins in its topic: earliest, latest, or a time with an offset. Existing tables go on
    from their own positions."""
    time_travel_days: int = Field(default=0, ge=0, le=3_650)
    """For how many days the last version of each day of a *new* table stays readable; 0 for as long as files are kept,
    7 days. It becomes a property of the table, and maintenance asks nothing else: [maintenance](maintenance.md)."""
    flush_rows: int = Field(default=200_000, ge=1)
    """A batch is flushed when it holds this many records."""
    flush_mib: int = Field(default=32, ge=1)
    """A batch is flushed when it holds this many MiB of rows and rejects."""
    flush_seconds: float = Field(default=2.0, gt=0)
    """A batch is flushed when its oldest record has waited this long."""
    freshness_seconds: float = Field(default=10.0, gt=0)
    """While [maintenance](maintenance.md#what-workers-hear) says that the table is deep in debt, a batch may wait for
    longer than `flush_seconds`, but never for longer than this. No more than `flush_seconds` turns that off."""
    memory_mib: int = Field(default=512, ge=320)
    """Resident memory the whole process aims to stay within; queues and batches are sized from it."""
    max_record_bytes: int = Field(default=1_048_576, ge=1_000)
    """A longer record is quarantined as `oversize` without being parsed."""
    quarantine_max_ratio: float = Field(default=0.5, gt=0, le=1)
    """The worker stops when more than this share of the last `quarantine_window` records was bad."""
    quarantine_window: int = Field(default=10_000, ge=100)
    """Records over which the share is taken; it is not judged before so many were read."""
    quarantine_max_consecutive: int = Field(default=5_000, ge=1)
    """The worker stops when so many records in a row were bad."""
    commit_deadline_seconds: float = Field(default=120.0, gt=0)
    """How long one batch may keep trying to commit against other writers."""
    shutdown_seconds: float = Field(default=25.0, gt=0)
    """How long a stop may take to make durable what was read; below the 30 s of container runtimes."""
    checkpoint_every: int = Field(default=100, ge=10)
    """Every so many versions the worker that made the commit writes a Delta checkpoint, unless
    [maintenance](maintenance.md#what-workers-hear) does: then only when the newest one is five times as far back."""

    @field_validator("start")
    @classmethod
    def _aware(cls, value: str | datetime) -> str | datetime:
        if isinstance(value, datetime) and value.tzinfo is None:
            msg = "a start time needs an offset, as in 2026-01-31T09:30:00Z"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        # Two batches are held at once, one collected and one written, beside ~190 MiB of interpreter and libraries.
        if 190 + 2 * self.flush_mib > self.memory_mib:
            msg = f"memory_mib {self.memory_mib} is too small for flush_mib {self.flush_mib}: lower flush_mib"
            raise ValueError(msg)
        return self


class MaintainSettings(Section):
    """When `headrace maintain` does what, and how much at a time: [maintenance](maintenance.md)."""

    every_seconds: float = Field(default=60.0, ge=1)
    """How often it looks at each table."""
    hot_minutes: float = Field(default=120.0, gt=0)
    """A partition that got a file within so many minutes is hot; a cold one is sealed."""
    target_mib: int = Field(default=64, ge=1, le=256)
    """Size of the files that hot compaction aims at; one three quarters as large is left alone."""
    sealed_mib: int = Field(default=128, ge=1, le=512)
    """Size of the files that sealing aims at. Their rows are held in memory, many times as large: see `memory_mib`."""
    compact_files: int = Field(default=40, ge=8)
    """A hot partition is compacted when it has so many small files of like size."""
    urgent_files: int = Field(default=200, ge=8)
    """A hot partition with so many small files is compacted whatever their sizes."""
    budget_mib: int = Field(default=4096, ge=1)
    """How much one look may rewrite of one table; the rest waits for the next."""
    memory_mib: int = Field(default=2048, ge=512)
    """Resident memory that one merge may take, in a process of its own; one that takes more is ended, and later ones of
    its partition are smaller."""
    merge_minutes: float = Field(default=15.0, gt=0)
    """How long one merge may take; the same follows. A merge of `sealed_mib` takes well under a minute on a local disk,
    so one that takes this long hangs."""
    quiet_hours: str | None = None
    """Sealing and the search for orphans wait for these hours of the day, such as `22:00-06:00 Europe/Berlin`; by
    default for none."""
    amplification: float = Field(default=4.0, ge=2)
    """Bytes that may be written again within 24 hours for each byte that came. Beyond it twice as many files have to
    gather before they are merged, and sealing waits, until it is three quarters of this. Merging alone takes up to 3,
    and sealing 1."""
    checkpoint_versions: int = Field(default=25, ge=10)
    """A checkpoint is written when the newest is so many versions old. Whoever opens the table replays what came since,
    at half a millisecond a version."""
    orphans_days: float = Field(default=7.0, ge=1)
    """How often files that no retained version names are looked for, and deleted if they are older than the table's
    retention."""
    orphans_most: int = Field(default=20, ge=0)
    """So many of them are deleted at once, or a fifth of the table's files; where there are more, none is until you
    have looked at them and allow it here."""

    @field_validator("quiet_hours")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None:
            DailyHours.parse(value)
        return value

    @property
    def quiet(self) -> DailyHours | None:
        """Hours for what may wait; None if it does not."""
        return None if self.quiet_hours is None else DailyHours.parse(self.quiet_hours)


class CanarySettings(Section):
    """How often `headrace canary` emits, and when a heartbeat is late: [canary](canary.md)."""

    every_seconds: float = Field(default=30.0, ge=0.1)
    """How often a heartbeat is emitted; each makes a commit."""
    deadline_seconds: float = Field(default=60.0, ge=0.1)
    """A heartbeat that is not in the table after so long is missing, and late when it arrives."""
    look_seconds: float = Field(default=1.0, ge=0.1)
    """How often the table is looked at; round trips are exact to this."""


class ExportSettings(Section):
    """How often `headrace export` and `headrace maintain` look at tables for `/metrics`: [observing](observing.md)."""

    every_seconds: float = Field(default=15.0, gt=0)
    """How often the commits that are new are read, and the broker is asked where topics end."""
    full_minutes: float = Field(default=15.0, gt=0)
    """How often the folder of a table is listed and its whole log read: what is found only there, such as orphans, is
    as old as this."""


class MetricsSettings(Section):
    """Where `/metrics` and the probes are served: [metrics](metrics.md)."""

    enabled: bool = True
    """Whether they are served at all."""
    address: str = "127.0.0.1"
    """Interface to listen on; `0.0.0.0` in a container. Whoever reaches it needs no password."""
    port: int | None = Field(default=None, ge=0, le=65_535)
    """Port to listen on, 0 for any free one. By default the first free one from 9640 on, so that several workers can
    run on one machine; the log line `serving` names it."""
    partition_detail: bool = True
    """Whether lag, offsets and freshness are shown per partition of the topic; else per topic, with sums, and the
    oldest watermark."""
    offsets_seconds: float = Field(default=5.0, gt=0)
    """How often the broker is asked where partitions end; lag and freshness are exact to this."""
