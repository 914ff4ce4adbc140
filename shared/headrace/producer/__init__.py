"""What a bot imports to send events: a producer for threads, one for asyncio, and `Outbox` for what is no event."""

from headrace.producer._async_event_producer import AsyncEventProducer
from headrace.producer._event_producer import EventProducer
from headrace.producer._full_policy import FullPolicy
from headrace.producer._health import ProducerHealth, TopicHealth
from headrace.producer._outbox import Outbox

__all__ = ["AsyncEventProducer", "EventProducer", "FullPolicy", "Outbox", "ProducerHealth", "TopicHealth"]
