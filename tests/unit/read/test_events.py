import random

import polars as pl
import pytest

from headrace.contracts import Event, Trade, contract_of
from headrace.errors import ContractError
from headrace.read.events import once_per_event


def test_first_record_of_each_event_stays_wherever_its_repetitions_are() -> None:
    rows = [
        {"transaction_id": f"t-{event}", "_partition": event % 3, "_offset": offset, "copy": copy}
        for copy, events in enumerate((range(60), range(40, 60), range(55, 60)))
        for offset, event in enumerate(events, start=copy * 1_000)
    ]
    random.Random(7).shuffle(rows)
    kept = once_per_event(pl.LazyFrame(rows), contract_of(Trade)).collect()
    assert sorted(kept["transaction_id"]) == sorted(f"t-{event}" for event in range(60))
    assert set(kept["copy"]) == {0}


def test_events_without_an_id_are_refused() -> None:
    class Tick(Event, topic="ticks", key="number"):
        """Nothing names it."""

        number: int

    with pytest.raises(ContractError, match=r"ticks have no id.*EventId"):
        once_per_event(pl.LazyFrame({"number": [1]}), contract_of(Tick))
