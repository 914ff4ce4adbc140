"""Which part of a log nobody needs any more."""

from datetime import UTC, datetime, timedelta

from headrace.lake.store import StoredObject
from headrace.lake.upkeep.logfiles import LogFiles

NOW = datetime(2026, 3, 2, tzinfo=UTC)
KEPT = timedelta(days=30)


def log(commits: range, checkpoints: dict[int, int], **others: int) -> LogFiles:
    """Checkpoints by their age in days, and other objects likewise; commits are as old as can be."""
    objects = {f"{version:020d}.json": NOW - timedelta(days=99) for version in commits}
    objects |= {f"{v:020d}.checkpoint.parquet": NOW - timedelta(days=days) for v, days in checkpoints.items()}
    objects |= {name: NOW - timedelta(days=days) for name, days in others.items()}
    return LogFiles.of({name: StoredObject(1, written) for name, written in objects.items()})


def removable(files: LogFiles, needed: int | None = None) -> tuple[str, ...]:
    return files.removable(NOW, files.base(NOW, KEPT, needed))


def test_a_version_that_is_needed_keeps_the_checkpoint_before_it() -> None:
    files = log(range(8), {2: 60, 4: 40, 6: 10})

    assert removable(files, needed=3) == tuple(f"{version:020d}.json" for version in range(2))
    assert removable(files, needed=1) == ()


def test_what_an_old_checkpoint_stands_for_goes_in_order_and_its_own_commit_stays() -> None:
    found = removable(log(range(8), {2: 60, 4: 40, 6: 10}))

    assert found == (*(f"{version:020d}.json" for version in range(4)), f"{2:020d}.checkpoint.parquet")


def test_without_a_checkpoint_older_than_the_retention_everything_stays() -> None:
    assert removable(log(range(8), {4: 29})) == ()


def test_sums_and_compacted_commits_below_the_checkpoint_go_too() -> None:
    strays = {f"{1:020d}.crc": 50, f"{0:020d}.{2:020d}.compacted.json": 50, f"{5:020d}.crc": 50}
    found = removable(log(range(8), {4: 40}, **strays))

    assert {name for name in found if not name.endswith("0.json") and name in strays} == {
        f"{1:020d}.crc",
        f"{0:020d}.{2:020d}.compacted.json",
    }


def test_abandoned_commits_go_after_a_week_and_young_ones_stay() -> None:
    found = removable(log(range(2), {}, **{"_commit_old.json.tmp": 8, "_commit_new.json.tmp": 6}))
    assert found == ("_commit_old.json.tmp",)
