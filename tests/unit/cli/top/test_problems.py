"""What is wrong, and what is not."""

import inspect
import re
from pathlib import Path

import pytest

from headrace.metrics import canary, common, ingest, tables
from headrace.metrics import maintenance as upkeep
from headrace_cli.top import problems as source
from headrace_cli.top.figures import table_lines
from headrace_cli.top.problems import Problem, Severity, problems
from headrace_cli.top.scrape import Scrape, Silent
from tests.unit.cli.top.shown import NOW, Shown, canary_of, figures_of, maintenance, worker

OF, PLACE = {"table": "trades"}, {"topic": "trades", "partition": "0"}


def found(*scrapes: Scrape, before: tuple[Scrape, ...] = (), silent: tuple[Silent, ...] = ()) -> list[Problem]:
    figures = figures_of(*scrapes, before=before, silent=silent)
    return problems(figures, table_lines(figures))


def alerts(*scrapes: Scrape, before: tuple[Scrape, ...] = ()) -> list[str]:
    return [each.alert.removeprefix("Headrace") for each in found(*scrapes, before=before)]


def test_where_all_is_well_nothing_is_told() -> None:
    assert (
        found(
            worker(
                (ingest.TOPIC_PARTITIONS, 1, {"topic": "trades"}),
                (ingest.ASSIGNED, 1, PLACE),
                (ingest.FRESHNESS, NOW - 299, {**OF, **PLACE}),
            ),
            maintenance(
                (tables.VERSION, 600, OF),
                (tables.LAST_CHECKPOINT, 100, OF),
                (tables.PARTITION_SMALL_FILES, 200, OF),
                (upkeep.LAST_SUCCESS, NOW - 3_600, OF),
                (upkeep.BLOCKED, 0, OF),
            ),
            canary_of((canary.LAST_ARRIVAL, NOW - 10, {})),
        )
        == []
    )


@pytest.mark.parametrize(
    ("shown", "alert"),
    [
        ((tables.SOURCE_GONE, 3, {**OF, **PLACE}), "RecordsLost"),
        ((tables.PARTITION_SMALL_FILES, 201, OF), "SmallFilesHigh"),
        ((tables.FILES, 100_001, OF), "FileCountHigh"),
        ((tables.LOG_OBJECTS, 50_001, OF), "LogObjectsHigh"),
        ((tables.COLLECTED, NOW - 3_601, {**OF, "look": "log"}), "TableHealthStale"),
        ((tables.COLLECTED, NOW - 301, {**OF, "look": "source"}), "TableLagUnknown"),
        ((upkeep.BLOCKED, 1, OF), "MaintenanceInvariantViolated"),
        ((tables.MAINTENANCE_BLOCKED, 1, OF), "MaintenanceInvariantViolated"),
        ((upkeep.LEFT_ALONE, 1, OF), "TableLeftAlone"),
        ((upkeep.LAST_SUCCESS, NOW - 3_601, OF), "MaintenanceOverdue"),
        ((tables.SOURCE_WATERMARK, NOW - 301, {**OF, **PLACE}), "FreshnessSloBreached"),
    ],
)
def test_what_a_table_suffers_from_is_told(shown: Shown, alert: str) -> None:
    assert alerts(maintenance((tables.VERSION, 1, OF), shown)) == [alert]


def test_what_two_metrics_tell_is_told_once() -> None:
    blocked = maintenance((upkeep.BLOCKED, 1, OF), (tables.MAINTENANCE_BLOCKED, 1, OF))
    assert alerts(blocked) == ["MaintenanceInvariantViolated"]


@pytest.mark.parametrize(("version", "alert"), [(601, "CheckpointOverdue"), (5_101, "CheckpointOverdueCritical")])
def test_a_checkpoint_that_is_due_is_told(version: int, alert: str) -> None:
    assert alerts(maintenance((tables.VERSION, version, OF), (tables.LAST_CHECKPOINT, 100, OF))) == [alert]


