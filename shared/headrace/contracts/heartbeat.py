"""What `headrace canary` emits, to see whether events come through."""

from headrace.contracts.event import Event
from headrace.contracts.table import Table
from headrace.contracts.types import EventId, UtcTimestamp


class Heartbeat(Event, topic="headrace-heartbeat", key="beat_id", table=Table(partition_by="date")):
    """One sign of life on its way through Kafka into the table."""

    beat_id: EventId
    """Names the heartbeat for ever; as the record's key it spreads heartbeats over the partitions."""
    timestamp: UtcTimestamp
    """When it was emitted, UTC."""
