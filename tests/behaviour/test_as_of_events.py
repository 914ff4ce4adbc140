"""Tables as of a time of their events, one or several at once."""

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from headrace import Event, Price, Symbol, Table, UtcTimestamp
from headrace.contracts import contract_of
from headrace.errors import AsOfError, ConfigError
from headrace.lake import AsOf, EventTime, KafkaPosition
from headrace.read.ends import BrokerEnds
from tests.behaviour.as_of import drained, lake_of
from tests.behaviour.latest import LatestWorld
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.world import DAY, TABLE, World, fill

MARKS = "marks"


def second(number: float) -> datetime:
    return DAY + timedelta(seconds=number)


def test_events_of_a_log_are_read_by_their_own_time_whenever_they_came(memory_world: World) -> None:
    drained(memory_world, 5)
    memory_world.topic.extend([fill(2, note="late")])
    memory_world.drain()

    ids = lake_of(memory_world).read(TABLE, as_of=EventTime(DAY + timedelta(milliseconds=2)), columns=["fill_id"])

    assert sorted(ids.collect()["fill_id"]) == ["fill-0", "fill-1", "fill-2", "late-2"]


class Marks(World):
    """Of each symbol its latest price, in the lake of another world."""

    def __post_init__(self) -> None:
        class Mark(Event, topic="marks", key="symbol", table=Table(name=MARKS, mode="upsert", key=("symbol",))):
            """What something is worth now."""

            symbol: Symbol
            price: Price
            timestamp: UtcTimestamp

        self.contract = contract_of(Mark)
        self.event = Mark

    def flush(self, *events: tuple[str, int], partition: int = 0) -> int:
        """Symbols and seconds, the price being the second; all in one commit, the version of which is returned."""
        for symbol, at in events:
            value = self.event.model_validate({"symbol": symbol, "price": at, "timestamp": second(at)}).to_wire()
            self.topic.append(value, key=symbol.encode(), partition=partition)
        self.drain()
        return self.table(MARKS).version()

    def prices(self, as_of: AsOf) -> dict[str, int]:
        rows = lake_of(self).read(MARKS, as_of=as_of, columns=["symbol", "price"]).collect()
        return {symbol: int(price) for symbol, price in rows.iter_rows()}


@pytest.fixture
def marks(tmp_path: Path) -> Marks:
    return Marks("memory", MemoryTopic(2, "marks"), tmp_path)


def test_latest_rows_of_an_event_time_are_those_before_any_later_event(marks: Marks) -> None:
    marks.flush(("A", 1), ("B", 2))
    marks.flush(("A", 11), ("B", 12))
    marks.flush(("A", 21))

    assert marks.prices(EventTime(second(2))) == {"A": 1, "B": 2}
    assert marks.prices(EventTime(second(15))) == {"A": 11, "B": 12}
    assert marks.prices(EventTime(second(11))) == {"A": 11, "B": 2}
    assert marks.prices(EventTime(second(0))) == {}
    assert marks.prices(EventTime(second(99))) == {"A": 21, "B": 12}


def test_late_events_count_where_they_became_rows(marks: Marks) -> None:
    marks.flush(("A", 1))
    marks.flush(("A", 20))
    marks.table(MARKS).alter.set_table_properties({"delta.logRetentionDuration": "interval 31 days"})
    marks.flush(("B", 5))

    assert marks.prices(EventTime(second(10))) == {"A": 1, "B": 5}


def test_latest_rows_that_were_never_written_are_not_told(marks: Marks) -> None:
    marks.flush(("A", 1))
    version = marks.flush(("A", 5), ("A", 9))

    with pytest.raises(AsOfError, match=f"version {version} brought several events of a key, of which only the latest"):
        marks.prices(EventTime(second(6)))
    assert marks.prices(EventTime(second(9))) == {"A": 9}
    assert marks.prices(EventTime(second(4))) == {"A": 1}


def test_a_position_within_a_flush_of_latest_rows_is_the_version_before_it(marks: Marks) -> None:
    first = marks.flush(("A", 1), ("B", 2))
    second_ = marks.flush(("A", 5), ("B", 6))

    assert lake_of(marks).snapshot(MARKS, KafkaPosition(0, 4)).version == second_
    found = lake_of(marks).snapshot(MARKS, KafkaPosition(0, 3))
    assert (first <= found.version < second_, found.positions[0]) == (True, 2)
    assert marks.prices(KafkaPosition(0, 3)) == {"A": 1, "B": 2}


