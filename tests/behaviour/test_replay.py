"""The replay of the quarantine, beside everything else that may be at work."""

from datetime import UTC, datetime, timedelta

import pytest

from headrace.contracts import RejectReason
from headrace.errors import ConfigError, WrongTableError
from headrace.offsets import OffsetRange
from headrace_ingest.replay.selection import Selection
from tests.behaviour.world import World, contract_for, fill, poison, tight_contract_for


def quarantined(world: World, count: int = 1000, *, torn: int = 0) -> World:
    """A drained world whose contract was too tight for half of its records, and is mended."""
    world.contract = tight_contract_for(world.topic.name)
    world.topic.extend([fill(number) for number in range(count)])
    world.topic.extend([poison(number) for number in range(torn)])
    world.drain(quarantine_max_ratio=1.0, quarantine_max_consecutive=count)
    world.assert_exact()
    world.contract = contract_for(world.topic.name)
    return world


def test_a_mended_contract_brings_its_records_home(world: World) -> None:
    quarantined(world, torn=3)
    assert len(world.landed()) == 500

    report = world.replay()

    assert (report.replayed, report.finished, report.pending) == (500, 0, 0)
    assert report.refused == {"not_json": 3}
    assert len(world.landed()) == 1000
    world.assert_exact()
