"""What is measured of a peer: a backlog drained, a backlog drained in spite of a SIGKILL, freshness at a steady rate.

All of it is seen from outside, by the same rules for every peer: what counts is when rows are visible in the table.
"""

import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from benchmarks.cluster import TOPIC, Cluster, percentile
from benchmarks.peers.census import Census, ages, take_census
from benchmarks.peers.peer import Commit, Job, Peer, PeerError, Table
from benchmarks.peers.process import Process, running
from benchmarks.peers.traffic import steady
from headrace.sections import MIB

COMMIT_SECONDS = 2.0
COMMIT_ROWS = 200_000
KILL_AT = 0.4
RATE, LIVE_SECONDS = 2_000, 20.0

_LOOK_SECONDS = 0.01
_STALLED_SECONDS = 600.0
_WARM_UP_SECONDS = 5.0


def drain(peer: Peer, cluster: Cluster, sent: int, price_sum: Decimal) -> dict[str, object]:
    """From the start of the process until every record is in the table.

    Raises:
        PeerError: it ended, or committed nothing for ten minutes.
    """
    with _job(peer, cluster, backlog=True) as job:
        table = peer.table(job)
        began = time.time()
        with running(peer.command(job), job.folder / "log") as process:
            commits = _until_rows(table, process, sent)
            usage = process.usage()
        figures: dict[str, object] = {
            "seconds": round(commits[-1].at - began, 2),
            "startup_seconds": round(commits[0].at - began, 2),
            "per_second": _rate(commits),
            "cpu_seconds": round(usage.cpu_seconds, 2),
            "peak_rss_mib": round(usage.peak_rss_bytes / MIB),
        }
        if peer.keeps_rows:
            census = take_census(table.files(), sent)
            figures |= _counted(census) | {
                "commits": len(commits),
                "files": census.files,
                "file_mib": round(census.bytes / MIB, 1),
                "values_match": census.price_sum == price_sum,
            }
    return figures


def kill(peer: Peer, cluster: Cluster, sent: int) -> dict[str, object]:
    """SIGKILL as soon as a commit is seen with which 40 % of the records are in the table, and a restart at once.

    Raises:
        PeerError: it ended by itself, or committed nothing for ten minutes and records are not missing for it.
    """
    with _job(peer, cluster, backlog=True) as job:
        table = peer.table(job)
        with running(peer.command(job), job.folder / "log") as process:
            before = _until_rows(table, process, int(sent * KILL_AT))
            process.kill()
        killed = time.time()
        survived = sum(commit.rows for commit in table.commits())
        with running(peer.command(job), job.folder / "log") as process:
            census = _until_settled(table, process, sent)
        after = [commit.at for commit in table.commits() if commit.at > killed]
    return _counted(census) | {
        "rows_at_kill": survived,
        "in_mid_run": survived < sent,
        "commits_before": len(before),
        "seconds_to_next_commit": round(after[0] - killed, 2) if after else None,
    }


def freshness(peer: Peer, cluster: Cluster) -> dict[str, object]:
    """From the Kafka timestamp to the commit, for records sent at a steady rate to a peer that has warmed up.

    Raises:
        PeerError: it ended, or committed nothing for ten minutes.
    """
    cluster.new_topic()
    with _job(peer, cluster, backlog=False) as job:
        table = peer.table(job)
        with (
            running(peer.command(job), job.folder / "log") as process,
            steady(cluster.bootstrap_servers, RATE) as sender,
        ):
            _until_rows(table, process, 1)
            begin = time.time() + _WARM_UP_SECONDS
            end = begin + LIVE_SECONDS
            _until_time(begin, process)
            before = process.usage()
            _until_time(end, process)
            usage = process.usage()
            sent = sender.stop()
            _until_rows(table, process, sent)
        files = table.files()
        found = ages(files, begin, end)
        commits = [commit for commit in table.commits() if begin <= commit.at <= end]
        census = take_census(files, sent)
    if not found:
        msg = "no record of the measured time arrived"
        raise PeerError(msg)
    return _counted(census) | {
        "p50_seconds": round(percentile(found, 0.5), 2),
        "p99_seconds": round(percentile(found, 0.99), 2),
        "commits_per_minute": round(len(commits) / LIVE_SECONDS * 60),
        "cpu_share": round((usage.cpu_seconds - before.cpu_seconds) / LIVE_SECONDS, 3),
    }


@contextmanager
def _job(peer: Peer, cluster: Cluster, *, backlog: bool) -> Iterator[Job]:
    with tempfile.TemporaryDirectory(prefix="headrace-peers-", ignore_cleanup_errors=True) as folder:
        name = f"{peer.name}-{uuid.uuid4().hex[:12]}"
        job = Job(cluster.bootstrap_servers, TOPIC, Path(folder), name, COMMIT_SECONDS, COMMIT_ROWS, backlog)
        peer.prepare(job)
        yield job


def _until_rows(table: Table, process: Process, rows: int) -> list[Commit]:
    """Commits so far, as soon as they hold `rows` rows."""
    moved, seen = time.monotonic(), 0
    pause = threading.Event()
    while True:
        commits = table.commits()
        if sum(commit.rows for commit in commits) >= rows:
            return commits
        moved, seen = (time.monotonic(), len(commits)) if len(commits) > seen else (moved, seen)
        if time.monotonic() - moved > _STALLED_SECONDS:
            held = sum(commit.rows for commit in commits)
            msg = f"no commit for {_STALLED_SECONDS:g} s, with {held} of {rows} rows"
            raise process.failure(msg)
        process.require_running()
        pause.wait(_LOOK_SECONDS)


def _until_settled(table: Table, process: Process, sent: int) -> Census:
    """Once every record has a row, or nothing has come for ten minutes: records read again come before new ones."""
    wanted = sent
    while True:
        try:
            _until_rows(table, process, wanted)
        except PeerError:
            census = take_census(table.files(), sent)
            if not census.rows:
                raise
            return census
        census = take_census(table.files(), sent)
        if not census.lost:
            return census
        wanted = census.rows + 1


def _until_time(end: float, process: Process) -> None:
    pause = threading.Event()
    while time.time() < end:
        process.require_running()
        pause.wait(min(1.0, max(0.0, end - time.time())))


def _rate(commits: list[Commit]) -> int | None:
    """Rows a second from the first commit to the last; start-up is left out. None for a single commit."""
    seconds = commits[-1].at - commits[0].at
    rows = sum(commit.rows for commit in commits[1:])
    return round(rows / seconds) if rows and seconds else None


def _counted(census: Census) -> dict[str, object]:
    return {"sent": census.expected, "rows": census.rows, "duplicates": census.duplicates, "lost": census.lost}
