"""How far a proof or a rebuild is, and how long it takes: a bar on a terminal, a line every few seconds elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from headrace.clock import Clock, SystemClock
from headrace.read.proof.truth import Progress as Report
from headrace.read.proof.verify import no_progress

LINE_SECONDS = 5.0
"""Between two lines where there is no terminal."""

_LEAST_SECONDS = 1.0


class Estimate:
    """What is left of a stage, judged by how fast it went so far.

    Work is what the proof really did of it: commits of the log, bytes of files and ledgers, offsets of topics. Each
    stage is judged by itself, as one tells nothing of another.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.stage = ""
        self._began = self._done = self._total = 0
        self._since = 0.0

    def update(self, stage: str, done: int, total: int) -> None:
        """Takes what is done of `stage`, and what there is in all."""
        if stage != self.stage:
            self.stage, self._began, self._since = stage, done, self._clock.monotonic()
        self._done, self._total = done, total

    @property
    def share(self) -> float:
        """Of the stage's work that is done, from 0 to 1."""
        return self._done / self._total if self._total else 1.0

    @property
    def seconds(self) -> float | None:
        """Left of the stage; None while too little of it is done to tell."""
        elapsed = self._clock.monotonic() - self._since
        if elapsed < _LEAST_SECONDS or self._done <= self._began:
            return None
        return elapsed * (self._total - self._done) / (self._done - self._began)

    def __str__(self) -> str:
        left = self.seconds
        told = "" if left is None else f", about {_duration(left)} left"
        return f"{self.stage} {self.share:.0%}{told}"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6_000 else f"{seconds / 3_600:.1f} h"


@contextmanager
def progress_on(console: Console | None, clock: Clock | None = None, *, command: str = "verify") -> Iterator[Report]:
    """Something that `command` tells how far it is; shown on `console`, if there is one."""
    if console is None:
        yield no_progress
        return
    estimate = Estimate(clock or SystemClock())
    if console.is_terminal:
        with _bar(console, estimate, command) as report:
            yield report
    else:
        yield _lines(console, estimate, clock or SystemClock(), command)


@contextmanager
def _bar(console: Console, estimate: Estimate, command: str) -> Iterator[Report]:
    columns = (TextColumn(f"{command}:"), BarColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=1.0)

        def report(stage: str, done: int, total: int) -> None:
            estimate.update(stage, done, total)
            bar.update(task, description=str(estimate), completed=estimate.share)

        yield report


def _lines(console: Console, estimate: Estimate, clock: Clock, command: str) -> Report:
    told = clock.monotonic()

    def report(stage: str, done: int, total: int) -> None:
        nonlocal told
        estimate.update(stage, done, total)
        if clock.monotonic() - told >= LINE_SECONDS:
            told = clock.monotonic()
            console.print(f"{command}: {estimate}", highlight=False, markup=False, soft_wrap=True)

    return report
