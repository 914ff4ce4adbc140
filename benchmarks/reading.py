"""Some of the readers of `benchmarks.readers`: threads of a process that share one lake and ask again and again.

`python -m benchmarks.reading LAKE READERS SECONDS PAUSE` prints how long each question took, and what was wrong.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, Lock, Thread

import polars as pl

from headrace.clock import Deadline, SystemClock
from headrace.lake import Lake
from headrace.read import Trades

_MINUTE = timedelta(minutes=1)
_NEWEST = timedelta(minutes=10)


class Reader:
    """Asks for rows of one symbol and minute, of the newest version at that time.

    Half of the questions are of the newest minutes, whose files are small still; the others of any. The process has
    read the table before, so files that are not new are in the machine's memory.

    Args:
        lake: shared with the others of the process.
        symbols: those that may be asked for.
        begin, end: of the events that are there before anybody reads.
        seed: of what is chosen.
    """

    def __init__(self, lake: Lake, symbols: list[str], begin: datetime, end: datetime, seed: int) -> None:
        self._trades = Trades(lake)
        self._symbols, self._begin, self._end = symbols, begin, end
        self._dice = random.Random(seed)
        self._rows = 0

    def point(self) -> None:
        """One question.

        Raises:
            RuntimeError: nothing is found, or a row twice.
        """
        begin = self._dice.choice((self._begin, max(self._begin, self._end - _NEWEST)))
        minute = begin + self._dice.random() * (self._end - begin - _MINUTE)
        asked = self._trades.between(minute, minute + _MINUTE).filter(symbol=self._dice.choice(self._symbols))
        found = asked.collect()
        if found.is_empty() or found.select("_partition", "_offset").is_duplicated().any():
            msg = f"{found.height} rows of {asked}"
            raise RuntimeError(msg)

    def count(self) -> None:
        """How many rows there are.

        Raises:
            RuntimeError: fewer than before.
        """
        rows = int(self._trades.rows().select(pl.len()).collect().item())
        if rows < self._rows:
            msg = f"{rows} rows after {self._rows}"
            raise RuntimeError(msg)
        self._rows = rows


class Crowd:
    """Readers and what they find."""

    def __init__(self, seconds: float, pause: float) -> None:
        self._seconds, self._pause = seconds, pause
        self._lock = Lock()
        self.milliseconds: dict[str, list[float]] = {"point": [], "count": []}
        self.errors: list[str] = []

    def run(self, readers: list[Reader]) -> None:
        """All at once, until the time is over."""
        threads = [Thread(target=self._ask, args=(reader, number)) for number, reader in enumerate(readers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _ask(self, reader: Reader, number: int) -> None:
        dice, wait = random.Random(number), Event().wait
        deadline = Deadline.after(self._seconds, SystemClock())
        turn = 0
        while not deadline.expired():
            # Spread out: people do not ask in step.
            wait(self._pause * 2 * dice.random())
            turn += 1
            self._timed(*(("count", reader.count) if turn % 10 == 0 else ("point", reader.point)))

    def _timed(self, name: str, ask: Callable[[], None]) -> None:
        began = time.perf_counter()
        try:
            ask()
        except Exception as error:  # whatever it is, it is what is measured
            with self._lock:
                self.errors.append(f"{type(error).__name__}: {error}"[:300])
            return
        took = (time.perf_counter() - began) * 1000
        with self._lock:
            self.milliseconds[name].append(round(took, 2))


def main() -> int:
    """Asks, and tells."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading", description=__doc__)
    parser.add_argument("lake")
    parser.add_argument("readers", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("pause", type=float)
    asked = parser.parse_args()
    lake = Lake(asked.lake)
    known = Trades(lake).rows()
    symbols = known.select(pl.col("symbol").unique().sort()).collect()["symbol"].to_list()
    begin, end = known.select(begin=pl.col("timestamp").min(), end=pl.col("timestamp").max()).collect().row(0)
    crowd = Crowd(asked.seconds, asked.pause)
    crowd.run([Reader(lake, symbols, begin, end, seed) for seed in range(asked.readers)])
    print(json.dumps({"milliseconds": crowd.milliseconds, "errors": crowd.errors}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
