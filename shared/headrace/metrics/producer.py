"""What the producers of a bot report, in a registry of the bot's own."""

from headrace.metrics.metric import Counter, Histogram, Metric, Reading

_PRODUCER = ("producer",)
_OF_TOPIC = ("producer", "topic")

ACKNOWLEDGED_RECORDS = Counter(
    "headrace_producer_acknowledged_records_total", "Events that the broker has acknowledged.", _OF_TOPIC
)
ACKNOWLEDGED_BYTES = Counter("headrace_producer_acknowledged_bytes_total", "Bytes of their values.", _OF_TOPIC)
DELIVERY_FAILURES = Counter(
    "headrace_producer_delivery_failures_total",
    "Events that were not acknowledged in the end, by librdkafka's name for why.",
    (*_OF_TOPIC, "code"),
)
DELIVERY_DURATION = Histogram(
    "headrace_producer_delivery_duration_seconds",
    "From the client's queue to the acknowledgement; with a spool, from when an event left it.",
    _OF_TOPIC,
    {},
    (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0),
)
LAST_DELIVERY = Reading(
    "headrace_producer_last_delivery_timestamp_seconds",
    "When the last acknowledgement was handled; absent before the first.",
    _OF_TOPIC,
)
QUEUE_RECORDS = Reading("headrace_producer_queue_records", "Events taken that have no outcome yet.", _PRODUCER)
QUEUE_BYTES = Reading("headrace_producer_queue_bytes", "Bytes of their values; with a spool, of its files.", _PRODUCER)
QUEUE_LIMIT_BYTES = Reading("headrace_producer_queue_limit_bytes", "What the queue, or the spool, may hold.", _PRODUCER)
QUEUE_FULL = Counter(
    "headrace_producer_queue_full_total", "Events refused because the queue had no room in time.", _PRODUCER
)
IN_TROUBLE = Reading(
    "headrace_producer_in_trouble",
    "1 while no broker answers, or the login is refused, or the client can send no more.",
    _PRODUCER,
)

PRODUCER: tuple[Metric, ...] = (
    ACKNOWLEDGED_RECORDS,
    ACKNOWLEDGED_BYTES,
    DELIVERY_FAILURES,
    DELIVERY_DURATION,
    LAST_DELIVERY,
    QUEUE_RECORDS,
    QUEUE_BYTES,
    QUEUE_LIMIT_BYTES,
    QUEUE_FULL,
    IN_TROUBLE,
)
