"""Who writes a checkpoint: maintenance while it lives, and whoever commits where nothing maintains the table."""

from datetime import datetime

from headrace.lake.checkpoint import newest_checkpoint
from headrace.lake.store import Store
from headrace.lake.upkeep.debt import read_debt

# A table is still opened in a fifth of a second after 500 commits.
_EMERGENCY = 5


def is_due(version: int, every: int, *, newest: int | None) -> bool:
    """Whether a worker that made `version` writes a checkpoint of it.

    Args:
        version: that was made; one in `every` is looked at, so that a version has one author.
        every: versions between checkpoints.
        newest: version of the newest one where maintenance writes them; None where nobody does.
    """
    return version % every == 0 and (newest is None or version - newest >= _EMERGENCY * every)


def checkpoint_due(store: Store, table: str, version: int, *, every: int, now: datetime) -> bool:
    """The same by what lies beside the table; asks nobody but for one version in `every`.

    Raises:
        StoreError, AccessDeniedError: the store failed.
    """
    if version % every:
        return False
    maintained = read_debt(store, table, now) is not None
    return is_due(version, every, newest=newest_checkpoint(store, table) if maintained else None)
