"""What is shown of looks that succeed, fail, and are of tables that are gone."""

import pytest
from prometheus_client.registry import CollectorRegistry

from headrace.errors import BrokerUnreachableError, StoreError
from headrace.metrics import TABLES, tables
from headrace.metrics.recorder import Recorder, Sample
from headrace.testing.manual_clock import ManualClock
from headrace_exporter.board import Board


class Shown:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.clock = ManualClock()
        self.board = Board(Recorder(self.registry, TABLES), self.clock)

    def value(self, name: str, table: str = "t", **labels: str) -> float | None:
        return self.registry.get_sample_value(name, {"table": table, **labels})

    def fail(self, said: str) -> None:
        with self.board.look("t", "log"):
            raise StoreError(said)


def test_a_failure_is_counted_and_leaves_what_was_found(caplog: pytest.LogCaptureFixture) -> None:
    shown = Shown()
    with shown.board.look("t", "log"):
        shown.board.put("t", "state", [Sample(tables.VERSION, 7, {"table": "t"})])
    collected = shown.value(tables.COLLECTED.name, look="log")
    shown.clock.advance(60)
    for said in ("disk", "disk", "network"):
        shown.fail(said)

    assert shown.value(tables.COLLECTION_FAILURES.name, look="log") == 3
    assert shown.value(tables.COLLECTED.name, look="log") == collected
    assert shown.value(tables.VERSION.name) == 7
    assert caplog.text.count("collection_failed") == 2


def test_what_was_never_seen_grows_old_from_the_first_look_on() -> None:
    shown = Shown()
    began = shown.clock.now().timestamp()
    for _ in range(3):
        shown.fail("refused")
        shown.clock.advance(60)

    assert shown.value(tables.COLLECTED.name, look="log") == began
    with shown.board.look("t", "log"):
        pass
    assert shown.value(tables.COLLECTED.name, look="log") == began + 180


def test_a_failure_that_comes_back_is_logged_again(caplog: pytest.LogCaptureFixture) -> None:
    shown = Shown()
    shown.fail("disk")
    with shown.board.look("t", "log"):
        pass
    shown.fail("disk")
    assert caplog.text.count("collection_failed") == 2


def test_what_is_no_failure_of_the_table_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), Shown().board.look("t", "log"):
        _ = 1 / 0


def test_a_table_that_is_gone_is_forgotten() -> None:
    shown = Shown()
    for name in ("t", "other"):
        with shown.board.look(name, "full"):
            shown.board.put(name, "state", [Sample(tables.VERSION, 1, {"table": name})])
    shown.board.keep(["other"])
    assert shown.value(tables.VERSION.name) is None
    assert shown.value(tables.COLLECTED.name, look="full") is None
    assert shown.value(tables.VERSION.name, table="other") == 1


def test_an_outage_of_the_brokers_is_logged_once_in_whatever_words_it_comes(caplog: pytest.LogCaptureFixture) -> None:
    shown = Shown()
    for said in ("refused", "timed out", "refused"):
        shown.board.failed("t", "source", BrokerUnreachableError(said))
    shown.board.failed("t", "source", StoreError("disk"))

    assert shown.value(tables.COLLECTION_FAILURES.name, look="source") == 4
    assert caplog.text.count("collection_failed") == 2
