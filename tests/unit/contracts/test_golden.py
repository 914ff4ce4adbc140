"""Golden files: what is in topics and tables today must still be readable tomorrow.

A difference here is a change of the format: raise `schema_version` and add a file, never edit one.
"""

import json
from pathlib import Path

import pytest

from headrace.contracts import (
    Contract,
    Event,
    Greeks,
    Leg,
    MarketRegime,
    PerformanceMetrics,
    Position,
    PositionUpdate,
    Signal,
    Trade,
    contract_of,
    load_contracts,
)
from headrace.contracts.heartbeat import Heartbeat

GOLDEN = Path(__file__).parents[2] / "golden"

GREEKS = {"delta": -0.25, "gamma": 1e-05, "theta": -1, "vega": 0.1}

EVENTS: dict[str, tuple[type[Event], list[dict[str, object]]]] = {
    "trades": (
        Trade,
        [
            {
                "transaction_id": "0197f3c2-7d1e-7000-8000-00000000002a",
                "strategy_id": "iron-condor/SPY/1",
                "leg_id": "short-put",
                "symbol": "SPY",
                "action": "SELL",
                "quantity": 10,
                "price": "3.45",
                "commission": "6.5",
                "timestamp": "2026-01-31T16:04:05.000001+01:00",
            },
            {
                "transaction_id": "t-2",
                "strategy_id": "s",
                "leg_id": "l",
                "symbol": "BRK.B",
                "action": "BUY",
                "quantity": 9_223_372_036_854_775_807,
                "price": "99999999999999.9999",
                "commission": 0,
                "timestamp": "2026-01-31T15:04:05Z",
                "order_id": "42",
                "account": "U1",
            },
        ],
    ),
    "greeks": (
        Greeks,
        [
            {
                "strategy_id": "iron-condor/SPY/1",
                "symbol": "SPY",
                "leg_id": "short-put",
                "timestamp": "2026-01-31T15:04:05.5Z",
                "delta": -0.25,
                "gamma": 1e-05,
                "theta": -1,
                "vega": 0.1,
                "rho": 1e22,
                "implied_volatility": 0.2,
                "underlying_price": "601.2345",
                "portfolio_delta": 0.30000000000000004,
                "portfolio_gamma": 5e-324,
                "portfolio_theta": -0.0,
                "portfolio_vega": 1.7976931348623157e308,
            },
        ],
    ),
    "signals": (
        Signal,
        [
            {
                "timestamp": "2026-01-31T15:04:05Z",
                "strategy_id": "s",
                "symbol": "SPY",
                "signal_type": "ml_entry",
                "signal_value": 1,
                "source": "xgboost_model",
                "source_version": "v1.2.0",
                "acted_upon": True,
                "acted_at": "2026-01-31T15:04:06Z",
                "regime": "low_volatility",
                "futures_trend": "flat",
            },
        ],
    ),
    "positions": (
        Position,
        [
            {
                "strategy_id": "iron-condor/SPY/1",
                "strategy_type": "iron_condor",
                "symbol": "SPY",
                "status": "open",
                "entry_date": "2026-01-05",
                "entry_price": "-3.45",
                "quantity": -10,
                **GREEKS,
                "unrealized_pnl": "-12.3456",
                "realized_pnl": 0,
                "timestamp": "2026-01-31T15:04:05Z",
            },
            {
                "strategy_id": "s",
                "strategy_type": "covered_call",
                "symbol": "BRK.B",
                "status": "closed",
                "entry_date": "2026-01-05",
                "exit_date": "2026-01-31",
                "entry_price": "3.45",
                "exit_price": "99999999999999.9999",
                "quantity": 0,
                **GREEKS,
                "unrealized_pnl": 0,
                "realized_pnl": "-99999999999999.9999",
                "timestamp": "2026-01-31T15:04:05Z",
            },
        ],
    ),
    "legs": (
        Leg,
        [
            {
                "leg_id": "short-put",
                "strategy_id": "iron-condor/SPY/1",
                "symbol": "SPY",
                "conid": 712_345_678,
                "right": "P",
                "strike": "412.5",
                "expiry": "2026-02-20",
                "quantity": -10,
                "entry_price": "3.45",
                "current_price": 0,
                **GREEKS,
                "status": "open",
                "timestamp": "2026-01-31T15:04:05Z",
            },
        ],
    ),
    "position_updates": (
        PositionUpdate,
        [
            {
                "conid": 756_733,
                "symbol": "SPY",
                "quantity": 100,
                "average_cost": "512.345",
                "market_price": "513.5",
                "market_value": "51350",
                "unrealized_pnl": "115.5",
                "timestamp": "2026-01-31T15:04:05Z",
            },
            {
                "conid": 9_223_372_036_854_775_807,
                "symbol": "CL",
                "right": "C",
                "strike": 0,
                "expiry": "2026-02-20",
                "quantity": -1,
                "average_cost": "-37.63",
                "market_price": "-37.63",
                "market_value": "37630",
                "unrealized_pnl": 0,
                "timestamp": "2026-01-31T15:04:05Z",
            },
        ],
    ),
    "market_regimes": (
        MarketRegime,
        [
            {
                "timestamp": "2026-01-31T15:04:05Z",
                "symbol": "^VIX",
                "regime": "low_volatility",
                "vix": 13.5,
                "put_call_ratio": 0,
                "futures_trend": "down",
                "confidence": 1,
                "model_version": "v1.2.0",
                "source": "manual_override",
            },
        ],
    ),
    "performance_metrics": (
        PerformanceMetrics,
        [
            {
                "timestamp": "2026-01-31T15:04:05Z",
                "strategy_id": "iron-condor/SPY/1",
                "unrealized_pnl": "-0.0001",
                "realized_pnl": "99999999999999.9999",
                "total_pnl": "99999999999999.9998",
                **GREEKS,
                "dte": -1,
                "entry_price": "-3.45",
                "current_price": "-1.2",
                "regime_at_entry": "crisis",
                "regime_current": "bull",
            },
        ],
    ),
    "headrace_heartbeat": (
        Heartbeat,
        [{"beat_id": "0197f3c27d1e70008000000000000a2c", "timestamp": "2026-01-31T15:04:05Z"}],
    ),
}


