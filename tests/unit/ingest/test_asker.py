"""Questions beside the loop."""

from threading import Event

from headrace.testing.manual_clock import ManualClock
from headrace.testing.waiting import PATIENCE_SECONDS, wait_until
from headrace_ingest.asker import Asker


def test_one_question_is_open_at_a_time_and_its_answer_is_given_once() -> None:
    clock, answering, asked = ManualClock(), Event(), list[int]()
    asker = Asker[int]("test", seconds=5.0, clock=clock)

    def ask() -> int:
        asked.append(len(asked))
        answering.wait(PATIENCE_SECONDS)
        return asked[-1]

    assert asker.turn(ask) is None
    assert not asker.asking
    clock.advance(5.0)
    assert asker.turn(ask) is None
    clock.advance(60.0)
    assert asker.turn(ask) is None
    assert asker.asking
    answering.set()
    wait_until(lambda: (answer := asker.turn(ask)) is not None and answer.result() == 0, "it is answered")
    assert asked == [0]
    assert not asker.asking


def test_what_the_question_raised_is_its_answer() -> None:
    clock = ManualClock()
    asker = Asker[float]("test", seconds=5.0, clock=clock)
    clock.advance(5.0)
    asker.turn(lambda: 1 / 0)
    wait_until(lambda: (answer := asker.turn(lambda: 1.0)) is not None and answer.exception() is not None, "it fails")
