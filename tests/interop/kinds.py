"""A table of each kind, with a column of each type, and what it holds."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import pyarrow as pa
import pytest
from pydantic import BaseModel, Field

from headrace import Day, Event, EventId, FiniteFloat, Int32, Name, Price, Quantity, Symbol, Table, UtcTimestamp
from headrace.contracts import Contract, contract_of
from headrace.lake.latest import merging
from headrace.lake.quarantine import quarantine_name
from headrace.lake.schema import arrow_schema
from tests.behaviour.latest import LatestWorld
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.upkeep import COLD, maintain
from tests.behaviour.world import TABLE, Row, World, poison

NOON = datetime(2026, 3, 2, 23, 59, 59, 999_990, tzinfo=UTC)
"""Ten microseconds before another day begins."""

PARTITIONS = 3


class Side(Enum):
    BUY = "BUY"
    SELL = "SELL"


class Venue(BaseModel):
    """Where it was filled."""

    code: Name
    fee: Price | None = None
    seen: UtcTimestamp | None = None


class Broad(Event):
    """A field of each type."""

    fill_id: EventId
    symbol: Symbol
    side: Side
    lots: Literal[1, 10]
    quantity: Quantity
    count: Int32
    price: Price
    exact: Decimal
    ratio: FiniteFloat
    live: bool
    expiry: Day
    note: str | None
    legs: list[Name | None]
    venue: Venue
    other: Venue | None = None
    timestamp: UtcTimestamp


NOTES = (None, "", "plain", 'quotes " and \\ and \n', "tränenlos 💧", "NULL", "__HIVE_DEFAULT_PARTITION__")
RATIOS = (0.1, -0.0, 5e-324, 1.7976931348623157e308, -2.5, 1e22)
EXACTS = ("0.000000000000000001", "99999999999999999999.999999999999999999", "-1.5", "0")
PRICES = ("0", "99999999999999.9999", "1.2345", "0.0001")
DESKS = ("A", "a", "A/B", "A:B", "A+B", "1.0", "null", "2026-03-02")
"""Values of a partition column of texts, among them what folders, URLs and readers might take for something else."""


def broad(kind: type[Broad], number: int, **more: Any) -> bytes:
    """The canonical value of the record of that number."""
    venue = Venue(code="X", fee=None if number % 3 == 0 else Decimal(PRICES[number % 4]), seen=None)
    event: dict[str, Any] = {
        "fill_id": f"f-{number}",
        "symbol": ("SPY", "BRK.B", "^VIX")[number % 3],
        "side": Side.BUY if number % 2 else Side.SELL,
        "lots": 10 if number % 5 else 1,
        "quantity": 9_223_372_036_854_775_807 if number == 7 else number + 1,
        "count": -2_147_483_648 + number,
        "price": Decimal(PRICES[number % 4]),
        "exact": Decimal(EXACTS[number % 4]),
        "ratio": RATIOS[number % 6],
        "live": number % 2 == 0,
        "expiry": date(1900 + number % 200, 2, 28),
        "note": NOTES[number % 7],
        "legs": ([], ["a"], ["a", None, "b"])[number % 3],
        "venue": venue,
        "other": venue.model_copy(update={"seen": NOON}) if number % 4 == 0 else None,
        "timestamp": NOON + timedelta(microseconds=number % 20),
    }
    return kind(**event | more).to_wire()


def appended() -> Contract:
    """One row per record, by day."""
    layout = Table(
        name=TABLE, partition_by="date", cluster_by=("symbol", "price"), bloom_filters=("fill_id", "quantity")
    )

    class Fill(Broad, topic="memory", key="symbol", table=layout):
        """One fill, of a made-up kind."""

    return contract_of(Fill)


def latest() -> Contract:
    """One row per account, by a text."""
    layout = Table(name=TABLE, mode="upsert", key=("account",), partition_by="desk", tombstones="delete")

    class Holding(Broad, topic="memory", key="account", table=layout):
        """What an account holds now."""

        account: Symbol
        desk: Name

    return contract_of(Holding)


def send(world: World, first: int, count: int) -> None:
    """Appends so many records, a few of them without a timestamp, and one that can never be a row."""
    kind: Any = appended().event
    for number in range(first, first + count):
        stamp = -1 if number % 11 == 0 else 1_767_000_000_123 + number
        world.topic.append(broad(kind, number), key=b"SPY", timestamp_ms=stamp)
    world.topic.append(poison(first))


def ingested(folder: Path) -> World:
    """As workers leave it, with a checkpoint on the way."""
    world = World("memory", MemoryTopic(PARTITIONS), folder)
    world.contract = appended()
    for turn in range(12):
        send(world, turn * 20, 20)
        world.drain(quarantine_max_ratio=1.0, checkpoint_every=10)
    return world


def compacted(folder: Path) -> World:
    """Merged, with more on top."""
    world = ingested(folder)
    maintain(world)
    send(world, 240, 20)
    world.drain(quarantine_max_ratio=1.0)
    return world


def sealed(folder: Path) -> World:
    """Merged, clustered and with Bloom filters."""
    world = ingested(folder)
    maintain(world, COLD)
    return world


def replayed(folder: Path) -> World:
    """With rows that were in the quarantine first."""
    world = World("memory", MemoryTopic(PARTITIONS), folder)
    world.contract = tight()
    for turn in range(3):
        send(world, turn * 40, 40)
        world.drain(quarantine_max_ratio=1.0, quarantine_max_consecutive=1000)
    world.contract = appended()
    world.replay()
    return world


def tight() -> Contract:
    """The same as `appended` with a bound that is too tight."""

    class Fill(Broad, topic="memory", key="symbol", table=appended().table):
        """One fill, of a made-up kind."""

        ratio: Annotated[FiniteFloat, Field(gt=0)]

    return contract_of(Fill)


def upserted(folder: Path) -> LatestWorld:
    """With replaced and deleted rows, small and large files, deletion vectors and a checkpoint."""
    world = LatestWorld("memory", MemoryTopic(PARTITIONS), folder)
    world.contract = latest()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "SMALL", 0)  # rows as few as these would be written again instead of marked
        for turn in range(8):
            send_latest(world, turn, 60, step=turn + 1)
            world.forget(turn)
            world.drain(checkpoint_every=10)
    return world


def send_latest(world: World, turn: int, accounts: int, *, step: int = 1) -> None:
    """Appends a record for each of so many accounts; some are older than what came before, some change the desk."""
    kind: Any = world.contract.event
    for account in range(0, accounts, step):
        desk = DESKS[(account + turn) % len(DESKS)]
        at = NOON + timedelta(microseconds=turn if account % 7 else -turn)
        value = broad(kind, account + turn, account=str(account), desk=desk, timestamp=at)
        world.topic.append(value, key=str(account).encode(), partition=account % PARTITIONS)


KINDS: Mapping[str, Callable[[Path], World]] = {
    "ingest": ingested,
    "compaction": compacted,
    "sealing": sealed,
    "replay": replayed,
    "upsert": upserted,
}


def as_polars_has_it(row: Row) -> Row:
    """Of latest rows polars takes a text that partitions from the name of its folder, and does not know the escape."""
    return row | {"desk": quote(row["desk"], safe="").replace("%", "!")} if "desk" in row else row


def schema_of(world: World) -> pa.Schema:
    """Columns of the world's table."""
    return arrow_schema(world.contract)


QUARANTINE = quarantine_name(TABLE)
