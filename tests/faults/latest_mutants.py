"""Defects on purpose of rebuilds, and of replays into tables of latest rows."""

from collections.abc import Sequence
from dataclasses import replace

import headrace_ingest.replay.replayer
from headrace.lake.latest.live import LiveFile
from headrace.lake.log import DeltaLog
from headrace.lake.rewrite import Exchange, replace_files
from headrace.lake.store import Store
from headrace_ingest.rebuild.building import Build
from headrace_ingest.rebuild.moving import Mover
from headrace_ingest.rebuild.rebuilder import Rebuilder
from headrace_ingest.replay.latest import LatestReplayer
from headrace_ingest.replay.selection import Group
from tests.faults.planting import Mutant, patch


def mark_after_a_rebuild() -> None:
    """Marks a record although a rebuild was begun since it landed."""

    def unfenced(store: Store, table: str, exchange: Exchange) -> int | None:
        return replace_files(store, table, replace(exchange, unless=None))

    patch(headrace_ingest.replay.replayer, "replace_files", unfenced)


def forget_tombstones() -> None:
    """Replays a record whatever deleted its key since."""

    def decided(_replayer: LatestReplayer, _group: Group, accepted: list[int]) -> list[int]:
        return accepted

    patch(LatestReplayer, "_decided", decided)


def rebuild_what_was_there_at_first() -> None:
    """Puts the rebuilt rows in place at the positions that the table has by then, without what came meanwhile."""
    commit = Rebuilder._commit

    def late(rebuilder: Rebuilder, main: DeltaLog, old: Sequence[LiveFile], build: Build, mover: Mover) -> int | None:
        made = commit(rebuilder, main, old, build, mover)
        while made is None:
            main.refresh()
            made = commit(rebuilder, main, old, build, mover)
        return made

    patch(Rebuilder, "_commit", late)


_REPLAY = "tests/behaviour/test_latest_replay.py::"
_REBUILD = "tests/faults/test_rebuild_faults.py::"

LATEST_MUTANTS = {
    "mark-after-a-rebuild": Mutant(
        mark_after_a_rebuild, f"{_REPLAY}test_a_rebuild_between_the_rows_and_the_mark_takes_no_record_with_it"
    ),
    "forget-tombstones": Mutant(
        forget_tombstones,
        f"{_REPLAY}test_what_a_tombstone_may_have_deleted_stays_where_nobody_can_tell[compacted]",
    ),
    "rebuild-what-was-there-at-first": Mutant(
        rebuild_what_was_there_at_first,
        f"{_REBUILD}test_workers_that_come_in_between_lose_nothing[write a commit to the table-before]",
    ),
}
