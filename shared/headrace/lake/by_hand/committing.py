"""A commit of somebody at a keyboard: planned on one version, made as the very next one, or planned again."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from deltalake.exceptions import CommitFailedError

from headrace.errors import CommitTimeoutError, HeadraceError
from headrace.lake.by_hand.opening import by_whom, opened_to_write
from headrace.lake.failures import is_of_the_store, store_failure
from headrace.lake.latest.live import Action
from headrace.lake.log import DeltaLog
from headrace.lake.racing import until_first
from headrace.lake.store import Store


@dataclass(frozen=True)
class Change:
    """What a commit shall say.

    Attributes:
        kind: in the words of `headrace history`.
        operation: Delta's word.
        actions: of the Delta protocol, on durable files.
        txns: `appId` to txn version.
        note: what else it says of itself.
    """

    kind: str
    operation: str
    actions: Sequence[Action]
    txns: Mapping[str, int] = field(default_factory=dict)
    note: Mapping[str, object] = field(default_factory=dict)


def make(store: Store, table: str, doing: str, plan: Callable[[DeltaLog], Change | None]) -> int:
    """Commits what is planned on the newest version, if nobody makes another one meanwhile; else it is planned again.

    Args:
        store: where the table lies.
        table: its folder.
        doing: what is done, as in "append rows".
        plan: the change, for the version that it is given; None if there is nothing to do.

    Returns:
        The version that was made; the newest if there was nothing to do.

    Raises:
        ConfigError: there is no such table.
        WrongTableError: workers fill it, or another tool gave it what is not known here.
        CommitTimeoutError: other commits kept coming first.
        StoreError, AccessDeniedError: the store failed; it is in the table whole, or not at all.
        HeadraceError: what `plan` raises.
    """

    def attempt() -> int | None:
        log = opened_to_write(store, table, doing)
        change = plan(log)
        return log.version if change is None else commit_next_or_lose(log, change)

    return until_first(table, attempt)


def commit_next_or_lose(log: DeltaLog, change: Change) -> int | None:
    """Commits as the version right after that of `log`; the version, or None if another one came first.

    Raises:
        StoreError, AccessDeniedError: the store failed, and the commit is not there.
    """
    batch, before = uuid.uuid4().hex, log.version
    note = {"kind": change.kind, "batch": batch, "worker": by_whom(), **change.note}
    try:
        return log.commit_next(change.actions, change.txns, note, operation=change.operation)
    except Exception as error:
        if not isinstance(error, HeadraceError) and not is_of_the_store(error):
            raise
        # A store may have lost the answer, and may say of a repeated request that somebody else came first.
        found = DeltaLog(log.store, log.table).landed(batch, before)
        if found is None and not isinstance(error, CommitFailedError):
            raise store_failure(error, f"committing to {log.store.uri(log.table)}") from error
        return found


def check_same(log: DeltaLog, newest: DeltaLog) -> None:
    """Makes sure that files which were written for the table as `log` has it still fit.

    Raises:
        CommitTimeoutError: somebody gave it other columns meanwhile.
    """
    if (log.id, log.schema, log.partition_by) != (newest.id, newest.schema, newest.partition_by):
        msg = f"{log.table} got other columns while rows were written for it; nothing was changed: try again"
        raise CommitTimeoutError(msg)
