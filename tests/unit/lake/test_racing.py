import pytest

from headrace.errors import CommitTimeoutError
from headrace.lake.racing import TRIES, retry_pause, until_first


def test_pauses_grow_and_are_bounded() -> None:
    for attempt in range(30):
        assert 0.0 <= retry_pause(attempt) <= min(2.0, 0.02 * 2**attempt)
    assert len({retry_pause(5) for _ in range(10)}) > 1


def test_what_lost_is_tried_again_after_a_pause() -> None:
    answers, pauses = iter([None, None, 0]), list[float]()
    assert until_first("numbers", lambda: next(answers), pauses.append) == 0
    assert len(pauses) == 2


def test_who_keeps_losing_gives_up() -> None:
    pauses = list[float]()
    with pytest.raises(CommitTimeoutError, match=f"numbers: {TRIES} times another commit came first"):
        until_first("numbers", lambda: None, pauses.append)
    assert len(pauses) == TRIES
