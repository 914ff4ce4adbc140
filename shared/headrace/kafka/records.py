"""Records as columns: what one poll brought, without a Python object per record on the way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Header = tuple[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What surrounds a record's value; read only for records that go to the quarantine."""

    key: bytes | None
    headers: tuple[Header, ...]


@dataclass(frozen=True, slots=True)
class Records:
    """Equally long columns, one entry per record, in the order in which the broker's client gave them.

    Within a partition offsets increase strictly. `timestamps` are Kafka timestamps in milliseconds since the
    epoch, -1 where the record has none. A value of None is a tombstone.
    """

    topic: str
    partitions: Sequence[int]
    offsets: Sequence[int]
    timestamps: Sequence[int]
    values: Sequence[bytes | None]
    envelope: Callable[[int], Envelope]

    def __len__(self) -> int:
        return len(self.offsets)

    def select(self, indices: Sequence[int]) -> "Records":
        """The records at `indices`, in that order."""
        return Records(
            topic=self.topic,
            partitions=[self.partitions[i] for i in indices],
            offsets=[self.offsets[i] for i in indices],
            timestamps=[self.timestamps[i] for i in indices],
            values=[self.values[i] for i in indices],
            envelope=lambda index: self.envelope(indices[index]),
        )
