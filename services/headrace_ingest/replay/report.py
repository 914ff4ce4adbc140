"""What a replay did, in numbers of records."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class ReplayReport:
    """What became of the records that were selected. Of a dry run: what would.

    Attributes:
        table: the main table.
        dry_run: whether nothing was written.
        replayed: became rows.
        outdated: of a table of latest rows: lost against a later event of their key or were deleted since, or had been
            applied by a replay that was interrupted; they are marked, too.
        finished: had become rows by a replay that was interrupted, and are marked so now.
        refused: are no rows by today's contract either, by its reason; they stay as they are.
        undecided: of a table whose rows tombstones delete: the topic no longer tells whether one came after them; they
            stay as they are.
        pending: a worker has quarantined them and not yet moved its position past them.
        versions: of the main table that were made.
    """

    table: str
    dry_run: bool
    replayed: int = 0
    outdated: int = 0
    finished: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    undecided: int = 0
    pending: int = 0
    versions: list[int] = field(default_factory=list)

    def look_again(self) -> None:
        """Forgets what the next look at the quarantine finds again."""
        self.refused.clear()
        self.pending = self.undecided = 0
