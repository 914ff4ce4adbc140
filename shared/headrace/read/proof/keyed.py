"""What is known of each key, on both sides, in bounded memory: what does not fit is spilled to files by key.

Written from the rule alone and apart from the worker, whose order it checks: of the events of a key in one partition
those after its last tombstone are left, and of those the one with the latest time, Kafka timestamp and offset.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import msgspec

_BUCKETS = 64
_LIMIT = 200_000
"""Keys in memory: some 60 MiB, whatever the table holds."""


class Rank(NamedTuple):
    """What orders the events of a key: microseconds and milliseconds since the epoch, and the place in the topic."""

    time: int
    stamp: int
    partition: int
    offset: int


class Event(NamedTuple):
    """An event of the topic: its rank and the digest of its value."""

    rank: Rank
    value: bytes


class Mark(NamedTuple):
    """A tombstone: its place, and milliseconds since the epoch; the latest of all that were before it."""

    partition: int
    offset: int
    stamp: int


class Row(NamedTuple):
    """A row of the table: its rank, the digest of its value, and the path of its file."""

    rank: Rank
    value: bytes
    file: str


@dataclass(slots=True)
class KeyState:
    """What is known of one key.

    Attributes:
        events: per partition the event that counts among those after its last tombstone.
        marks: per partition the last tombstone.
        rows: those of the table; more than one is wrong.
    """

    events: dict[int, Event] = field(default_factory=dict)
    marks: dict[int, Mark] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)

    def add(self, entry: Event | Mark | Row) -> None:
        """Takes what comes next; events and marks of a partition in the order of their offsets."""
        match entry:
            case Row():
                self.rows.append(entry)
            case Mark():
                stamp = max(entry.stamp, self.marks.get(entry.partition, entry).stamp)
                self.marks[entry.partition] = entry._replace(stamp=stamp)
                self.events.pop(entry.partition, None)
            case Event():
                known = self.events.get(entry.rank.partition)
                if known is None or entry.rank > known.rank:
                    self.events[entry.rank.partition] = entry


class KeyStates:
    """The states of all keys; what it spills lies in a scratch folder until `close`."""

    def __init__(self, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._states: dict[bytes, KeyState] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def close(self) -> None:
        """Removes what was spilled; the last call."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def add(self, key: bytes, entry: Event | Mark | Row) -> None:
        """Takes what comes next of a key."""
        state = self._states.get(key)
        if state is None:
            if len(self._states) >= self._limit:
                self._spill()
            state = self._states[key] = KeyState()
        state.add(entry)

    def all(self) -> Iterator[tuple[bytes, KeyState]]:
        """Every key with all that is known of it; nothing can be added afterwards."""
        if self._folder is None:
            yield from self._states.items()
            return
        self._spill()
        for path in sorted(Path(self._folder.name).iterdir()):
            yield from _read(path).items()

    def _spill(self) -> None:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="headrace-verify-")
        buckets: list[list[_Stored]] = [[] for _ in range(_BUCKETS)]
        for key, state in self._states.items():
            buckets[crc32(key) % _BUCKETS].append(
                (key, list(state.marks.values()), list(state.events.values()), state.rows)
            )
        for number, stored in enumerate(buckets):
            with (Path(self._folder.name) / f"{number:02d}").open("ab") as out:
                data = msgspec.msgpack.encode(stored)
                out.write(len(data).to_bytes(8, "big") + data)
        self._states = {}


_Stored = tuple[bytes, list[Mark], list[Event], list[Row]]
_decode = msgspec.msgpack.Decoder(list[_Stored]).decode


def _read(path: Path) -> dict[bytes, KeyState]:
    states: dict[bytes, KeyState] = {}
    with path.open("rb") as source:
        while head := source.read(8):
            for key, marks, events, rows in _decode(source.read(int.from_bytes(head, "big"))):
                state = states.setdefault(key, KeyState())
                # The marks first: what is left of a partition's events came after its last one.
                entries: list[Event | Mark | Row] = [*marks, *events, *rows]
                for entry in entries:
                    state.add(entry)
    return states
