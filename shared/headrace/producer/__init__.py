"""What a bot imports to send events: `EventProducer`, and `Outbox` for records that are no events."""

from headrace.producer._event_producer import EventProducer
from headrace.producer._outbox import FullPolicy, Outbox

__all__ = ["EventProducer", "FullPolicy", "Outbox"]
