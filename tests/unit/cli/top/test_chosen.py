"""Keys, and what they choose."""

from functools import reduce

import pytest

from headrace_cli.top.chosen import ORDERS, Chosen, keys_of, pressed
from headrace_cli.top.figures import TableLine
from headrace_cli.top.problems import Problem, Severity

LINES = [
    TableLine("greeks", topic="g", lag=5, health=70, files=9),
    TableLine("signals", topic="s", lag=None, health=99),
    TableLine("trades", topic="t", lag=700, health=80, files=3),
]


def after(keys: str, chosen: Chosen | None = None, tables: int = 30) -> Chosen | None:
    begin: Chosen | None = chosen or Chosen()
    return reduce(lambda so_far, key: so_far and pressed(so_far, key, tables), keys_of(keys), begin)


def names(chosen: Chosen | None, *problems: Problem) -> list[str]:
    assert chosen is not None
    return [line.table for line in chosen.of(LINES, problems)]


def test_tables_with_problems_come_first() -> None:
    worst = Problem(Severity.CRITICAL, "A", "t", "by its topic")
    bad = Problem(Severity.INFO, "A", "signals", "by its name")
    assert names(Chosen(), bad, worst) == ["trades", "signals", "greeks"]


def test_sorting_goes_through_all_columns_and_back() -> None:
    assert names(after("s")) == ["trades", "greeks", "signals"]
    assert names(after("sr")) == ["greeks", "trades", "signals"]
    assert names(Chosen(order="health")) == ["greeks", "trades", "signals"]
    assert names(Chosen(order="files")) == ["greeks", "trades", "signals"]
    assert names(Chosen(order="name", backwards=True)) == ["trades", "signals", "greeks"]
    assert after("s" * len(ORDERS)) == Chosen() == after("sS")


def test_a_filter_is_typed_and_corrected_and_taken_back() -> None:
    typing = after("/trx\x7f")
    assert typing == Chosen(words="tr", typing=True)
    assert names(typing) == ["trades"]
    assert after("\r", typing) == Chosen(words="tr")
    assert after("\rq", typing) is None
    assert after("q", typing) == Chosen(words="trq", typing=True)
    assert after("\x1b", typing) == Chosen()
    assert after("\r\x1b", typing) == Chosen()


@pytest.mark.parametrize(
    ("keys", "first"), [("j", 1), ("\x1b[B\x1b[B\x1b[A", 1), ("\x1b[6~", 10), ("\x1b[6~\x1b[5~k", 0), ("j" * 99, 29)]
)
def test_scrolling_stops_at_both_ends(keys: str, first: int) -> None:
    scrolled = after(keys)
    assert scrolled is not None
    assert scrolled.first == first


@pytest.mark.parametrize("key", ["q", "Q", "\x03", "\x04"])
def test_quitting(key: str) -> None:
    assert after(key) is None


@pytest.mark.parametrize("key", ["x", "\x1b[15~", "\x1b[1;5C", "ä"])
def test_other_keys_change_nothing(key: str) -> None:
    assert after(key) == Chosen()
