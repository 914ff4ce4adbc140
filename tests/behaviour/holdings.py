"""A made-up state, of which tables of latest rows are: contracts of it and the values of records."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from headrace import Event, Name, Price, Symbol, Table, UtcTimestamp
from headrace.contracts import Contract, contract_of
from tests.behaviour.world import DAY, TABLE

LOG = "fills_log"
"""The table of all events."""

LAYOUT = Table(name=TABLE, mode="upsert", key=("account",), partition_by="desk", tombstones="delete")


def latest_contract_for(topic: str) -> Contract:
    """A contract of a made-up state; an account may change its desk, and so its row the partition."""

    class Holding(Event, topic=topic, key="account", table=LAYOUT):
        """What an account holds now."""

        account: Symbol
        desk: Name
        price: Price
        timestamp: UtcTimestamp

    return contract_of(Holding)


def tight_latest_contract_for(topic: str) -> Contract:
    """The same with a bound that is too tight: prices of 50 and more are refused."""

    class Holding(Event, topic=topic, key="account", table=LAYOUT):
        """What an account holds now."""

        account: Symbol
        desk: Name
        price: Annotated[Price, Field(lt=Decimal(50))]
        timestamp: UtcTimestamp

    return contract_of(Holding)


def log_contract_for(topic: str, *, below: int = 1_000_000) -> Contract:
    """A contract of the same events, of which each is a row for ever; prices of `below` and more are refused."""

    class Held(Event, topic=topic, key="account", table=Table(name=LOG, partition_by="date")):
        """What an account held at one moment."""

        account: Symbol
        desk: Name
        price: Annotated[Price, Field(lt=Decimal(below))]
        timestamp: UtcTimestamp

    return contract_of(Held)


def grown_latest_contract_for(topic: str) -> Contract:
    """The same with a field more, in a later version."""

    class Holding(Event, topic=topic, key="account", table=LAYOUT, schema_version=2):
        """What an account holds now."""

        account: Symbol
        desk: Name
        price: Price
        timestamp: UtcTimestamp
        venue: Symbol | None = None
        """Where."""

    return contract_of(Holding)


MODULE = """
from headrace import Event, Name, Price, Symbol, Table, UtcTimestamp

LAYOUT = Table(name={table!r}, mode="upsert", key=("account",), partition_by="desk", tombstones="delete")


class Holding(Event, topic={topic!r}, key="account", table=LAYOUT):
    '''What an account holds now.'''

    account: Symbol
    desk: Name
    price: Price
    timestamp: UtcTimestamp
"""
"""The same contract as a module of a user's."""


def holding(account: int, *, at: float, desk: str = "A", price: int = 0) -> bytes:
    """The canonical value of a valid record; `at` in seconds after `DAY`."""
    stamp = (DAY + timedelta(seconds=at)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    number = f"{Decimal(price):.4f}"
    return f'{{"account":"{account}","desk":"{desk}","price":"{number}","timestamp":"{stamp}"}}'.encode()
