"""What each commit of a table did, whoever made it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from headrace.lake.by_hand.opening import opened
from headrace.lake.latest.live import committed
from headrace.lake.log import NOTE, time_in
from headrace.lake.store import Store


@dataclass(frozen=True, slots=True)
class Done:
    """One commit.

    Attributes:
        version: that it made.
        committed_at: by the clock of whoever made it; None if it says nothing.
        kind: what it was: of a commit by hand `create`, `append`, `replace`, `merge`, `restore`, of workers and
            maintenance their words, else Delta's.
        rows: that it brought; 0 where rows were only moved, None if it does not tell. Of latest rows those that are new
            or replace one, of a merge those that are new or changed.
        files_added, files_removed: data files that it added to and took from the table.
        by: who made it, where it says so.
    """

    version: int
    committed_at: datetime | None
    kind: str
    rows: int | None
    files_added: int
    files_removed: int
    by: str | None


def history(store: Store, table: str, limit: int | None = None) -> list[Done]:
    """Commits, newest first, as far as the log retains them.

    Args:
        store: where the table lies.
        table: its folder.
        limit: no more than so many.

    Raises:
        ConfigError: there is no such table.
        WrongTableError: a file lies there.
        StoreError, AccessDeniedError: the log cannot be read.
    """
    return list(islice(_newest_first(store, table, opened(store, table).version), limit))


def _newest_first(store: Store, table: str, newest: int) -> Iterator[Done]:
    for version in range(newest, -1, -1):
        try:
            actions = committed(store, table, version)
        except FileNotFoundError:
            return
        yield _done(version, actions)


def _done(version: int, actions: list[Mapping[str, Any]]) -> Done:
    info: Mapping[str, Any] = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
    note = info.get(NOTE) or {}
    adds = [action["add"] for action in actions if "add" in action]
    removes = [action["remove"] for action in actions if "remove" in action]
    # Files that stay, with rows of them deleted, are named by both.
    masked = {add["path"] for add in adds} & {remove["path"] for remove in removes}
    return Done(
        version=version,
        committed_at=time_in(info),
        kind=note.get("kind") or info.get("operation", "?"),
        rows=_rows(note, adds),
        files_added=len(adds) - len(masked),
        files_removed=len(removes) - len(masked),
        by=note.get("worker"),
    )


def _rows(note: Mapping[str, Any], adds: list[Mapping[str, Any]]) -> int | None:
    """Files that are written again hold rows, too, that did not change: then the note counts."""
    counted = note.get("upsert") or note.get("merge")
    if counted is not None:
        return sum(int(counted.get(what, 0)) for what in ("inserted", "replaced", "updated"))
    brought = [json.loads(add.get("stats") or "{}").get("numRecords") for add in adds if add.get("dataChange", True)]
    return None if None in brought else sum(brought)
