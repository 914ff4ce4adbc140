"""From what processes show to lines about tables."""

import pytest

from headrace.metrics import common, ingest, tables
from headrace.metrics import maintenance as upkeep
from headrace_cli.top.figures import TableLine, process_lines, table_lines
from headrace_cli.top.scrape import Kind, Scrape
from tests.unit.cli.top.shown import NOW, figures_of, maintenance, worker

ASKED = (common.LOOP_TICK, NOW - 2, {"loop": "offsets"})


def place(partition: int, *, table: bool = False) -> dict[str, str]:
    return {"topic": "trades", "partition": str(partition), **({"table": "trades"} if table else {})}


def reading(partition: int, *, lag: float, watermark: float, url: str = "http://worker:1") -> Scrape:
    """A worker of one partition."""
    return worker(
        ASKED,
        (ingest.LAG, lag, place(partition)),
        (ingest.FRESHNESS, watermark, place(partition, table=True)),
        url=url,
    )


def line_of(*scrapes: Scrape, before: tuple[Scrape, ...] = ()) -> TableLine:
    (line,) = table_lines(figures_of(*scrapes, before=before))
    return line


def test_workers_of_a_table_are_told_together() -> None:
    line = line_of(
        reading(0, lag=5, watermark=NOW - 3),
        reading(1, lag=7, watermark=NOW - 9, url="http://worker:2"),
    )
    assert (line.table, line.topic, line.workers, line.lag, line.freshness_seconds) == ("trades", "trades", 2, 12, 9)


def test_of_a_partition_that_two_show_the_one_that_reads_it_counts() -> None:
    line = line_of(
        reading(0, lag=500, watermark=NOW - 600),
        reading(0, lag=5, watermark=NOW - 3, url="http://worker:2"),
    )
    assert (line.lag, line.freshness_seconds) == (5, 3)


def by_the_table(partition: int, *, lag: float, watermark: float, ago: float) -> Scrape:
    return maintenance(
        (tables.SOURCE_LAG, lag, place(partition, table=True)),
        (tables.SOURCE_WATERMARK, watermark, place(partition, table=True)),
        (tables.COLLECTED, NOW - ago, {"table": "trades", "look": "source"}),
        (tables.VERSION, 7, {"table": "trades"}),
    )


def test_without_a_worker_the_table_tells_how_far_it_is_behind() -> None:
    line = line_of(by_the_table(0, lag=90, watermark=NOW - 700, ago=20))
    assert (line.workers, line.lag, line.freshness_seconds, line.topic) == (0, 90, 700, "trades")


@pytest.mark.parametrize(("ago", "lag"), [(20, 5), (1, 90)])
def test_whoever_asked_last_tells_the_lag(ago: float, lag: int) -> None:
    table = by_the_table(0, lag=90, watermark=NOW - 700, ago=ago)
    assert line_of(reading(0, lag=5, watermark=NOW - 3), table).lag == lag


def test_a_worker_that_knows_less_partitions_than_the_table_does_not_tell_the_lag() -> None:
    table = maintenance(
        *((tables.SOURCE_LAG, 90.0, place(partition, table=True)) for partition in range(2)),
        (tables.COLLECTED, NOW - 50, {"table": "trades", "look": "source"}),
    )
    assert line_of(reading(0, lag=5, watermark=NOW - 3), table).lag == 180


def test_without_partition_detail_lag_is_summed_and_the_oldest_watermark_counts() -> None:
    def summed(url: str, lag: float, age: float) -> Scrape:
        topic = {"topic": "trades"}
        return worker(
            ASKED, (ingest.LAG, lag, topic), (ingest.FRESHNESS, NOW - age, {**topic, "table": "trades"}), url=url
        )

    line = line_of(summed("http://worker:1", 5, 3), summed("http://worker:2", 7, 9))
    assert (line.lag, line.freshness_seconds) == (12, 9)


def written(count: float, *, seconds: float, url: str = "http://worker:1") -> Scrape:
    return worker((ingest.WRITTEN_RECORDS, count, {"table": "trades"}), seconds=seconds, url=url)


def test_rates_come_from_two_looks_and_outlive_a_restart() -> None:
    assert line_of(written(100, seconds=100)).rows_per_second is None
    assert line_of(written(100, seconds=104), before=(written(40, seconds=100),)).rows_per_second == 15
    assert line_of(written(8, seconds=104), before=(written(4_000, seconds=100),)).rows_per_second == 2


def test_what_the_tables_own_log_tells_is_shown_with_its_quarantine() -> None:
    of, quarantine = {"table": "trades"}, {"table": "trades__quarantine"}
    line = line_of(
        maintenance(
            (tables.VERSION, 7, of),
            (tables.VERSION, 3, quarantine),
            (tables.ROWS, 1_000, of),
            (tables.ROWS, 4, quarantine),
            (tables.FILES, 12, of),
            (tables.ACTIVE_BYTES, 9_000, of),
            (tables.SMALL_FILES, 2, {**of, "tier": "fragment"}),
            (tables.SMALL_FILES, 3, {**of, "tier": "undersized"}),
            (tables.HEALTH, 88, of),
            (upkeep.LAST_SUCCESS, NOW - 30, of),
        )
    )
    assert line == TableLine(
        "trades", rows=1_000, files=12, bytes=9_000, small_files=5, quarantined=4, version=7, health=88,
        maintained_seconds=30,
    )  # fmt: skip


def test_processes_are_told_by_what_they_do() -> None:
    lines = process_lines(figures_of(maintenance(), worker()))
    assert [(each.kind, each.table, each.state, each.version) for each in lines] == [
        (Kind.INGEST, "trades", "running", "1.2.3"),
        (Kind.MAINTAIN, None, None, "1.2.3"),
    ]
