"""What people read."""

import os
import pty

import pytest
from rich.console import Console

from headrace_cli.console import print_table, wide_console

RANGES = [f"{partition}: 10000-19999" for partition in range(16)]


def test_a_table_is_never_cut_however_narrow_the_terminal_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    long = [f"0: {offset}-{offset + 99}" for offset in range(0, 2000, 100)]
    print_table(wide_console(), ("version", "offsets", "rows"), [(7, ", ".join(long), 1234567)], left=("offsets",))
    assert capsys.readouterr().out.splitlines()[1].split() == ["7", *", ".join(long).split(), "1,234,567"]


@pytest.mark.parametrize(("columns", "wide"), [(100, 100), (20, 53)])
def test_on_a_terminal_one_column_is_wrapped_and_the_others_stay_whole(
    columns: int, wide: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    ours, theirs = pty.openpty()
    with open(theirs, "w") as terminal:
        console = Console(file=terminal, soft_wrap=True, width=10_000, color_system=None)
        row = ("2026-03-02", 1234567, ", ".join(RANGES))
        print_table(console, ("day", "rows", "offsets"), [row], left=("offsets",), wrapped="offsets")
        shown = os.read(ours, 65_536).decode().splitlines()
    os.close(ours)
    assert shown[1].split()[:4] == ["2026-03-02", "1,234,567", "0:", "10000-19999,"]
    assert " ".join(line[23:].strip() for line in shown[1:]) == ", ".join(RANGES)
    assert 3 < max(map(len, shown)) <= wide
