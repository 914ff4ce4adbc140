"""When a signal ends the demo, and when it waits."""

import signal

import pytest

from headrace_cli.demo.ending import Ending, on_signals


def test_a_signal_ends_it_where_it_arrives_and_again_where_that_was_lost() -> None:
    with on_signals(ending := Ending()):
        ending.heed()
        with pytest.raises(SystemExit, match="143"):
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(SystemExit, match="143"):
            ending.heed()


def test_what_is_held_is_done_whole_and_then_it_ends() -> None:
    done = []

    def start(ending: Ending) -> None:
        with ending.held():
            signal.raise_signal(signal.SIGINT)
            done.append("started")
        done.append("went on")

    with on_signals(ending := Ending()), pytest.raises(KeyboardInterrupt):
        start(ending)
    assert done == ["started"]


def test_a_second_signal_does_not_interrupt_what_is_held() -> None:
    done = []

    def play(ending: Ending) -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            with ending.held():
                signal.raise_signal(signal.SIGTERM)
                done.append("killed")

    with on_signals(ending := Ending()), pytest.raises(SystemExit, match="143"):
        play(ending)
    assert done == ["killed"]


def test_signals_are_handled_as_before_afterwards() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with on_signals(Ending()):
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before
