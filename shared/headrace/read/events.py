"""Events by their ids, for topics that may hold one event twice."""

import polars as pl

from headrace.contracts import Contract
from headrace.errors import ContractError


def once_per_event(rows: pl.LazyFrame, contract: Contract) -> pl.LazyFrame:
    """The rows without those that carry an event a second time; the row with the lowest offset stays.

    A record is in the table exactly once. A bot with a spool that crashed may have sent the record of an event
    again, though, which is a new record with the same event id and, its key being the same, in the same partition.

    Args:
        rows: of the contract's table, with the columns `_partition` and `_offset`.
        contract: names the event id.

    Raises:
        ContractError: its events have no id.
    """
    if contract.event_id is None:
        msg = f"events of {contract.name} have no id in the table: annotate one field as EventId"
        raise ContractError(msg)
    ordered = rows.sort("_partition", "_offset")
    return ordered.unique(contract.event_id, keep="first", maintain_order=True)