def test_tombstones_have_no_event_time(tmp_path: Path) -> None:
    world = LatestWorld("memory", MemoryTopic(1), tmp_path)
    world.send(1, at=1)
    world.drain()

    with pytest.raises(AsOfError, match="tombstones delete its rows, and they have no event time"):
        lake_of(world).read(TABLE, as_of=EventTime(DAY))


def test_tables_are_read_at_one_moment_and_none_before_all_are_there(memory_world: World, marks: Marks) -> None:
    fills, lake = memory_world, lake_of(marks)
    assert fills.root == marks.root
    for number in (1, 5, 9):
        for partition in range(fills.topic.partitions):
            fills.topic.append(fill(0, at=second(number), note=f"{number}-{partition}"), partition=partition)
    fills.drain()
    marks.flush(("A", 1), ("A", 3))
    marks.flush(("B", 4), ("B", 6), partition=1)

    with pytest.raises(AsOfError, match=r"marks does not hold all up to .* of partitions 0\. It does up to "):
        lake.consistent_at(second(5), [TABLE, MARKS])
    marks.flush(("A", 8))
    found = lake.consistent_at(second(5), [TABLE, MARKS])

    assert (found.moment, list(found), len(found)) == (second(5), [TABLE, MARKS], 2)
    assert found[TABLE].frame().select(pl.col("timestamp").max()).collect().item() == second(5)
    # What B was worth at second 4 was never a row, and A of second 3 is a row no more when B of second 6 is one.
    assert found.beyond == {MARKS}
    assert sorted(found[MARKS].frame().select("price").collect()["price"]) == [6, 8]
    newest = lake.consistent_at(tables=[TABLE, MARKS])
    assert second(5) < newest.moment < second(6)


def test_a_quiet_partition_is_waited_for_unless_the_broker_says_that_there_is_no_more(marks: Marks) -> None:
    marks.flush(("A", 1))
    marks.flush(("A", 9))
    lake = lake_of(marks)

    with pytest.raises(AsOfError, match=r"of partitions 1\. If those partitions are quiet, let the broker be asked"):
        lake.consistent_at(second(5), [MARKS])
    with pytest.raises(AsOfError, match=r"of partitions 1\.$"):
        lake.consistent_at(second(5), [MARKS], ends=lambda _: {0: 2, 1: 1})
    found = lake.consistent_at(second(5), [MARKS], ends=lambda _: {0: 2, 1: 0})

    assert (found.beyond, found[MARKS].frame().collect().height) == (frozenset(), 1)
    assert lake.consistent_at(ends=lambda _: {0: 2, 1: 0}).moment > second(9)


def test_the_broker_is_asked_where_topics_end(embedded_world: World) -> None:
    world = embedded_world
    world.topic.extend([fill(n) for n in range(4)])
    world.drain()
    lake = lake_of(world)

    with BrokerEnds(str(world.root), world.settings().kafka) as ends:
        assert ends(TABLE) == world.positions()
        assert lake.consistent_at(tables=[TABLE], ends=ends)[TABLE].frame().collect().height == 4
        world.topic.extend([fill(9)])
        with pytest.raises(AsOfError, match="does not hold all up to"):
            lake.consistent_at(DAY + timedelta(hours=1), [TABLE], ends=ends)


def test_tables_without_positions_or_event_times_are_refused(memory_world: World) -> None:
    drained(memory_world, 1)
    pl.DataFrame({"x": [1]}).write_delta(str(memory_world.root / "other"))
    lake = lake_of(memory_world)

    with pytest.raises(ConfigError, match=r"other has no property headrace.event_time"):
        lake.read("other", as_of=EventTime(DAY))
    with pytest.raises(
        AsOfError, match="records no position of partition 0; the partitions it has are none: no worker"
    ):
        lake.read("other", as_of=KafkaPosition(0, 0))
    with pytest.raises(ConfigError, match=r"headrace.event_time"):
        lake.consistent_at(DAY, [TABLE, "other"])
