"""The position handler of `examples/`: several updates of a contract, late ones, and a stop that loses nothing."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from examples.position_handler import PositionHandler
from headrace import PositionUpdate
from headrace.lake.store import Store
from headrace.lake.tables import exists
from headrace.read.history import CommitEntry, read_history
from headrace.testing.brokers import BrokerHandle
from headrace.testing.waiting import wait_until

ROOT = Path(__file__).parents[2]
TABLE = "position_updates"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path, own_broker: BrokerHandle, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Root of the tables, with what a user has set."""
    own_broker.create_topics(PositionUpdate)
    command = tmp_path / "bin" / "headrace"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m headrace_cli "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("HEADRACE_KAFKA__BOOTSTRAP_SERVERS", own_broker.bootstrap_servers)
    monkeypatch.setenv("HEADRACE_LAKE__ROOT", str(tmp_path / "lake"))
    return tmp_path / "lake"


def update(conid: int, quantity: int, *, at: float) -> PositionUpdate:
    """`at` in seconds after noon."""
    return PositionUpdate(
        conid=conid,
        symbol="SPY",
        quantity=quantity,
        average_cost="1",
        market_price="1",
        market_value=quantity,
        unrealized_pnl="0",
        timestamp=NOON + timedelta(seconds=at),
    )


def quantities(lake: Path) -> dict[int, int]:
    rows = pl.read_delta(str(lake / TABLE))
    return dict(zip(rows["conid"], rows["quantity"], strict=True))


def batches(lake: Path) -> list[CommitEntry]:
    """Commits that brought records, oldest first."""
    return [commit for commit in reversed(read_history(Store(str(lake)), TABLE, 100).commits) if commit.ranges]


def applied(lake: Path) -> list[int]:
    """Of each of those how many."""
    return [sum(part.end - part.start for part in commit.ranges) for commit in batches(lake)]


def claimed(lake: Path) -> bool:
    store = Store(str(lake))
    return exists(store, TABLE) and any(commit.claimed for commit in read_history(store, TABLE, 100).commits)


def test_what_counts_is_the_latest_update_of_each_contract_whatever_came_when(lake: Path) -> None:
    with PositionHandler() as handler:
        wait_until(lambda: claimed(lake), "the worker reads")
        began = datetime.now(UTC)
        for sent in (update(1, 10, at=1), update(2, 20, at=1), update(1, 30, at=5)):
            handler.handle(sent)
        wait_until(lambda: len(batches(lake)) == 1, "a batch is committed")
        # Three seconds from the first of them on, in one commit, and of each contract one row.
        (batch,) = batches(lake)
        assert batch.committed_at is not None
        assert batch.committed_at - began >= timedelta(seconds=2.9)
        assert (applied(lake), quantities(lake)) == ([3], {1: 30, 2: 20})
        # An older one comes late.
        handler.handle(update(1, 99, at=3))
    assert (applied(lake), quantities(lake)) == ([3, 1], {1: 30, 2: 20})


def test_stop_loses_nothing_however_long_a_batch_would_have_waited(lake: Path) -> None:
    with PositionHandler(batch_seconds=3_600) as handler:
        wait_until(lambda: claimed(lake), "the worker reads")
        for conid in range(1, 501):
            handler.handle(update(conid, conid, at=1))
    assert quantities(lake) == {conid: conid for conid in range(1, 501)}


def test_it_runs_as_it_stands(lake: Path) -> None:
    paths = os.pathsep.join([str(ROOT / "shared"), str(ROOT / "services")])
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "position_handler.py"],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "AAPL" in done.stdout
    assert quantities(lake) == {756733: 300, 265598: 50}
