import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from headrace.lake.datafile import DataFile
from headrace.lake.log import DeltaLog
from headrace.lake.rewrite import Exchange, replace_files
from headrace.testing.numbers import LAYOUT, NumbersTable
from headrace_cli.demo.debt import Debt, DebtWatch, debt_view


def file(name: str, size: int) -> DataFile:
    return DataFile(name, size, 1, "", {"date": "2026-01-01"}, json.dumps({"numRecords": 1}), 0)


def add(log: DeltaLog, name: str, size: int) -> None:
    log.commit([file(name, size)], {"a": log.version + 1}, {"kind": "test", "batch": name})


def test_files_are_followed_from_commit_to_commit(tmp_path: Path) -> None:
    table = NumbersTable.create(str(tmp_path), {0: 0})
    log, watch = table.main(), DebtWatch(table.store, LAYOUT.table)
    assert watch.debt() == Debt()
    add(log, "one.parquet", 100)
    assert watch.debt() == Debt(1, 1, 100, 100)
    add(log, "two.parquet", 60)
    merge = Exchange(["one.parquet", "two.parquet"], [file("both.parquet", 120)], {"kind": "test"}, changes=False)
    assert replace_files(table.store, LAYOUT.table, merge) is not None
    log.refresh()
    add(log, "three.parquet", 80)
    assert watch.debt() == Debt(came=3, files=2, came_bytes=240, size=200, rewritten=120)
    assert watch.debt().amplification == pytest.approx(0.5)
    assert DebtWatch(table.store, LAYOUT.table).debt() == watch.debt()
    assert DebtWatch(table.store, "absent").debt().amplification == 0.0


def test_before_and_after_fit_on_any_terminal() -> None:
    beside = dict.fromkeys(("trades__quarantine", "signals__quarantine"), Debt(120, 25, 310_900, 250_100, 100_300))
    after = dict.fromkeys(beside, Debt(120, 1, 310_900, 170_700, 310_900))
    console = Console(file=StringIO(), width=78, color_system=None)
    with console.capture() as captured:
        console.print(debt_view(beside, after))
    row = next(line for line in captured.get().splitlines() if line.startswith("trades"))
    assert " ".join(row.split()) == "trades__quarantine 120 → 25 → 1 310.9 kB → 170.7 kB 310.9 kB 1.00"
