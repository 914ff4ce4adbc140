"""What a rebuild found and did, in numbers of rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from headrace.offsets import Address

Kind = Literal["missing", "surplus", "other_event", "other_value", "duplicate"]

EXAMPLES = 10
"""Differences that are named."""


@dataclass(frozen=True, slots=True)
class Example:
    """One key whose row differs.

    Attributes:
        kind: as the counts of `Comparison` are named.
        key: its values by their columns.
        table: partition and offset of the table's row; None if it has none.
        rebuilt: likewise of the rebuilt one.
        columns: those that differ where both rows are of the same event.
    """

    kind: Kind
    key: Mapping[str, str]
    table: Address | None
    rebuilt: Address | None
    columns: tuple[str, ...] = ()


@dataclass(slots=True)
class Comparison:
    """The rows of the table beside the rebuilt ones, by their keys.

    Attributes:
        same: keys whose rows are the same.
        missing: keys that the table lacks.
        surplus: keys that it has and should not.
        other_event: keys whose row is that of another event.
        other_value: keys whose row has other values than its event.
        duplicate: rows beyond the first of their key.
        unreadable: data files that cannot be read; their rows are missing here.
        examples: some of the differences.
    """

    same: int = 0
    missing: int = 0
    surplus: int = 0
    other_event: int = 0
    other_value: int = 0
    duplicate: int = 0
    unreadable: list[str] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        """Whether the table is not what it would be rebuilt as."""
        counts = (self.missing, self.surplus, self.other_event, self.other_value, self.duplicate)
        return any(counts) or bool(self.unreadable)


@dataclass(slots=True)
class RebuildReport:
    """What became of a table.

    Attributes:
        table: its name.
        source: `topic`, or the name of the table of all events.
        dry_run: whether nothing was written.
        positions: up to which it was rebuilt, by partition.
        compared_version: of the table, that the rebuilt rows were compared with.
        comparison: how it stood.
        read: offsets that were read.
        carried: rows whose records the topic no longer has: taken from the table as they are.
        rows: that the rebuilt table has.
        version: that put the rebuilt rows into their place; None of a dry run.
    """

    table: str
    source: str
    dry_run: bool
    positions: dict[int, int] = field(default_factory=dict)
    compared_version: int = -1
    comparison: Comparison = field(default_factory=Comparison)
    read: int = 0
    carried: int = 0
    rows: int = 0
    version: int | None = None
