"""Whether a table is one of a contract, and what it lacks of it."""

from functools import cache

import polars as pl

from headrace.contracts import Contract
from headrace.errors import WrongTableError
from headrace.lake.schema import arrow_schema


def conforming(frame: pl.LazyFrame, contract: Contract, table: str) -> pl.LazyFrame:
    """The frame with all columns of the contract; one that was added to it later and may be absent is null.

    Raises:
        WrongTableError: a column has another type, or one that is never null is missing.
    """
    found = frame.collect_schema()
    wanted = _columns(contract)
    absent = {spec.name for spec in contract.fields if not spec.required} - found.keys()
    differ = [name for name, kind in wanted.items() if name not in absent and found.get(name) != kind]
    if differ:
        told = "; ".join(f"{name} is {found.get(name, 'missing')} in place of {wanted[name]}" for name in differ)
        msg = (
            f"table {table} is not one of {contract.event.__name__}: {told}. Read it with the contract it was made with"
        )
        raise WrongTableError(msg)
    return frame.with_columns(pl.lit(None, dtype=wanted[name]).alias(name) for name in wanted if name in absent)


@cache
def _columns(contract: Contract) -> pl.Schema:
    return pl.Schema(arrow_schema(contract))
