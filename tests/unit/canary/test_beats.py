"""What becomes of heartbeats, by what was sent and what the table says."""

import pytest

from headrace.offsets import Address
from headrace.read.feed import NewRow, NewRows
from headrace_canary.beats import Account, Arrival, Beat, Beats


def beats(*ids: str, at: float = 100.0) -> Beats:
    """On their way since `at`, in partition 0 from offset 0 on; late after ten seconds."""
    made = Beats(10.0)
    for offset, beat_id in enumerate(ids):
        made.sent(Beat(beat_id, at))
        made.placed(beat_id, (0, offset))
    return made


def rows(*found: tuple[str, Address], position: int) -> NewRows:
    return NewRows({0: position}, tuple(NewRow(value, address) for value, address in found))


def test_a_heartbeat_that_is_in_the_table_has_arrived_once() -> None:
    on_their_way = beats("a", "b")

    found = on_their_way.account(rows(("a", (0, 0)), position=1), 102.5)

    assert found == Account(arrived=(Arrival(Beat("a", 100.0), 2.5, late=False),))
    assert on_their_way.account(rows(position=1), 103.0) == Account()


def test_one_that_takes_too_long_is_missing_until_it_arrives_late() -> None:
    on_their_way = beats("a")
    assert on_their_way.missing(110.0) == 0
    assert on_their_way.missing(110.1) == 1

    found = on_their_way.account(rows(("a", (0, 0)), position=1), 3_700.0)

    assert found.arrived == (Arrival(Beat("a", 100.0), 3_600.0, late=True),)
    assert found.lost == ()
    assert on_their_way.missing(3_700.0) == 0


def test_only_one_that_the_table_went_past_is_lost() -> None:
    on_their_way = beats("a", "b")

    found = on_their_way.account(rows(("b", (0, 1)), position=2), 101.0)

    assert found.lost == ((0, 0),)
    assert on_their_way.missing(1_000.0) == 0


def test_one_that_was_found_before_the_broker_was_heard_is_not_waited_for() -> None:
    on_their_way = Beats(10.0)
    on_their_way.sent(Beat("a", 100.0))

    assert len(on_their_way.account(rows(("a", (0, 0)), position=1), 101.0).arrived) == 1
    on_their_way.placed("a", (0, 0))

    assert on_their_way.missing(1_000.0) == 0


def test_one_that_the_broker_did_not_take_is_not_waited_for() -> None:
    on_their_way = beats("a")
    on_their_way.given_up("a")
    assert on_their_way.missing(1_000.0) == 0


@pytest.mark.parametrize("again", [("a", (0, 0)), ("other", (0, 0))])
def test_a_second_row_of_a_record_is_doubled(again: tuple[str, Address]) -> None:
    on_their_way = beats("a")
    on_their_way.account(rows(("a", (0, 0)), position=1), 101.0)
    assert on_their_way.account(rows(again, position=1), 102.0).doubled == ((0, 0),)


def test_two_rows_of_a_record_in_one_look_are_doubled() -> None:
    found = beats("a").account(rows(("a", (0, 0)), ("a", (0, 0)), position=1), 101.0)
    assert len(found.arrived) == 1
    assert found.doubled == ((0, 0),)


def test_what_arrived_while_nobody_looked_is_not_known() -> None:
    on_their_way = beats("a", "b")
    assert on_their_way.account(NewRows({0: 1}, begins=True), 101.0) == Account(unknown=1)
    assert on_their_way.account(rows(("b", (0, 1)), position=2), 102.0).arrived[0].beat.beat_id == "b"


def test_a_clock_that_was_set_back_makes_no_negative_time() -> None:
    assert beats("a").account(rows(("a", (0, 0)), position=1), 90.0).arrived[0].seconds == 0
