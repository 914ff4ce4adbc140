"""How long readers wait for answers while a worker's commits and maintenance go on, by how many readers there are.

The table is that of a trickle of small commits, sealed before the first reader comes; then it goes on at a commit a
second, with a look of maintenance every few. Readers are threads of some processes, each asking once a second, which is
what people and dashboards do; how many questions a second the machine answers at most is told beside.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Any

from benchmarks.cluster import Cluster, fresh_lake, percentile
from benchmarks.trickle import SECONDS, Trickle, maintain, maintenance, transaction_id
from headrace.lake import Lake
from headrace.read import Trades
from headrace.testing.manual_clock import ManualClock

COMMITS = 480
ROWS = 5_000
READERS = (1, 10, 50)
PROCESSES = 5
_RUN_SECONDS = 30.0
_PAUSE = 1.0
_REST_PAUSE = 0.1
_COMMIT_SECONDS = 1.0
_LOOK_SECONDS = 5.0
_ASKED = 7


def measure(_cluster: Cluster, *, commits: int = COMMITS, seconds: float = _RUN_SECONDS) -> dict[str, object]:
    """A sealed table, then readers beside whoever writes to it.

    Raises:
        RuntimeError: an error, a row twice, or fewer rows than before.
    """
    events = ManualClock()
    with fresh_lake() as lake:
        trickle = Trickle(lake, events, rows=ROWS)
        for _ in range(commits):
            trickle.commit()
            events.advance(SECONDS)
        with maintenance(lake, hot_minutes=1e-4) as rounds:
            maintain(rounds)
        alone = _analytical(lake)
        rest = _crowd(lake, 1, seconds, _REST_PAUSE)
        with _life(lake, trickle, events):
            crowds = {str(many): _crowd(lake, many, seconds, _PAUSE) for many in READERS}
            most = _crowd(lake, max(READERS), seconds, 0.0)
            beside = _analytical(lake)
        return {
            "rows": commits * ROWS,
            "at_rest": _told(rest),
            "readers": {many: _told(found) for many, found in crowds.items()},
            "answers_per_second": round(sum(map(len, most["milliseconds"].values())) / seconds, 1),
            "analytical_ms": {"alone": alone, "beside": beside},
            "id_ms": _by_id(lake),
            "open_ms": _opening(lake),
        }


@contextmanager
def _life(lake: Path, trickle: Trickle, events: ManualClock) -> Iterator[None]:
    """A commit a second and maintenance, until the context ends; raises what they raised."""
    over, failures = Event(), list[Exception]()

    def go_on(act: Any, pause: float) -> None:
        try:
            while not over.wait(pause):
                act()
        except Exception as failure:  # raised below
            failures.append(failure)

    def commit() -> None:
        trickle.commit()
        events.advance(SECONDS)

    with maintenance(lake, compact_files=8) as rounds:
        threads = [
            Thread(target=go_on, args=(commit, _COMMIT_SECONDS)),
            Thread(target=go_on, args=(lambda: maintain(rounds, over.is_set), _LOOK_SECONDS)),
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()
    if failures:
        raise failures[0]


def _crowd(lake: Path, readers: int, seconds: float, pause: float) -> dict[str, Any]:
    shares = [len(range(number, readers, PROCESSES)) for number in range(PROCESSES)]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.reading", str(lake), str(share), str(seconds), str(pause)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for share in shares
        if share
    ]
    found = [json.loads(process.communicate()[0]) for process in started]
    errors = [error for each in found for error in each["errors"]]
    if errors:
        msg = f"{len(errors)} errors, the first: {errors[0]}"
        raise RuntimeError(msg)
    kinds = found[0]["milliseconds"]
    return {"milliseconds": {kind: [took for each in found for took in each["milliseconds"][kind]] for kind in kinds}}


def _told(found: dict[str, Any]) -> dict[str, float]:
    point = found["milliseconds"]["point"]
    return {
        "asked": len(point),
        "p50_ms": round(percentile(point, 0.5), 1),
        "p99_ms": round(percentile(point, 0.99), 1),
    }


def _analytical(lake: Path) -> float:
    """Volume and commission of each strategy, over all rows; the median of some, in a process that has read before."""
    trades = Trades(Lake(str(lake)))
    return _median_ms(lambda: trades.per_strategy().collect())


def _by_id(lake: Path) -> float:
    """One trade of an id that nothing in the log speaks of."""
    trades = Trades(Lake(str(lake)))
    return _median_ms(lambda: trades.get(transaction_id=transaction_id(ROWS)))


def _opening(lake: Path) -> dict[str, float]:
    """What a question costs before a row is read: the table opened anew, and looked at again."""
    kept = Lake(str(lake))
    return {
        "anew": _median_ms(lambda: Lake(str(lake)).snapshot("trades")),
        "again": _median_ms(lambda: kept.snapshot("trades")),
    }


def _median_ms(act: Any) -> float:
    took = []
    for _ in range(_ASKED):
        began = time.perf_counter()
        act()
        took.append((time.perf_counter() - began) * 1000)
    return round(median(took[1:]), 1)
