"""Positions of as many strategies as one likes: some are simulated, and given other keys and times."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any

import msgspec
import pyarrow as pa

from benchmarks.generated import decoded
from headrace.clock import SystemClock
from headrace.contracts import Position
from headrace_bots.bots import Simulation
from headrace_bots.events import Stamps
from headrace_bots.load import Rendered
from headrace_bots.market import UNDERLYINGS

_DISTINCT = 2_000
_SYMBOLS = [underlying.symbol for underlying in UNDERLYINGS]


def strategy_id(key: int) -> str:
    return f"strategy-{key:07d}"


def symbol(key: int) -> str:
    """Of that strategy, for ever."""
    return _SYMBOLS[key % len(_SYMBOLS)]


def rows_of(keys: Sequence[int], at: datetime, first_offset: int) -> pa.RecordBatch:
    """A row of each key as a worker decodes it, read from one partition at that time."""
    many = len(keys)
    template = _decoded().take(pa.array([place % _DISTINCT for place in range(many)], pa.int64()))
    times = pa.repeat(pa.scalar(at, pa.timestamp("us", "UTC")), many)
    new: dict[str, Any] = {
        "strategy_id": pa.array(map(strategy_id, keys), pa.string()),
        "symbol": pa.array(map(symbol, keys), pa.string()),
        "timestamp": times,
        "_offset": pa.array(range(first_offset, first_offset + many), pa.int64()),
        "_kafka_timestamp": times,
        "_ingested_at": times,
    }
    columns = [new.get(name, template.column(name)) for name in template.schema.names]
    return pa.RecordBatch.from_arrays(columns, schema=template.schema)


def records_of(keys: Sequence[int], at: datetime) -> list[Rendered]:
    """The same as records to be sent."""
    stamp = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    templates = [msgspec.json.decode(position.to_wire()) for position in _simulated()]
    return [
        Rendered(
            strategy_id(key).encode(),
            msgspec.json.encode(
                templates[place % _DISTINCT]
                | {"strategy_id": strategy_id(key), "symbol": symbol(key), "timestamp": stamp}
            ),
        )
        for place, key in enumerate(keys)
    ]


@cache
def _simulated() -> list[Position]:
    events = Simulation(7, 96, Stamps("l7", SystemClock())).events()
    return list(islice(_positions(events), _DISTINCT))


def _positions(events: Iterator[object]) -> Iterator[Position]:
    return (event for event in events if isinstance(event, Position))


@cache
def _decoded() -> pa.RecordBatch:
    rendered = [Rendered(position.strategy_id.encode(), position.to_wire()) for position in _simulated()]
    return decoded(rendered, Position)
