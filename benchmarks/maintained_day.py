"""A day of commits every ten seconds, and what follows, with maintenance beside.

How often a byte is written again, sealing included, and how long a table takes to open after ten thousand commits.
"""

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from deltalake import DeltaTable

from benchmarks.cluster import TOPIC, Cluster, fresh_lake
from benchmarks.trickle import LOOK_EVERY, SECONDS, Trickle, maintain, maintenance
from headrace.testing.manual_clock import ManualClock
from headrace_maintenance.rounds import TableRound

COMMITS = 10_000
ROWS = 500
OPENED = 100
COLD_SECONDS = 10.0


class _Day:
    """What came to the partition of a day, and what became of it; `files` may be called at any time."""

    def __init__(self, lake: Path, value: str) -> None:
        self._lake = lake
        self.value = value
        self.commits = self.came = self.most_files = 0
        self.written: Counter[str] = Counter()

    def add(self, size: int) -> None:
        self.commits += 1
        self.came += size

    def note(self, found: Sequence[TableRound]) -> None:
        for done in (done for each in found for done in each.done if done.job.value == self.value):
            self.written[done.job.kind.value] += done.written
        self.most_files = max(self.most_files, self.files())

    def files(self) -> int:
        return sum(f"date={self.value}" in uri for uri in DeltaTable(self._lake / TOPIC).file_uris())

    def figures(self) -> dict[str, object]:
        shares = {kind: round(size / self.came, 2) for kind, size in sorted(self.written.items())}
        return {
            "commits": self.commits,
            "came_mib": round(self.came / 2**20, 1),
            "most_files": self.most_files,
            "files": self.files(),
            "amplification": round(self.written.total() / self.came, 2),
            "amplification_by_job": shares,
        }


def measure(_cluster: Cluster) -> dict[str, object]:
    """The trades' own time is a clock that is moved; files, commits and maintenance with its defaults are real.

    Days pass in minutes, so a partition is cold after seconds instead of two hours.

    The table is opened after each of its first and last hundred commits, which lie alike to their checkpoints. A
    second table has one commit; a third has all of them, of one row, and no maintenance: the rows do not matter there.
    """
    events = ManualClock()
    with fresh_lake() as lake, fresh_lake() as fresh, fresh_lake() as neglected:
        first = _Day(lake, events.now().date().isoformat())
        Trickle(fresh, events, rows=ROWS).commit()
        trickle, alone = Trickle(lake, events, rows=ROWS), Trickle(neglected, events, rows=1)
        began: list[float] = []
        opened: dict[Path, list[float]] = {lake: [], fresh: [], neglected: []}
        with maintenance(lake, hot_minutes=COLD_SECONDS / 60) as rounds:
            for number in range(COMMITS):
                size, today = trickle.commit(), events.now().date().isoformat() == first.value
                alone.commit()
                if today:
                    first.add(size)
                events.advance(SECONDS)
                if number % LOOK_EVERY == 0:
                    first.note(maintain(rounds))
                if number < OPENED:
                    began.append(_open(lake))
                for each, seconds in opened.items() if number >= COMMITS - OPENED else ():
                    seconds.append(_open(each))
        maintained, new, without = (median(seconds) * 1000 for seconds in opened.values())
        first_opens = median(began) * 1000
        return {
            "rows_per_commit": ROWS,
            "day": first.figures(),
            "commits": COMMITS,
            "open_ms": {
                "of_one_commit": round(new, 1),
                "first": round(first_opens, 1),
                "last": round(maintained, 1),
                "last_without_maintenance": round(without, 1),
            },
            "open_ratio": round(maintained / first_opens, 2),
            "open_ratio_without_maintenance": round(without / first_opens, 2),
        }


def _open(lake: Path) -> float:
    began = time.perf_counter()
    DeltaTable(lake / TOPIC)
    return time.perf_counter() - began