def test_every_built_in_contract_has_golden_files() -> None:
    assert EVENTS.keys() == load_contracts().keys()


@pytest.mark.parametrize("name", EVENTS)
def test_events_are_written_as_ever(name: str) -> None:
    event, values = EVENTS[name]
    written = b"".join(event(**fields).to_wire() + b"\n" for fields in values)
    assert written == (GOLDEN / f"{name}.v1.jsonl").read_bytes()


@pytest.mark.parametrize("name", EVENTS)
def test_events_written_once_are_read_as_ever(name: str) -> None:
    event, values = EVENTS[name]
    lines = (GOLDEN / f"{name}.v1.jsonl").read_bytes().splitlines()
    assert [event.from_wire(line) for line in lines] == [event(**fields) for fields in values]


@pytest.mark.parametrize("name", EVENTS)
def test_the_layout_of_topic_and_table_is_as_ever(name: str) -> None:
    contract = contract_of(EVENTS[name][0])
    assert layout(contract) == json.loads((GOLDEN / f"{name}.v1.layout.json").read_text())


def layout(contract: Contract) -> dict[str, object]:
    """What topics, directories and rows depend on."""
    rows = {"row_key": list(contract.table.key)} if contract.table.mode == "upsert" else {}
    return {
        **rows,
        "topic": contract.topic,
        "key": contract.key,
        "table": contract.name,
        "mode": contract.table.mode,
        "partition_by": contract.table.partition_by,
        "cluster_by": list(contract.table.cluster_by),
        "event_time": contract.event_time,
        "event_id": contract.event_id,
        "schema_version": contract.schema_version,
    }