def test_a_table_that_grows_old_is_worse_where_no_worker_answers() -> None:
    old: tuple[Shown, ...] = (
        (tables.SOURCE_WATERMARK, NOW - 901, {**OF, **PLACE}),
        (tables.SOURCE_LAG, 5, {**OF, **PLACE}),
        (tables.COLLECTED, NOW, {**OF, "look": "source"}),
    )
    assert alerts(maintenance(*old)) == ["TableBehindSource"]
    assert alerts(maintenance(*old), worker()) == ["FreshnessSloBreachedCritical"]


def test_partitions_that_no_worker_reads_are_told() -> None:
    one = worker((ingest.TOPIC_PARTITIONS, 2, {"topic": "trades"}), (ingest.ASSIGNED, 1, PLACE))
    assert alerts(one) == ["PartitionUnowned"]


@pytest.mark.parametrize(("low", "told"), [(0, []), (1_000, ["RetentionHeadroomLow"])])
def test_retention_that_comes_near_is_told_and_a_new_table_is_not(low: int, told: list[str]) -> None:
    behind = worker(
        (ingest.LAG, 8_950, PLACE),
        (ingest.LOW_WATERMARK, low, PLACE),
        (ingest.COMMITTED, 1_050, PLACE),
        (ingest.HIGH_WATERMARK, 10_000, PLACE),
    )
    assert alerts(behind) == told


def test_what_happened_in_the_last_minute_is_told() -> None:
    def at(seconds: float, *counted: Shown) -> Scrape:
        return worker(*counted, seconds=seconds)

    before = at(100, (ingest.CONSUMED_RECORDS, 1_000, {"topic": "trades"}))
    now = at(
        130,
        (ingest.CONSUMED_RECORDS, 2_000, {"topic": "trades"}),
        (ingest.QUARANTINED_RECORDS, 11, {"topic": "trades", "reason": "not_json"}),
        (ingest.COMMIT_ATTEMPTS, 10, OF),
        (ingest.COMMIT_FAILURES, 3, {**OF, "reason": "store"}),
        (ingest.FENCED, 1, {**OF, "reason": "session"}),
    )
    assert alerts(now, before=(before,)) == ["CommitFailureRatioHigh", "QuarantineRatioHigh", "WorkerFenced"]
    assert alerts(now) == []


def test_a_store_that_is_not_proved_is_told_once_the_process_runs() -> None:
    assert alerts(maintenance((common.STATE, 1, {"state": "starting"}))) == []
    assert alerts(maintenance((common.STATE, 1, {"state": "running"}))) == ["ConflictGuardFailed"]


def test_what_the_canary_misses_is_told() -> None:
    assert alerts(canary_of((canary.LAST_ARRIVAL, NOW - 301, {}))) == ["CanarySilent"]
    assert alerts(canary_of((canary.LAST_ARRIVAL, NOW, {}), (canary.DOUBLED, 1, {}))) == ["CanaryLost"]


def test_the_worst_is_told_first() -> None:
    silent = (Silent("http://worker:2", "refused", 12.3), Silent("http://worker:3", "timed out", None))
    told = found(maintenance((upkeep.LEFT_ALONE, 1, OF), (upkeep.BLOCKED, 1, OF)), silent=silent)
    assert [each.severity for each in told] == [Severity.CRITICAL, Severity.WARNING, Severity.WARNING, Severity.INFO]
    assert [each.found for each in told[1:3]] == ["does not answer since 12 s: refused", "does not answer: timed out"]


def test_every_name_is_that_of_an_alert_of_that_severity_with_a_runbook() -> None:
    deploy = Path(__file__).parents[4] / "deploy"
    rules = "".join(file.read_text() for file in (deploy / "prometheus" / "rules").glob("*.yaml"))
    alerts_there = dict(re.findall(r"- alert: (\w+)\n.*?severity: (\w+)", rules, re.DOTALL))
    named = re.findall(r'Severity\.(\w+),\s+"(Headrace\w+)"', inspect.getsource(source))

    assert len(named) > 15
    assert [name for severity, name in named if alerts_there.get(name) != severity.lower()] == []
    assert [name for _, name in named if not (deploy / "runbooks" / f"{name}.md").is_file()] == []
