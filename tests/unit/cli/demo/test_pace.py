import pytest

from headrace_cli.demo.pace import Pace
from headrace_cli.demo.status import TableStatus


def status(ends: tuple[int, int], positions: tuple[int, int]) -> TableStatus:
    return TableStatus(
        table="trades",
        ends=dict(enumerate(ends)),
        positions=dict(enumerate(positions)),
        starts={0: 0, 1: 0},
        quarantined=0,
        commits=1,
    )


def test_nothing_is_known_before_the_first_look() -> None:
    pace = Pace()
    assert (pace.rate(), pace.rates(5), pace.behind()) == (0.0, [], 0.0)


def test_rates_are_those_of_the_last_three_seconds() -> None:
    pace = Pace()
    for second in range(11):
        rows = 100 * min(second, 6)
        pace.add(float(second), status((rows, 0), (rows, 0)))
    assert pace.rate() == 0.0
    assert pace.rates(6) == pytest.approx([100.0, 100.0, 200 / 3, 100 / 3, 0.0, 0.0])


def test_a_table_is_as_far_behind_as_its_oldest_missing_record_is_old() -> None:
    pace = Pace()
    pace.add(0.0, status((0, 0), (0, 0)))
    pace.add(10.0, status((100, 100), (100, 0)))
    assert pace.behind() == pytest.approx(10.0)
    pace.add(20.0, status((100, 200), (100, 150)))
    # Offset 150 of partition 1 came in the middle of the last ten seconds.
    assert pace.behind() == pytest.approx(5.0)
    pace.add(21.0, status((100, 200), (100, 200)))
    assert pace.behind() == 0.0


def test_records_older_than_what_is_kept_are_at_least_that_old() -> None:
    pace = Pace()
    for second in range(0, 500, 10):
        pace.add(float(second), status((100, 0), (0, 0)))
    assert pace.behind() >= 120.0


def test_counts_of_a_table_begin_where_it_began() -> None:
    table = TableStatus("t", ends={0: 130}, positions={0: 120}, starts={0: 100}, quarantined=3, commits=2)
    assert (table.records, table.durable, table.lag) == (30, 17, 10)
