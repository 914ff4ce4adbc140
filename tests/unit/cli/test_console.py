"""What people read."""

import pytest

from headrace_cli.console import print_table, wide_console


def test_a_table_is_never_cut_however_narrow_the_terminal_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    long = [f"0: {offset}-{offset + 99}" for offset in range(0, 2000, 100)]
    print_table(wide_console(), ("version", "offsets", "rows"), [(7, ", ".join(long), 1234567)], left=("offsets",))
    assert capsys.readouterr().out.splitlines()[1].split() == ["7", *", ".join(long).split(), "1,234,567"]
