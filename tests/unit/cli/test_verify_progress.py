"""What is shown while a proof runs: what is left is judged by what was really done."""

import io

from rich.console import Console

from headrace.testing.manual_clock import ManualClock
from headrace_cli.verify_progress import LINE_SECONDS, Estimate, progress_on


def test_what_is_left_is_judged_by_the_pace_of_the_stage() -> None:
    clock = ManualClock()
    estimate = Estimate(clock)
    estimate.update("trades: files", 0, 1_000)
    clock.advance(10)
    estimate.update("trades: files", 250, 1_000)

    assert estimate.seconds == 30
    assert str(estimate) == "trades: files 25%, about 30 s left"


def test_a_new_stage_is_judged_by_itself() -> None:
    clock = ManualClock()
    estimate = Estimate(clock)
    estimate.update("trades: files", 0, 10)
    clock.advance(10)
    estimate.update("trades: broker", 50, 1_000)
    clock.advance(2)
    estimate.update("trades: broker", 150, 1_000)

    assert estimate.seconds == 17


def test_nothing_is_told_of_what_is_left_before_something_is_done() -> None:
    clock = ManualClock()
    estimate = Estimate(clock)
    estimate.update("trades: files", 0, 10)
    clock.advance(100)

    assert str(estimate) == "trades: files 0%"


def test_long_times_are_told_in_minutes_and_hours() -> None:
    clock = ManualClock()
    estimate = Estimate(clock)
    estimate.update("files", 0, 1_000)
    clock.advance(60)
    estimate.update("files", 100, 1_000)
    assert str(estimate).endswith("about 9 min left")
    estimate.update("files", 4, 1_000)
    assert str(estimate).endswith("about 4.2 h left")


def test_without_a_terminal_there_is_a_line_every_few_seconds() -> None:
    clock, out = ManualClock(), io.StringIO()
    with progress_on(Console(file=out), clock) as report:
        for done in range(21):
            report("trades: files", done, 20)
            clock.advance(LINE_SECONDS / 4)

    assert out.getvalue().splitlines() == [
        "verify: trades: files 20%, about 20 s left",
        "verify: trades: files 40%, about 15 s left",
        "verify: trades: files 60%, about 10 s left",
        "verify: trades: files 80%, about 5 s left",
        "verify: trades: files 100%, about 0 s left",
    ]


def test_on_a_terminal_there_is_a_bar_that_goes_away() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100)
    with progress_on(console) as report:
        report("trades: files", 1, 4)

    assert "trades: files 25%" in out.getvalue()
    assert "\x1b[2K" in out.getvalue()
