"""Digests of values that do not depend on order: one number per block of offsets instead of one per record.

A record counts as `blake2b-128(value) * (2 * offset + 1)`, a block as the sum of its records mod 2**128. A value that
changed, moved to another offset, appeared or vanished changes its block, except with probability about 2**-100.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping

BLOCK = 4_096
"""Offsets per block: what has to be read again to name a difference."""

_SHIFT = BLOCK.bit_length() - 1
_MASK = (1 << 128) - 1
TOMBSTONE = hashlib.blake2b(b"", digest_size=16, person=b"tombstone").digest()
"""Stands for the digest of a record without a value; no value has it."""


def digest(value: bytes | None) -> bytes:
    """16 bytes that stand for a value; TOMBSTONE for none."""
    return TOMBSTONE if value is None else hashlib.blake2b(value, digest_size=16).digest()


def block_of(offset: int) -> int:
    """Number of the block that holds `offset`."""
    return offset >> _SHIFT


class BlockSums:
    """Sums per block of one partition."""

    def __init__(self) -> None:
        self._sums: defaultdict[int, int] = defaultdict(int)

    def add_values(self, offsets: Iterable[int], values: Iterable[bytes]) -> None:
        """Adds records by their values; none may be a tombstone."""
        sums, blake2b, number = self._sums, hashlib.blake2b, int.from_bytes
        for offset, value in zip(offsets, values, strict=True):
            sums[offset >> _SHIFT] += number(blake2b(value, digest_size=16).digest(), "big") * (2 * offset + 1)

    def add_digest(self, offset: int, value_digest: bytes) -> None:
        """Adds one record by its digest."""
        self._sums[offset >> _SHIFT] += int.from_bytes(value_digest, "big") * (2 * offset + 1)

    def of(self, block: int) -> int:
        """The block's sum; 0 for a block without records."""
        return self._sums.get(block, 0) & _MASK

    def blocks(self) -> frozenset[int]:
        """Numbers of the blocks that hold records."""
        return frozenset(self._sums)


def sum_of(digests: Mapping[int, bytes]) -> int:
    """What a block with exactly these records (offset to digest) sums to."""
    total = sum(int.from_bytes(value, "big") * (2 * offset + 1) for offset, value in digests.items())
    return total & _MASK


def differing_blocks(ours: BlockSums, theirs: BlockSums) -> list[int]:
    """Numbers of the blocks whose sums differ, in order."""
    return sorted(block for block in ours.blocks() | theirs.blocks() if ours.of(block) != theirs.of(block))
