"""What lies in a log's folder, and which of it nobody needs any more. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from headrace.lake.store import StoredObject

_COMMIT = re.compile(r"\A(\d{20})\.json\Z")
_CHECKPOINT = re.compile(r"\A(\d{20})\.checkpoint\.parquet\Z")
_VERSIONED = re.compile(r"\A(\d{20})\.")
_HINT = "_last_checkpoint"
_STAGED = re.compile(r"\A_commit_.*\.json\.tmp\Z")
_STAGED_FOR = timedelta(days=7)


@dataclass(frozen=True)
class LogFiles:
    """One listing of a log.

    Attributes:
        objects: all of them by name.
        commits: versions whose commit is there.
        checkpoints: versions that have a checkpoint, and when it was written.
    """

    objects: Mapping[str, StoredObject]
    commits: frozenset[int]
    checkpoints: Mapping[int, datetime]

    @classmethod
    def of(cls, objects: Mapping[str, StoredObject]) -> "LogFiles":
        """The log whose folder holds `objects`."""
        commits = frozenset(int(found[1]) for name in objects if (found := _COMMIT.match(name)))
        checkpoints = {
            int(found[1]): entry.modified for name, entry in objects.items() if (found := _CHECKPOINT.match(name))
        }
        return cls(objects, commits, checkpoints)

    def written(self, version: int) -> datetime:
        """When a commit that is there was made."""
        return self.objects[f"{version:020d}.json"].modified

    @property
    def readable_from(self) -> int:
        """The oldest version that can be read as long as no commit after it is gone."""
        return 0 if 0 in self.commits else min(self.checkpoints, default=0)

    @property
    def checkpoint(self) -> int | None:
        """Version of the newest checkpoint."""
        return max(self.checkpoints, default=None)

    @property
    def strays(self) -> tuple[str, ...]:
        """Names of what is neither commit, nor checkpoint, nor the hint at the newest one."""
        known = (_COMMIT, _CHECKPOINT)
        return tuple(name for name in self.objects if name != _HINT and not any(each.match(name) for each in known))

    @property
    def bytes_since_checkpoint(self) -> int:
        """Bytes of the commits that whoever opens the table reads one by one."""
        newest = -1 if self.checkpoint is None else self.checkpoint
        return sum(self.objects[f"{version:020d}.json"].size for version in self.commits if version > newest)

    def base(self, now: datetime, kept: timedelta, needed: int | None = None) -> int:
        """The version whose checkpoint stands for all before it: the newest that was written longer ago than `kept`.

        Args:
            now: aware.
            kept: for how long the log is.
            needed: the oldest version that has to stay readable besides, if there is one.
        """
        last = max(self.commits, default=0) if needed is None else needed
        # A checkpoint counts for a newer one only while the commits between them are there: the listing has them all.
        old = (version for version, written in self.checkpoints.items() if now - written > kept)
        return max((version for version in old if version in self.commits and version <= last), default=0)

    def removable(self, now: datetime, base: int) -> tuple[str, ...]:
        """Names of what may go, in the order in which it has to: a reader meets a whole log at every moment.

        The base's own commit stays: deltalake does not write to a table without it.
        """
        strays = sorted(
            name for name, entry in self.objects.items() if _STAGED.match(name) and now - entry.modified > _STAGED_FOR
        )
        passed = [name for name in self.objects if (found := _VERSIONED.match(name)) and int(found[1]) < base]
        return (*sorted(passed, key=_last_needed), *strays)


def _last_needed(name: str) -> tuple[bool, str]:
    """Commits first, the oldest first, then the checkpoints that would replace them."""
    return (".checkpoint." in name, name)
