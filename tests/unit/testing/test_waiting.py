import threading
from collections.abc import Sized
from itertools import count

import pytest

from headrace.testing.waiting import wait_for_more, wait_until


def test_a_condition_that_takes_long_to_ask_leaves_the_processor_to_others() -> None:
    asked = count()

    def never() -> bool:
        next(asked)
        return threading.Event().wait(0.03)

    with pytest.raises(TimeoutError, match=r"waited 0\.5 s in vain: it never comes"):
        wait_until(never, "it never comes", seconds=0.5)
    assert next(asked) <= 7


def test_what_holds_at_once_is_asked_once() -> None:
    asked = count()
    wait_until(lambda: next(asked) == 0, "it holds", seconds=0)
    assert next(asked) == 1


def test_what_grows_is_waited_for() -> None:
    class Growing(Sized):
        length = 0

        def __len__(self) -> int:
            self.length += 1
            return self.length

    growing = Growing()
    wait_for_more(growing, 3)
    assert growing.length == 4
