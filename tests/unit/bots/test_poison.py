from itertools import islice

import pytest

from headrace.clock import SystemClock
from headrace.contracts import Event, contract_of, explain
from headrace.contracts.state import Position
from headrace.contracts.trading import Greeks, Signal, Trade
from headrace_bots.bots import Simulation
from headrace_bots.events import Stamps
from headrace_bots.poison import MALFORMATIONS, Malformation, Poisoner, poison

SOME = list(islice(Simulation(1, 8, Stamps("run", SystemClock())).events(), 400))
ONE_OF_EACH = [next(event for event in SOME if isinstance(event, kind)) for kind in (Trade, Greeks, Signal, Position)]
PAIRS = [
    pytest.param(event, malformation, id=f"{contract_of(type(event)).name}-{malformation.label}")
    for event in ONE_OF_EACH
    for malformation in MALFORMATIONS.values()
    if malformation.applies_to(contract_of(type(event)))
]


@pytest.mark.parametrize(("event", "malformation"), PAIRS)
def test_malformed_record_is_refused_for_the_reason_it_names(event: Event, malformation: Malformation) -> None:
    contract = contract_of(type(event))
    bad = poison(malformation, contract, event.to_wire())
    rejection = explain(contract, bad.value)
    assert rejection is not None
    assert (rejection.reason, bad.label) == (bad.reason, malformation.label)
    assert rejection.detail


def test_every_malformation_can_break_some_event() -> None:
    contracts = [contract_of(type(event)) for event in ONE_OF_EACH]
    assert all(any(m.applies_to(c) for c in contracts) for m in MALFORMATIONS.values())


def test_events_themselves_are_valid() -> None:
    assert all(explain(contract_of(type(event)), event.to_wire()) is None for event in ONE_OF_EACH)


def test_about_the_asked_share_of_records_is_malformed() -> None:
    poisoner = Poisoner(7, 0.1)
    labels = [bad.label for _ in range(50) for event in SOME if (bad := poisoner.after(event))]
    assert len(labels) == pytest.approx(50 * len(SOME) * 0.1, rel=0.1)
    assert set(labels) == set(MALFORMATIONS)


def test_ratio_of_zero_sends_none_and_the_same_seed_sends_the_same() -> None:
    assert all(Poisoner(7, 0.0).after(event) is None for event in SOME)
    assert [Poisoner(7, 0.5).after(e) for e in SOME] == [Poisoner(7, 0.5).after(e) for e in SOME]
