"""The ledger: JSON lines in which producers noted every acknowledged record, as `{topic, partition, offset, digest}`.

It is streamed, as it may hold millions of lines; what stays in memory is a bitmap and block sums per partition.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from pyroaring import BitMap64

from headrace.errors import ConfigError
from headrace.read.proof.digests import TOMBSTONE, BlockSums, block_of, differing_blocks
from headrace.read.proof.findings import Level, UnsupportedTableError
from headrace.read.proof.truth import Expected, Progress, Replayed, Survey

_CHUNK = 1 << 20
_TOMBSTONE_TEXT = "null"


class LedgerEntry(msgspec.Struct):
    """One acknowledged record; `digest` is the hex of blake2b-128 of its value, or `null` for a tombstone."""

    topic: str
    partition: int
    offset: int
    digest: str

    def value_digest(self) -> bytes:
        """The digest as bytes."""
        return TOMBSTONE if self.digest == _TOMBSTONE_TEXT else bytes.fromhex(self.digest)


@dataclass
class _Side:
    seen: BitMap64 = field(default_factory=BitMap64)
    sums: BlockSums = field(default_factory=BlockSums)
    behind: int = 0
    repeated: int = 0


class Ledger:
    """The entries of one topic in a folder of `*.jsonl` files, or in one file."""

    level = Level.LEDGER

    def __init__(self, path: Path, topic: str) -> None:
        self._topic = topic
        self._files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
        self._torn = 0
        if not self._files or not all(file.is_file() for file in self._files):
            msg = f"{path} is no ledger: expected a *.jsonl file or a folder with such files"
            raise ConfigError(msg)

    def survey(self, expected: Mapping[int, Expected], progress: Progress) -> Iterator[Survey]:
        """Compares every partition with what was acknowledged.

        Raises:
            ConfigError: a line is not a ledger entry.
        """
        sides: defaultdict[int, _Side] = defaultdict(_Side)
        nothing = Expected(0, 0, BitMap64(), None)
        for entry in self._entries(progress):
            side = sides[entry.partition]
            asked = expected.get(entry.partition, nothing)
            if entry.offset >= asked.position:
                side.behind += 1
            elif entry.offset < asked.start:
                continue
            elif entry.offset in side.seen:
                side.repeated += 1
            else:
                side.seen.add(entry.offset)
                side.sums.add_digest(entry.offset, entry.value_digest())
        for partition in sorted(expected.keys() | sides.keys()):
            yield self._compare(partition, expected.get(partition, nothing), sides[partition])

    def _compare(self, partition: int, expected: Expected, side: _Side) -> Survey:
        remarks = []
        if side.repeated:
            remarks.append(f"the ledger names {side.repeated} offsets of partition {partition} more than once")
        if self._torn:
            remarks.append(f"{self._torn} ledger files end in a torn line, as after a kill; those lines were left out")
        differing = [] if expected.sums is None else differing_blocks(expected.sums, side.sums)
        return Survey(partition, side.seen, expected.start, side.behind, False, tuple(differing), tuple(remarks))

    def replay(self, expected: Mapping[int, Expected], progress: Progress) -> Iterator[Replayed]:
        """Not possible: the ledger names digests, and which event of a key counts is said by its value.

        Raises:
            UnsupportedTableError: always.
        """
        msg = "the ledger says nothing of keys and times, so latest rows are compared with the topic alone"
        raise UnsupportedTableError(msg)

    def digests(self, partition: int, blocks: Collection[int], position: int) -> Mapping[int, frozenset[bytes]]:
        """The digests that producers noted."""
        return {
            entry.offset: frozenset({entry.value_digest()})
            for entry in self._entries(_silent)
            if entry.partition == partition and entry.offset < position and block_of(entry.offset) in blocks
        }

    def close(self) -> None:
        """Nothing to release."""

    def _entries(self, progress: Progress) -> Iterator[LedgerEntry]:
        decoder = msgspec.json.Decoder(LedgerEntry)
        total = sum(file.stat().st_size for file in self._files)
        done = self._torn = 0
        for file in self._files:
            for chunk in _whole_lines(file):
                try:
                    entries = decoder.decode_lines(chunk)
                except msgspec.MsgspecError as error:
                    if chunk.endswith(b"\n"):
                        msg = f"{file} is no ledger: {error}"
                        raise ConfigError(msg) from None
                    self._torn += 1
                    entries = []
                yield from (entry for entry in entries if entry.topic == self._topic)
                done += len(chunk)
                progress("ledger", done, total)


def _whole_lines(file: Path) -> Iterator[bytes]:
    """The file in pieces that end at line ends; what follows the last line end comes last, alone."""
    rest = b""
    with file.open("rb") as source:
        while chunk := source.read(_CHUNK):
            whole, newline, rest = (rest + chunk).rpartition(b"\n")
            if newline:
                yield whole + newline
    if rest:
        yield rest


def _silent(_stage: str, _done: int, _total: int) -> None:
    return
