from headrace.testing.manual_clock import ManualClock
from headrace_ingest.drain import Drain
from headrace_ingest.intake import Lease


class _Table:
    """Positions in the table, and how often they were asked for."""

    def __init__(self, positions: dict[int, int]) -> None:
        self.positions = positions
        self.asked = 0

    def __call__(self) -> dict[int, int]:
        self.asked += 1
        return self.positions


def _lease(partition: int, *, position: int, durable: int) -> dict[int, Lease]:
    return {partition: Lease(partition, 1, position, durable)}


def test_drain_is_done_when_all_partitions_are_held_and_durable() -> None:
    table = _Table({})
    clock = ManualClock()
    drain = Drain({0: 10, 1: 0}, {}, table, clock)
    clock.advance(1)
    assert not drain.done(_lease(0, position=10, durable=9) | _lease(1, position=0, durable=0))
    assert drain.done(_lease(0, position=12, durable=10) | _lease(1, position=0, durable=0))
    assert table.asked == 0


def test_what_is_read_but_not_durable_is_collected_and_not_done() -> None:
    drain = Drain({0: 10}, {}, _Table({}), ManualClock())
    leases = _lease(0, position=10, durable=0)
    assert drain.collected(leases)
    assert not drain.done(leases)
    assert not drain.collected(_lease(0, position=9, durable=0))


def test_partitions_of_others_are_looked_up_in_the_table() -> None:
    table, clock = _Table({0: 10, 1: 4}), ManualClock()
    drain = Drain({0: 10, 1: 5}, {0: 10, 1: 3}, table, clock)
    mine = _lease(0, position=10, durable=10)
    assert not drain.done(mine)
    table.positions = {0: 10, 1: 5}
    clock.advance(0.5)
    assert drain.done(mine)


def test_table_is_asked_twice_a_second_at_most() -> None:
    table, clock = _Table({}), ManualClock()
    drain = Drain({0: 10}, {0: 9}, table, clock)
    for _ in range(11):
        assert not drain.done({})
        clock.advance(0.1)
    assert table.asked == 2


def test_table_is_not_asked_while_this_worker_has_something_to_do() -> None:
    table = _Table({0: 10, 1: 10})
    clock = ManualClock()
    drain = Drain({0: 10, 1: 10}, {0: 3, 1: 3}, table, clock)
    clock.advance(1)
    assert not drain.done(_lease(0, position=10, durable=3))
    assert table.asked == 0


def test_partitions_added_after_the_start_are_no_part_of_the_drain() -> None:
    drain = Drain({0: 10}, {}, _Table({}), ManualClock())
    assert drain.done(_lease(0, position=10, durable=10) | _lease(1, position=0, durable=0))


def test_empty_topic_is_drained_at_once() -> None:
    assert Drain({}, {}, _Table({}), ManualClock()).done({})


def test_a_table_that_had_it_all_at_the_start_is_not_asked_again() -> None:
    table = _Table({0: 10})
    assert Drain({0: 10}, {0: 10}, table, ManualClock()).done({})
    assert table.asked == 0
