"""The made-up event that the suites about workers send, as contracts and as a module of a user's."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from headrace import Event, EventId, Price, Symbol, Table, UtcTimestamp
from headrace.contracts import Contract, contract_of

FILLS = "fills"
"""The table, whatever the topic."""

LAYOUT = Table(name=FILLS, partition_by="date", bloom_filters=("fill_id",))


MODULE = """
from headrace import Event, EventId, Price, Symbol, Table, UtcTimestamp


class Fill(
    Event, topic={topic!r}, key="symbol", table=Table(name={table!r}, partition_by="date", bloom_filters=("fill_id",))
):
    '''One fill, of a made-up kind.'''

    fill_id: EventId
    symbol: Symbol
    price: Price
    timestamp: UtcTimestamp
"""
"""The same contract as a module of a user's."""


def contract_for(topic: str) -> Contract:
    """A contract of a made-up event on `topic`; its table is always `FILLS`."""

    class Fill(Event, topic=topic, key="symbol", table=LAYOUT):
        """One fill, of a made-up kind."""

        fill_id: EventId
        symbol: Symbol
        price: Price
        timestamp: UtcTimestamp

    return contract_of(Fill)


def tight_contract_for(topic: str) -> Contract:
    """The same with a bound that is too tight: prices of 5 and more are refused."""

    class Fill(Event, topic=topic, key="symbol", table=LAYOUT):
        """One fill, of a made-up kind."""

        fill_id: EventId
        symbol: Symbol
        price: Annotated[Price, Field(lt=Decimal(5))]
        timestamp: UtcTimestamp

    return contract_of(Fill)
