"""For the tests of bots: producers that keep what they are sent, events, and brokers. docs/testing.md shows how."""

from headrace.testing.capture import AsyncCaptureProducer, CaptureBroker, Captured, CaptureProducer
from headrace.testing.events import (
    a_leg,
    a_market_regime,
    a_position,
    a_position_update,
    a_signal,
    a_trade,
    an_event,
    some_greeks,
    some_performance,
)

__all__ = [
    "AsyncCaptureProducer",
    "CaptureBroker",
    "CaptureProducer",
    "Captured",
    "a_leg",
    "a_market_regime",
    "a_position",
    "a_position_update",
    "a_signal",
    "a_trade",
    "an_event",
    "some_greeks",
    "some_performance",
]
