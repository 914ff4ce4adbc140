"""A user's own module of events, from outside the package."""

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from headrace.contracts import contract_named, load_contracts
from headrace.errors import ContractError

BUILT_IN = [
    *("greeks", "headrace_heartbeat", "legs", "market_regimes", "performance_metrics"),
    *("position_updates", "positions", "signals", "trades"),
]

WEATHER = """
    from __future__ import annotations

    from decimal import Decimal
    from typing import Literal

    from pydantic import BaseModel, Field

    from headrace import Event, Price, Symbol, Table, UtcTimestamp


    class Place(BaseModel):
        latitude: Decimal
        longitude: Decimal


    class Reading(Event, topic="weather.readings-v1", key="station", table=Table(partition_by="date")):
        '''One reading of one station.'''

        station: Symbol
        timestamp: UtcTimestamp
        celsius: float = Field(ge=-90, le=60, description="Air, degrees.")
        fee: Price
        sky: Literal["clear", "cloudy"]
        place: Place | None = None
        tags: list[str]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


def write(folder: Path, name: str, text: str) -> str:
    (folder / f"{name}.py").write_text(dedent(text))
    return name


def test_the_built_in_contracts_are_always_there() -> None:
    assert sorted(load_contracts([])) == BUILT_IN


def test_a_module_of_the_user_stands_beside_the_built_in_ones(folder: Path) -> None:
    contracts = load_contracts([write(folder, "weather", WEATHER)])
    contract = contracts["weather_readings_v1"]
    assert sorted(contracts) == [*BUILT_IN, "weather_readings_v1"]
    assert (contract.topic, contract.event_time) == ("weather.readings-v1", "timestamp")
    assert {field.name: field.comment for field in contract.fields}["celsius"] == "Air, degrees."
    value = (
        b'{"station":"ZRH","timestamp":"2026-01-31T15:04:05Z","celsius":-3,"fee":0.5,"sky":"clear",'
        b'"place":{"latitude":47.45,"longitude":"8.56"},"tags":[]}'
    )
    event = contract.event.from_wire(value)
    assert contract.event.from_wire(event.to_wire()) == event


def test_the_same_module_twice_is_no_clash(folder: Path) -> None:
    name = write(folder, "weather", WEATHER)
    assert len(load_contracts([name, name])) == len(BUILT_IN) + 1


def test_imported_contracts_belong_to_the_module_that_defines_them(folder: Path) -> None:
    write(folder, "weather", WEATHER)
    write(folder, "again", "from weather import Reading")
    with pytest.raises(ContractError, match="module again defines no contract"):
        load_contracts(["again"])


def test_a_contract_of_the_user_takes_the_place_of_a_built_in_one(folder: Path) -> None:
    mine = """
        from headrace import Event, Table

        class Mine(Event, topic="mine", key="a", table=Table(name="trades")):
            a: str

        class Ours(Event, topic="greeks", key="a", table=Table(name="ours")):
            a: str
    """
    contracts = load_contracts([write(folder, "mine", mine)])
    assert "greeks" not in contracts
    assert {name: contracts[name].topic for name in ("trades", "ours", "signals")} == {
        "trades": "mine",
        "ours": "greeks",
        "signals": "signals",
    }


@pytest.mark.parametrize(
    ("declared", "what"), [('"a", key="a"', "topic 'a'"), ('"b", key="a", table=Table(name="a")', "table 'a'")]
)
def test_two_contracts_of_one_table_or_topic_are_named(folder: Path, declared: str, what: str) -> None:
    one = """
        from headrace import Event, Table

        class One(Event, topic="a", key="a", table=Table(name="NAME")):
            a: str
    """.replace("NAME", "one" if "topic" in what else "a")
    other = f"""
        from headrace import Event, Table

        class Other(Event, topic={declared}):
            a: str
    """
    modules = [write(folder, "one", one), write(folder, "other", other)]
    with pytest.raises(ContractError, match=rf"other\.Other and one\.One both claim the {what}"):
        load_contracts(modules)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = 1", "defines no contract"),
        ("import nothing_of_that_name", "cannot be imported: ModuleNotFoundError"),
        ("x = (", "cannot be imported: SyntaxError"),
        ("1 / 0", "cannot be imported: ZeroDivisionError"),
        (
            "from headrace import Event\nclass A(Event, topic='a', key='b'):\n    a: dict[str, int]",
            "write a nested model",
        ),
        (
            "from __future__ import annotations\nfrom headrace import Event\n"
            "class A(Event, topic='a', key='a'):\n    a: Nowhere",
            "the annotation Nowhere means nothing",
        ),
    ],
    ids=["empty", "missing import", "syntax", "error", "bad field", "unknown name"],
)  # fmt: skip
def test_a_module_that_cannot_be_used_says_why(folder: Path, text: str, sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        load_contracts([write(folder, "broken", text)])


def test_an_unknown_module_says_what_to_set() -> None:
    with pytest.raises(ContractError, match="write the dotted name of an installed module"):
        load_contracts(["nowhere.at.all"])


def test_an_unknown_table_lists_the_known_ones() -> None:
    with pytest.raises(ContractError, match=r"known are greeks, .*, signals, trades: set HEADRACE_CONTRACTS"):
        contract_named(load_contracts(), "nothing")
