"""Records on a local disk until the broker has acknowledged them."""

import errno
import fcntl
import os
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Self

from headrace.errors import ConfigError, EventTooLargeError, StoreError
from headrace.kafka.sender import OutgoingRecord
from headrace.producer._segments import Segment, failure, frame, segments_in

_SEGMENTS = 16
"""So many full ones are the limit: one unacknowledged record holds on to a sixteenth of it."""

_READ_AHEAD = 1_000
"""Records held in memory, from the first that was not given out."""


class Spool:
    """A queue in a folder, in order, for one process at a time. Not safe for several threads at once.

    Records are numbered; `next_unsent` walks through them, `acknowledge` may come in any order. A segment is removed
    when all of it is acknowledged, and the file `acked` holds the number below which everything is.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        """Opens or makes the spool, and goes on with what an earlier process left.

        Args:
            folder: of this spool alone, on a local disk.
            limit_bytes: that all segments together may have.

        Raises:
            ConfigError: another process has it open, or the limit is too small.
            StoreError: a segment is damaged, or the disk fails.
            AccessDeniedError: the folder cannot be written.
        """
        if limit_bytes < _SEGMENTS * 4096:
            msg = f"spool_bytes is {limit_bytes}: it must be at least {_SEGMENTS * 4096}"
            raise ConfigError(msg)
        self.folder = folder
        self._limit = limit_bytes
        self._early: set[int] = set()
        self._ahead: deque[tuple[int, OutgoingRecord]] = deque()
        self._walk: Iterator[tuple[int, OutgoingRecord]] = iter(())
        self._file: BinaryIO | None = None
        self._unsynced = False
        self._finished: list[int] = []
        with ExitStack() as opened:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                opened.enter_context(_locked(folder))
                self._acked_file = opened.enter_context(_Acked(folder / "acked"))
                self._segments = deque(segments_in(folder))
                told = self._acked_file.read()
                first, self._end = (self._segments[0].first, self._segments[-1].end) if self._segments else (told, told)
                # `acked` is not synced. An older number makes records go out again, and it is never ahead of the truth.
                self._acked = self._read_end = min(max(told, first), self._end)
                self._drop_acknowledged()  # a process may have died after it noted a number and before that
            except OSError as error:
                raise failure(error, folder) from None
            self._opened = opened.pop_all()

    def __len__(self) -> int:
        """Records that are not acknowledged."""
        return self._end - self._acked - len(self._early)

    @property
    def size(self) -> int:
        """Bytes of its segments, acknowledged records in them included."""
        return sum(segment.size for segment in self._segments)

    def append(self, record: OutgoingRecord) -> bool:
        """Writes a record behind all others; False where the limit leaves no room for it.

        Once this returns the record outlives the process; after `sync_and_close`, the machine.

        Raises:
            EventTooLargeError: the record is larger than the whole spool.
            StoreError: the disk is full or fails; nothing was taken.
        """
        data = frame(self._end, record)
        if len(data) > self._limit:
            msg = f"an event of {len(data)} bytes is larger than the spool may be, {self._limit}; it was not taken"
            raise EventTooLargeError(msg)
        if self.size + len(data) > self._limit:
            return False
        try:
            self._write(data)
        except OSError as error:
            raise failure(error, self.folder) from None
        if self._read_end == self._end and len(self._ahead) < _READ_AHEAD:
            self._ahead.append((self._end, record))
            self._read_end += 1
        self._end += 1
        return True

    def unsynced(self) -> list[int]:
        """Handles of the files with records that do not outlive the machine yet, for `sync_and_close`."""
        handles, self._finished = self._finished, []
        if self._unsynced and self._file is not None:
            handles.append(os.dup(self._file.fileno()))
        self._unsynced = False
        return handles

    def sync_and_close(self, handles: Sequence[int]) -> None:
        """Makes what was appended before `unsynced` gave these handles outlive the machine; any thread may.

        Raises:
            StoreError: the disk fails.
        """
        try:
            for handle in handles:
                os.fdatasync(handle)
        except OSError as error:
            raise failure(error, self.folder) from None
        finally:
            for handle in handles:
                os.close(handle)

    def next_unsent(self) -> tuple[int, OutgoingRecord] | None:
        """The first record that `mark_sent` has not passed, with its number; None when there is none.

        Raises:
            StoreError: it cannot be read.
        """
        if not self._ahead and self._read_end < self._end:
            self._read_ahead()
        return self._ahead[0] if self._ahead else None

    def mark_sent(self) -> None:
        """Moves on behind the record that `next_unsent` gave last."""
        self._ahead.popleft()

    def acknowledge(self, number: int) -> None:
        """The broker has the record."""
        self._early.add(number)
        if number != self._acked:
            return
        while self._acked in self._early:
            self._early.remove(self._acked)
            self._acked += 1
        self._acked_file.write(self._acked)
        if self._acked == self._end:
            self._finish_segment()
        self._drop_acknowledged()

    def close(self) -> None:
        """Syncs, and lets another process open it."""
        try:
            self.sync_and_close(self.unsynced())
        finally:
            self._finish_segment()
            self._opened.close()

    def _write(self, data: bytes) -> None:
        if self._file is not None and self._segments[-1].size + len(data) > self._limit // _SEGMENTS:
            self._finished = self.unsynced()
            self._finish_segment()
        if self._file is None:
            self._segments.append(Segment.create(self.folder, self._end))
            self._file = self._segments[-1].path.open("ab", buffering=0)
        segment = self._segments[-1]
        try:
            # One call: a process that is killed leaves one record unfinished at most.
            if self._file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            os.ftruncate(self._file.fileno(), segment.size)
            raise
        segment.end, segment.size = segment.end + 1, segment.size + len(data)
        self._unsynced = True

    def _drop_acknowledged(self) -> None:
        done = len(self._segments) - (self._file is not None)
        while done and self._segments[0].end <= self._acked:
            self._segments.popleft().path.unlink(missing_ok=True)
            done -= 1

    def _finish_segment(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read_ahead(self) -> None:
        """Reads on where the last reading stopped; where it was overtaken, from the segment's beginning."""
        try:
            self._ahead.extend(islice(self._walk, _READ_AHEAD))
            if not self._ahead or self._ahead[0][0] != self._read_end:
                self._ahead.clear()
                self._walk = self._records_from(self._read_end)
                self._ahead.extend(islice(self._walk, _READ_AHEAD))
        except OSError as error:
            raise failure(error, self.folder) from None
        if not self._ahead:
            msg = f"record {self._read_end} of the spool {self.folder} is gone: somebody removed its segment"
            raise StoreError(msg)
        self._read_end = self._ahead[-1][0] + 1

    def _records_from(self, number: int) -> Iterator[tuple[int, OutgoingRecord]]:
        for segment in list(self._segments):
            if segment.end > number:
                yield from segment.records(number)


class _Acked:
    """A number in a file, with a checksum; not synced."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)

    def read(self) -> int:
        """The number; 0 where it cannot be read."""
        number, checksum = os.pread(self._handle, 8, 0), os.pread(self._handle, 4, 8)
        return int.from_bytes(number, "little") if checksum == _checksum(number) else 0

    def write(self, number: int) -> None:
        data = number.to_bytes(8, "little")
        os.pwrite(self._handle, data + _checksum(data), 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data, 1).to_bytes(4, "little")


def _locked(folder: Path) -> BinaryIO:
    """A file that no other process has locked; closing it lets go."""
    file = (folder / "lock").open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        msg = f"the spool {folder} is in use by another process: give each bot a spool of its own"
        raise ConfigError(msg) from None
    return file
