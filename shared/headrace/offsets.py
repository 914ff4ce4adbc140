"""The words for where a stream stands. A position is always the *next* offset to read.

`SourceId` names the log a table is filled from, and with a partition it gives the Delta `appId` under which
that partition's position is stored: `txn.version == position`.
"""

from dataclasses import dataclass

Address = tuple[int, int]
"""Where a record is in its topic: partition and offset."""

_OWNER_SUFFIX = "#owner"
_REPLAY = "replay"
_REBUILD = "rebuild"


@dataclass(frozen=True, slots=True)
class SourceId:
    """What a table is filled from, for ever: one topic of one cluster, through one pipeline.

    The topic id is part of it because a topic deleted and created again reuses its offsets for other records.
    """

    pipeline: str
    cluster_id: str
    topic_id: str

    def app_id(self, partition: int) -> str:
        """Delta `appId` whose txn version is the partition's position."""
        return f"{self.pipeline}/{self.cluster_id}/{self.topic_id}/{partition}"

    @property
    def replay_id(self) -> str:
        """Delta `appId` whose txn version counts the replays: of two at once the second is refused."""
        return f"{self.pipeline}/{_REPLAY}"

    @property
    def rebuild_id(self) -> str:
        """Delta `appId` in the quarantine table whose txn version counts the rebuilds that were begun."""
        return f"{self.pipeline}/{_REBUILD}"

    def owner_id(self, partition: int) -> str:
        """Delta `appId` in the quarantine table whose txn version counts the claims on the partition."""
        return self.app_id(partition) + _OWNER_SUFFIX


def partition_of(app_id: str) -> int | None:
    """The partition whose position or owner is stored under an `appId`; None for others."""
    number = app_id.rpartition("/")[2].removesuffix(_OWNER_SUFFIX)
    return int(number) if number.isascii() and number.isdigit() else None


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """Offsets `start <= o < end` of one partition."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def __contains__(self, offset: int) -> bool:
        return self.start <= offset < self.end
