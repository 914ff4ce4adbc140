"""The data quality report finds each planted defect, and counts it exactly."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from headrace import Event, EventId, Name, Price, Symbol, UtcTimestamp
from headrace.contracts import Contract, contract_of
from headrace.errors import ConfigError, WrongTableError
from headrace.lake import Lake
from headrace.read.audit import ColumnProfile, QualityReport, Scope, quality
from headrace.testing.manual_clock import ManualClock
from headrace_cli.audit.quality_markdown import markdown
from tests.behaviour.latest import LatestWorld
from tests.behaviour.made_up import LAYOUT, contract_for, tight_contract_for
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.world import TABLE, Command, World, fill

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def contract_with_a_note(topic: str) -> Contract:
    class Fill(Event, topic=topic, key="symbol", table=LAYOUT):
        """One fill with a remark."""

        fill_id: EventId
        symbol: Symbol
        price: Price
        timestamp: UtcTimestamp
        note: Name | None = None

    return contract_of(Fill)


def noted(name: object, *, at: datetime = NOON, price: str = "1.0000", note: str | None = None) -> bytes:
    stamp = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    event = {"fill_id": str(name), "symbol": "SPY", "price": price, "timestamp": stamp, "note": note}
    return json.dumps(event, separators=(",", ":")).encode()


@pytest.fixture
def world(memory_world: World) -> World:
    """Clocks stand at noon; of a day and the next, with planted defects.

    First day, noon: 10 good ones, priced 1 to 10, 4 of them with a note; 2 torn ones, 3 with too many decimal places,
    1 with a field that nobody knows. Second day, noon: 3 late by 30 hours of which 2 were sent late, 1 late by 2 hours,
    1 from the next hour; 2 copies of event 0 and 1 of event 1; 1 torn.
    """
    clock = ManualClock(NOON)
    world = replace(memory_world, clock=clock)
    world.contract = contract_with_a_note(world.topic.name)

    def send(value: bytes, *, sent: datetime | None = None) -> None:
        world.topic.append(value, timestamp_ms=int((sent or clock.now()).timestamp() * 1000))

    for number in range(10):
        send(noted(number, price=f"{number + 1}.0000", note="x" if number < 4 else None))
    for number in range(2):
        send(b"{torn")
        send(noted(f"a{number}", price="1.23456"))
    send(noted("a2", price="1.23456"))
    send(noted("b").replace(b'"note"', b'"remark"'))
    world.drain(quarantine_max_ratio=1.0)

    clock.jump(86_400)
    now = clock.now()
    for number in range(2):
        send(noted(f"late{number}", at=now - 30 * HOUR))
    send(noted("stuck", at=now - 30 * HOUR), sent=now - 30 * HOUR)
    send(noted("slow", at=now - 2 * HOUR))
    send(noted("ahead", at=now + HOUR))
    for number in (0, 0, 1):
        send(noted(number, at=now))
    send(b"{torn again")
    world.drain(quarantine_max_ratio=1.0)
    return world


def report_of(world: World, scope: Scope | None = None) -> QualityReport:
    return quality(Lake(str(world.root)), world.contract, scope or Scope())


def test_every_planted_defect_is_found_and_counted(world: World) -> None:
    found = report_of(world)
    assert (found.rows, found.rejected, found.resolved) == (18, 7, 0)
    assert [(each.reason, each.field, each.records) for each in found.rejects] == [
        ("not_json", None, 3),
        ("not_representable", "price", 3),
        ("unknown_field", "remark", 1),
    ]
    assert found.timeliness is not None
    assert (found.timeliness.late, found.timeliness.sent_late) == (4, 3)
    assert (found.timeliness.older_day, found.timeliness.ahead) == (3, 1)
    assert found.timeliness.most_seconds == 30 * 3600
    assert found.duplicates is not None
    assert (found.duplicates.key, found.duplicates.keys, found.duplicates.rows) == (("fill_id",), 2, 3)
    copies = {str(each.key["fill_id"]): len(each.records) for each in found.duplicates.examples}
    assert copies == {"0": 3, "1": 2}
    profile = {each.column: (each.nulls, each.lowest, each.highest) for each in found.columns}
    assert list(profile) == ["fill_id", "symbol", "price", "timestamp", "note"]
    assert profile["price"] == (0, Decimal(1), Decimal(10))
    assert profile["note"] == (14, "x", "x")
    assert profile["timestamp"] == (0, NOON - 6 * HOUR, NOON + 25 * HOUR)
    first, second = found.windows
    assert (first.start, first.rows, first.rejects, first.late, first.duplicates) == (NOON - 12 * HOUR, 10, 6, 0, 0)
    assert (second.rows, second.rejects, second.late, second.older_day, second.ahead) == (8, 1, 4, 3, 1)
    assert second.duplicates == 3


def test_the_same_is_found_where_maintenance_merged_the_files(world: World) -> None:
    before = report_of(world)
    world.table().optimize.compact()
    assert replace(report_of(world), version=before.version) == before


def test_a_report_of_a_time_knows_events_that_were_there_before(world: World) -> None:
    found = report_of(world, Scope(since=NOON + HOUR, by="hour"))
    assert (found.rows, found.rejected) == (8, 1)
    assert found.duplicates is not None
    assert (found.duplicates.keys, found.duplicates.rows) == (2, 3)
    assert [window.start for window in found.windows] == [NOON + 24 * HOUR]
    early = report_of(world, Scope(until=NOON + HOUR))
    assert early.duplicates is not None
    assert (early.rows, early.rejected, early.duplicates.rows) == (10, 6, 0)
    assert early.timeliness is not None
    assert early.timeliness.late == 0


def test_what_a_replay_brought_home_is_told(memory_world: World) -> None:
    world = memory_world
    world.contract = tight_contract_for(world.topic.name)
    world.topic.extend([fill(600), fill(1)])
    world.drain()
    world.contract = contract_for(world.topic.name)
    world.replay()
    found = report_of(world)
    assert (found.rows, found.rejected, found.resolved) == (2, 1, 1)
    assert (found.rejects[0].reason, found.rejects[0].field) == ("out_of_bounds", "price")


def test_any_columns_may_name_an_event_and_latest_rows_have_none_twice(world: World, tmp_path: Path) -> None:
    found = report_of(world, Scope(key=("symbol", "note")))
    assert found.duplicates is not None
    assert (found.duplicates.keys, found.duplicates.rows) == (2, 16)
    with pytest.raises(ConfigError, match="has no column nothing"):
        report_of(world, Scope(key=("nothing",)))
    latest = LatestWorld("memory", MemoryTopic(2), tmp_path / "latest")
    for account in (1, 2, 1):
        latest.send(account, at=0)
    latest.drain()
    found = report_of(latest)
    assert found.duplicates is not None
    assert (found.rows, found.duplicates.key, found.duplicates.rows) == (2, ("account",), 0)


def test_an_empty_table_has_a_report(memory_world: World) -> None:
    memory_world.drain()
    found = report_of(memory_world)
    assert (found.rows, found.rejected, found.windows, found.rejects) == (0, 0, (), ())
    assert all(each.lowest is None for each in found.columns)
    assert found.timeliness is not None
    assert found.timeliness.most_seconds is None


@pytest.fixture
def known(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Commands know the contract."""
    text = world.module().replace(
        "    timestamp: UtcTimestamp\n", "    timestamp: UtcTimestamp\n    note: str | None = None\n"
    )
    (world.folder / "noted_fills.py").write_text(text)
    monkeypatch.syspath_prepend(world.folder)
    monkeypatch.setenv("HEADRACE_CONTRACTS", "noted_fills")
    return world


