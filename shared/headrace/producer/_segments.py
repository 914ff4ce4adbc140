"""The files of a spool: append-only segments of framed, checksummed records.

    length u32 | crc32 u32 of number and payload | payload: MessagePack of (topic, value, key, headers)

A segment is named after the number of its first record. What was not finished at the end of the last one when a
process or the machine stopped is cut off: its `append` never returned, or it was not synced. Damage anywhere else
is not passed over.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from headrace.errors import AccessDeniedError, HeadraceError, StoreError
from headrace.kafka.client import client_log
from headrace.kafka.sender import OutgoingRecord

_FRAME = struct.Struct("<II")
_decode = msgspec.msgpack.Decoder(OutgoingRecord).decode


@dataclass(slots=True, eq=False)
class Segment:
    """One file.

    Attributes:
        first: number of its first record.
        end: number after its last record.
        size: bytes.
    """

    path: Path
    first: int
    end: int
    size: int

    @classmethod
    def create(cls, folder: Path, first: int) -> "Segment":
        """An empty segment, whose name outlives the machine.

        Raises:
            OSError: the disk fails.
        """
        segment = cls(folder / f"{first:020d}.spool", first, first, 0)
        segment.path.touch()
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        return segment

    def records(self, number: int) -> Iterator[tuple[int, OutgoingRecord]]:
        """Its records from `number` on.

        Raises:
            StoreError: one is not what was written.
            OSError: the disk fails.
        """
        with self.path.open("rb") as file:
            for at in range(self.first, self.end):
                payload = _payload(file, at)
                if payload is None:
                    raise _damaged(self.path, f"record {at} is not what was written")
                if at >= number:
                    yield at, _decode(payload)


def segments_in(folder: Path) -> list[Segment]:
    """The segments of a folder in order, each read once to its end. One that was made and got no record is removed.

    Raises:
        StoreError: one is damaged or missing.
        OSError: the disk fails.
    """
    found: list[Segment] = []
    paths = sorted(folder.glob("*.spool"))
    for path in paths:
        first = int(path.stem)
        if found and found[-1].end != first:
            raise _damaged(path, f"records {found[-1].end} to {first - 1}, which come before it, are missing")
        found.append(_scanned(path, first, is_last=path == paths[-1]))
    if found and found[-1].end == found[-1].first:
        # The next one would have its name, and go with it.
        found.pop().path.unlink()
    return found


def frame(number: int, record: OutgoingRecord) -> bytes:
    """The record as it stands in a segment."""
    payload = msgspec.msgpack.encode(record)
    return _FRAME.pack(len(payload), _checksum(number, payload)) + payload


def failure(error: OSError, folder: Path) -> HeadraceError:
    """The disk's refusal in our words."""
    kind = AccessDeniedError if isinstance(error, PermissionError) else StoreError
    return kind(f"the spool {folder} fails: {error.strerror or error}. Free space, or name another folder.")


def _scanned(path: Path, first: int, *, is_last: bool) -> Segment:
    segment = Segment(path, first, first, 0)
    length = path.stat().st_size
    with path.open("rb") as file:
        while segment.size < length and _payload(file, segment.end) is not None:
            segment.end, segment.size = segment.end + 1, file.tell()
        # The reader stands behind the broken frame, as far as its length can be believed.
        goes_on = _payload(file, segment.end + 1) is not None
    if segment.size < length:
        if goes_on or not is_last:
            raise _damaged(path, f"record {segment.end}, at byte {segment.size}, is not what was written")
        client_log.warning("%s ends in an unfinished record of %d bytes: cut off", path, length - segment.size)
        os.truncate(path, segment.size)
    return segment


def _payload(file: BinaryIO, number: int) -> bytes | None:
    """The next payload; None where no whole frame of record `number` is there."""
    head = file.read(_FRAME.size)
    if len(head) < _FRAME.size:
        return None
    length, checksum = _FRAME.unpack(head)
    payload = file.read(length)
    return payload if len(payload) == length and _checksum(number, payload) == checksum else None


def _checksum(number: int, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(number.to_bytes(8, "little")))


def _damaged(path: Path, what: str) -> StoreError:
    return StoreError(f"the spool's segment {path} is damaged: {what}. Move the file away to go on without its events.")
