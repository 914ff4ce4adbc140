"""Which offsets made a version: those that its commit brought, and those that all commits up to it had read."""

from dataclasses import dataclass

from headrace.errors import AsOfError
from headrace.lake import Lake
from headrace.read.history import CommitEntry, read_commit
from headrace.read.summary import PartitionPosition


@dataclass(frozen=True, slots=True)
class VersionOrigin:
    """One version.

    Attributes:
        table: which one.
        commit: that made it, with the offsets that it brought.
        positions: of the partitions: what the version holds was made of the records before them; None if the version
            can no longer be read.
    """

    table: str
    commit: CommitEntry
    positions: tuple[PartitionPosition, ...] | None


def version_origin(lake: Lake, table: str, version: int) -> VersionOrigin:
    """Where a version came from.

    Raises:
        ConfigError: there is no such table or version, or the log does not retain its commit.
        LogDamagedError: its commit is torn.
        StoreError, AccessDeniedError: the log cannot be read.
    """
    commit = read_commit(lake.store, table, version)
    try:
        found = lake.snapshot(table, version).positions
    except AsOfError:
        return VersionOrigin(table, commit, None)
    return VersionOrigin(table, commit, tuple(PartitionPosition(*each) for each in sorted(found.items())))