def test_the_command_prints_markdown_and_json(known: World, command: Command) -> None:
    code, out = command(known, "audit", "quality", TABLE)
    assert code == 0
    assert out.startswith(f"# {TABLE}, version ")
    assert "18 rows landed and 7 records were refused." in out
    assert "| not_representable | price  |       3 |" in out or "| not_representable | price" in out
    assert "3 rows of 2 events that were there already, by fill_id." in out
    code, out = command(known, "audit", "quality", "--json", "--since", "2026-03-02T14:00:00+01:00", "--by", "hour")
    (table,) = json.loads(out)["tables"]
    assert (code, table["rows"], table["duplicates"]["rows"]) == (0, 8, 3)


def test_what_is_true_or_false_is_told_so(known: World) -> None:
    told = replace(report_of(known), columns=(ColumnProfile("live", "bool", 0, lowest=False, highest=True),))
    assert "| live   | bool | 0     | false  | true    |" in markdown(told)


def test_the_numbers_are_left_as_metrics(known: World, command: Command) -> None:
    file = known.folder / "quality.prom"
    assert command(known, "audit", "quality", "--metrics-file", str(file))[0] == 0
    families = text_string_to_metric_families(file.read_text())
    found = {
        (
            sample.name.removeprefix("headrace_quality_"),
            *(v for k, v in sorted(sample.labels.items()) if k != "table"),
        ): (sample.value)
        for family in families
        for sample in family.samples
    }
    assert found["rows",] == 18
    assert found["rejected_records", "", "not_json"] == 3
    assert found["rejected_records", "price", "not_representable"] == 3
    assert found["rejected_records", "", "unknown_field"] == 1
    assert found["null_values", "note"] == 14
    assert (found["lowest_value", "price"], found["highest_value", "price"]) == (1, 10)
    untimely = [found["untimely_rows", kind] for kind in ("late", "sent_late", "older_day", "ahead")]
    assert untimely == [4, 3, 3, 1]
    assert found["duplicate_rows",] == 3
    assert found["last_run_timestamp_seconds",] > 0
    assert found["duration_seconds",] > 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--metrics-file", "quality.txt"], 78),
        (["--since", "yesterday"], 64),
        (["--hours", "1", "--since", "2026-03-02T14:00:00Z"], 64),
        (["--key", "fill_id"], 64),
        ([TABLE, "--key", "nothing"], 78),
        (["nothing"], 78),
    ],
)
def test_a_wrong_question_is_refused(known: World, command: Command, arguments: list[str], code: int) -> None:
    assert command(known, "audit", "quality", *arguments)[0] == code


def test_a_table_without_a_contract_or_quarantine_is_refused(
    known: World, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (known.root / f"{TABLE}__quarantine").rename(known.folder / "away")
    with pytest.raises(WrongTableError, match="is gone"):
        report_of(known)
    monkeypatch.delenv("HEADRACE_CONTRACTS")
    assert command(known, "audit", "quality", TABLE)[0] == 78
