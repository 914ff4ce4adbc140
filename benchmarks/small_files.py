"""Many small files: what merging them costs as they come, beside the two ways of doing it by hand.

The one is a single compaction when all have come, which nobody can do less of, and which readers wait for. The other
is one after every second commit, which keeps readers happy.
"""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deltalake import DeltaTable

from benchmarks.cluster import TOPIC, Cluster, fresh_lake
from benchmarks.trickle import LOOK_EVERY, Trickle, maintain, maintenance
from headrace.clock import SystemClock
from headrace_maintenance.rounds import Rounds

FILES = 2_000
ROWS = 1_000
# After every second commit all is written again: the time grows with the square of the files, so only some are taken.
OFTEN, OFTEN_FILES = 2, 400


@dataclass
class Spent:
    """What merging took, and the most files that a reader met."""

    seconds: float = 0.0
    written: int = 0
    merges: int = 0
    most_files: int = 0

    def figures(self, came: int) -> dict[str, object]:
        """As JSON; `came` are the bytes that were merged."""
        return {
            "seconds": round(self.seconds, 1),
            "merges": self.merges,
            "written_mib": round(self.written / 2**20, 1),
            "amplification": round(self.written / came, 2),
            "most_files": self.most_files,
        }


def measure(_cluster: Cluster) -> dict[str, object]:
    """Four ways with the same files."""
    with fresh_lake() as lake, fresh_lake() as copy:
        trickle = _filled(lake, FILES, lambda _number: None)
        came = trickle.written
        shutil.copytree(lake, copy, dirs_exist_ok=True)
        by_hand = _compacted(lake, Spent())
        once = Spent()
        with maintenance(copy) as rounds:
            _maintained(copy, rounds, once)
    as_they_come, often = Spent(), Spent()
    with fresh_lake() as lake, maintenance(lake) as rounds:
        _filled(
            lake, FILES, lambda number: _maintained(lake, rounds, as_they_come) if number % LOOK_EVERY == 0 else None
        )
        _check(lake, FILES)
    with fresh_lake() as lake:
        some = _filled(lake, OFTEN_FILES, lambda number: _compacted(lake, often) if number % OFTEN == 0 else None)
        _check(lake, OFTEN_FILES)
    return {
        "files": FILES,
        "rows_per_file": ROWS,
        "came_mib": round(came / 2**20, 1),
        "look_every": LOOK_EVERY,
        "by_hand_once": by_hand.figures(came),
        "by_hand_every_two_commits": {"files": OFTEN_FILES, **often.figures(some.written)},
        "headrace_once": once.figures(came),
        "headrace_as_they_come": as_they_come.figures(came),
    }


def _filled(lake: Path, files: int, after: Callable[[int], object]) -> Trickle:
    trickle = Trickle(lake, SystemClock(), rows=ROWS)
    for number in range(1, files + 1):
        trickle.commit()
        after(number)
    return trickle


def _maintained(lake: Path, rounds: Rounds, spent: Spent) -> Spent:
    spent.most_files = max(spent.most_files, _files(lake))
    began = time.perf_counter()
    found = maintain(rounds)
    spent.seconds += time.perf_counter() - began
    merges = [done for each in found for done in each.done if done.job.files]
    spent.merges += len(merges)
    spent.written += sum(done.written for done in merges)
    return spent


def _compacted(lake: Path, spent: Spent) -> Spent:
    spent.most_files = max(spent.most_files, _files(lake))
    began = time.perf_counter()
    made = DeltaTable(lake / TOPIC).optimize.compact()
    spent.seconds += time.perf_counter() - began
    spent.merges += 1
    added = made["filesAdded"]
    spent.written += int((json.loads(added) if isinstance(added, str) else added)["totalSize"])
    return spent


def _files(lake: Path) -> int:
    return len(DeltaTable(lake / TOPIC).file_uris())


def _check(lake: Path, files: int) -> None:
    rows = DeltaTable(lake / TOPIC).count()
    if rows != files * ROWS:
        msg = f"{rows} rows instead of {files * ROWS}"
        raise RuntimeError(msg)
