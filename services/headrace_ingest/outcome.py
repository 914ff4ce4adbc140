"""After an exception: what became of a commit whose outcome is unknown. A pure decision, per partition.

An exception does not mean that nothing was committed: a full disk after the commit, a lost answer of an object store
and a conflict with one's own commit all raise although the rows are there. Only the table's txns tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seen:
    """What a fresh look at the tables says of one partition.

    Attributes:
        position: the main table's txn.
        epoch: the owner txn in the quarantine table.
    """

    position: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Mine:
    """What the batch claims of one partition: its start and end, and the epoch it was collected under."""

    start: int
    end: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """Partitions by what became of them.

    Attributes:
        done: the commit landed; position reached.
        keep: nothing landed and the partition is still ours: try again.
        dropped: somebody else owns it or has moved it; the table's position.
    """

    done: dict[int, int]
    keep: frozenset[int]
    dropped: dict[int, int]


def decide(batch: Mapping[int, Mine], seen: Mapping[int, Seen], *, landed: bool) -> Outcome:
    """Sorts the partitions of a batch.

    Args:
        batch: what the batch claims.
        seen: what the tables say now.
        landed: whether a commit that carries this batch's id is in the log.
    """
    done: dict[int, int] = {}
    keep: set[int] = set()
    dropped: dict[int, int] = {}
    for partition, mine in batch.items():
        now = seen[partition]
        if landed:
            done[partition] = mine.end
        elif now.position == mine.start and now.epoch == mine.epoch:
            keep.add(partition)
        else:
            dropped[partition] = now.position
    return Outcome(done, frozenset(keep), dropped)
