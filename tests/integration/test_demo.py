"""The demo as a person runs it: on a terminal of 80 columns and 24 lines, and into a pipe."""

import re
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import psutil
import pytest

from headrace.testing.waiting import wait_until
from tests.integration.terminals import Running, gone, headrace

_OTHER_SCREEN, _FIRST_SCREEN, _CURSOR = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"
_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_REAL_GROUP = "real-workers"


def demo(folder: Path, *arguments: str, terminal: bool) -> AbstractContextManager[Running]:
    return headrace(
        folder,
        "demo",
        "--broker",
        "embedded",
        *arguments,
        terminal=terminal,
        settings={"HEADRACE_KAFKA__SESSION_TIMEOUT_MS": "4000", "HEADRACE_KAFKA__GROUP_ID": _REAL_GROUP},
    )


@pytest.mark.timeout(300)
def test_the_whole_demo_plays_on_a_small_terminal_and_proves_itself(tmp_path: Path) -> None:
    with demo(tmp_path, "--events", "30000", "--rate", "1500", terminal=True) as running:
        assert running.wait(240) == 0, running.printed[-2000:]
    live, _, after = running.printed.partition(_FIRST_SCREEN)
    assert _OTHER_SCREEN in live
    assert len(set(re.findall(r"[\d,]+ open, [\d,]+ closed, realized", _STYLE.sub("", live)))) > 5
    assert _OTHER_SCREEN not in after
    for shown in ("SIGKILL to trades-1", "SIGSTOP to trades-2", "frozen", "believes", "SIGCONT to trades-2", "drained"):
        assert shown in live
    told = " ".join(_STYLE.sub("", after).split())
    for said in (
        "after the kill",
        "after the freeze",
        "maintain merges",
        "amplification",
        "verdict",
        "of 96 strategies are equal to the last decimal",
        "latest greeks per leg",
        "exactly once",
    ):
        assert said in told
    assert "…" not in running.printed
    for table in ("trades", "greeks", "signals"):
        came, beside, sealed = map(int, re.findall(rf"{table} +(\d+) → (\d+) → (\d+)", told)[0])
        assert came >= beside >= sealed == 1 < came


def groups(running: Running) -> Iterator[str]:
    """The consumer group of each worker."""
    for process in running.descendants():
        # One that was forked a moment ago still looks like the demo; another may be gone.
        with suppress(psutil.Error, KeyError):
            if "ingest" in process.cmdline():
                yield process.environ()["HEADRACE_KAFKA__GROUP_ID"]


@pytest.mark.parametrize(
    ("number", "terminal", "code"),
    [(signal.SIGINT, True, 130), (signal.SIGTERM, True, 143), (signal.SIGTERM, False, 143)],
)
def test_ending_it_leaves_no_process_and_the_terminal_as_it_was(
    tmp_path: Path, number: signal.Signals, terminal: bool, code: int
) -> None:
    with demo(tmp_path, terminal=terminal) as running:
        wait_until(lambda: "5 workers start" in running.printed, "it begins")
        wait_until(lambda: len(list(groups(running))) == 5, "5 workers")
        others, found = running.descendants(), set(groups(running))
        assert len(found - {_REAL_GROUP}) == len(found) == 4
        running.process.send_signal(number)
        assert running.wait() == code
        wait_until(lambda: gone(others), "all processes are gone")
    if terminal:
        assert running.printed.rindex(_FIRST_SCREEN) > running.printed.rindex(_OTHER_SCREEN)
        assert running.printed.rindex(_CURSOR) > running.printed.rindex("\x1b[?25l")
    else:
        assert _OTHER_SCREEN not in running.printed
    assert "Traceback" not in running.printed
