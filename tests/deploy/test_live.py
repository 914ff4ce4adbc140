"""Rules and boards on a real Prometheus that scrapes real processes: all have data, alerts fire and are resolved."""

import time
from collections.abc import Iterator
from contextlib import suppress
from math import isfinite
from pathlib import Path

import promql_parser as ast
import pytest

from deploy.boards.__main__ import BOARDS
from deploy.boards.overview import OVERVIEW
from deploy.boards.panels import panels
from deploy.boards.pictures import Span, draw
from deploy.boards.values import shown
from headrace.testing.prometheus_server import PrometheusServer
from headrace.testing.waiting import wait_until
from tests.deploy.hurried import hurried
from tests.deploy.rules import ALL, read
from tests.deploy.stage import Stage

_EMPTY = read(Path(__file__).with_name("empty.yaml"))


def parts(expression: str) -> Iterator[str]:
    """What an alert compares and combines, without the bounds that hold only while it fires."""
    yield from _parts(ast.parse(expression))


def _parts(node: ast.Expr) -> Iterator[str]:
    match node:
        case ast.BinaryExpr() if _operator(node) in ("and", "or", "unless"):
            yield from _parts(node.lhs)
            yield from _parts(node.rhs)
        case ast.BinaryExpr() if _operator(node) in (">", "<", ">=", "<=", "==", "!="):
            yield from _parts(node.lhs)
        case ast.ParenExpr():
            yield from _parts(node.expr)
        case ast.Call() if node.func.name == "absent":
            yield from _parts(node.args[0])
        case _:
            yield node.prettify()


def _operator(node: ast.BinaryExpr) -> str:
    return str(node.op)


def asked() -> Iterator[tuple[str, str]]:
    """Everything that rules and boards ask, by who asks."""
    for rule in ALL:
        for part in parts(hurried(rule.expr)) if rule.alert else [hurried(rule.expr)]:
            yield rule.name, part
    for board in BOARDS:
        for panel in panels(board):
            for query in panel.queries:
                yield f"{board.uid}: {panel.title}: {query.legend}", shown(query.expr, interval="5s", seconds=300)


def has_data(prometheus: PrometheusServer, expression: str) -> bool:
    """Whether there is an answer, and not NaN alone."""
    return any(isfinite(value) for series in prometheus.query(expression) for _, value in series.points)


@pytest.mark.timeout(1200)
def test_everything_has_data_and_alerts_fire_and_are_resolved(promtool: Path, tmp_path: Path) -> None:
    with Stage(tmp_path) as stage, stage.emitting():
        start(stage)
        assert_everything_has_data(stage)
        stage.await_alerts("QuarantineRatioHigh", "WorkerAbsent", "TableBehindSource", "SmallFilesHigh", fire=False)

        # Nobody merges the files that the worker makes: enough of them have to be there for a minute.
        stage.kill("maintenance")
        with stage.emitting(poison=True):
            stage.await_alerts("QuarantineRatioHigh", fire=True)
        stage.await_alerts("QuarantineRatioHigh", fire=False)
        wait_until(lambda: small_files(stage) > 200, "there are many small files", seconds=300)

        stage.kill("worker", "heartbeats")
        stage.await_alerts("WorkerAbsent", "TableBehindSource", fire=True)
        start_workers(stage, flush_seconds="1")  # merges have to come between two commits
        stage.await_alerts("WorkerAbsent", "TableBehindSource", fire=False)

        stage.await_alerts("SmallFilesHigh", fire=True, seconds=400)
        stage.start("maintenance", "maintenance", "maintain")
        stage.settle()
        stage.await_alerts("SmallFilesHigh", fire=False, seconds=300)

        picture = tmp_path / "overview.png"
        draw(OVERVIEW, stage.prometheus, Span(time.time() - 120, time.time(), "5s"), picture)
        assert picture.read_bytes().startswith(b"\x89PNG")


def small_files(stage: Stage) -> float:
    shown_now = stage.prometheus.query("headrace_table_partition_small_files_max")
    return max((series.points[0][1] for series in shown_now), default=0)


def start(stage: Stage) -> None:
    start_workers(stage, flush_seconds="0.02")
    stage.await_tables()
    stage.start("maintenance", "maintenance", "maintain")
    stage.start("export", "export", "export")
    stage.start("canary", "canary", "canary")
    stage.settle()
    stage.run("verify", "--quiet", "--metrics-file", str(stage.folder / "verify.prom"))


def start_workers(stage: Stage, *, flush_seconds: str) -> None:
    stage.start("worker", "ingest", "ingest", "trades", ingest__flush_seconds=flush_seconds)
    stage.start("heartbeats", "ingest", "ingest", "headrace_heartbeat")
    stage.settle()


def assert_everything_has_data(stage: Stage) -> None:
    assert set(_EMPTY) <= {name for name, _ in asked()}
    assert all(_EMPTY.values())
    silent = [each for each in asked() if each[0] not in _EMPTY]

    def all_answered() -> bool:
        while silent and has_data(stage.prometheus, silent[-1][1]):
            silent.pop()
        return not silent

    with suppress(TimeoutError):
        wait_until(all_answered, "everything has data")
    assert [each for each in silent if not has_data(stage.prometheus, each[1])] == []
    assert stage.prometheus.rule_errors() == {}
