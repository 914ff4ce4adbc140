"""Whether bots get rid of their events, and whether events come through."""

from deploy.boards.panels import (
    PIPELINE,
    TOPIC,
    ZERO,
    Board,
    Panel,
    Query,
    Section,
    age,
    in_range,
    newest,
    per_second,
    quantile,
    spread,
)

_PRODUCERS = (
    Panel(
        "Acknowledged",
        "Events that the brokers have taken.",
        "rec/s",
        (
            Query(
                per_second("headrace_producer_acknowledged_records_total", "producer", "topic", where=TOPIC),
                "{{producer}} {{topic}}",
            ),
        ),
    ),
    Panel(
        "Acknowledged bytes",
        "Of their values.",
        "Bps",
        (
            Query(
                per_second("headrace_producer_acknowledged_bytes_total", "producer", "topic", where=TOPIC),
                "{{producer}} {{topic}}",
            ),
        ),
    ),
    Panel(
        "Not acknowledged",
        "Events that failed in the end, by librdkafka's name for why.",
        "rec/s",
        (
            Query(
                per_second("headrace_producer_delivery_failures_total", "producer", "topic", "code", where=TOPIC),
                "{{producer}} {{topic}} {{code}}",
            ),
        ),
        kind="stack",
        alerts=("ProducerDeliveryFailing",),
    ),
    Panel(
        "Time to the acknowledgement",
        "From the client's queue; with a spool from when the event left it.",
        "s",
        spread("headrace_producer_delivery_duration_seconds", "producer", where=TOPIC),
    ),
    Panel(
        "Queue",
        "Bytes that wait, and how many may. With a spool, its files.",
        "bytes",
        (
            Query(
                newest("headrace_producer_queue_bytes", "instance", "producer", where=PIPELINE),
                "{{instance}} {{producer}}",
            ),
            Query(
                newest("headrace_producer_queue_limit_bytes", "instance", "producer", where=PIPELINE),
                "{{instance}} {{producer}} limit",
            ),
        ),
        alerts=("ProducerQueueFull",),
    ),
    Panel(
        "Events that wait",
        "Taken, and without an outcome yet.",
        "short",
        (
            Query(
                newest("headrace_producer_queue_records", "instance", "producer", where=PIPELINE),
                "{{instance}} {{producer}}",
            ),
        ),
    ),
    Panel(
        "Refused",
        "Events that were not taken because the queue had no room in time.",
        "short",
        (Query(in_range("headrace_producer_queue_full_total", "producer", where=PIPELINE), "{{producer}}"),),
        kind="number",
        alerts=("ProducerQueueFull",),
        steps=ZERO,
        width=4,
    ),
    Panel(
        "Last acknowledgement",
        "How long ago. A bot that has nothing to say grows old too.",
        "s",
        (
            Query(
                age("headrace_producer_last_delivery_timestamp_seconds", "producer", "topic", where=TOPIC),
                "{{producer}} {{topic}}",
            ),
        ),
        width=10,
    ),
    Panel(
        "In trouble",
        "1: no broker answers, the login is refused, or the client can send no more.",
        "none",
        (
            Query(
                newest("headrace_producer_in_trouble", "instance", "producer", where=PIPELINE),
                "{{instance}} {{producer}}",
            ),
        ),
        kind="states",
        alerts=("ProducerInTrouble",),
        steps=((0, "green"), (1, "red")),
        width=10,
    ),
)
_CANARY = (
    Panel(
        "Last heartbeat",
        "How long ago one came through topic, worker and table. Grows whatever it is that fails.",
        "s",
        (Query(age("headrace_canary_last_arrival_timestamp_seconds", where=PIPELINE), "last heartbeat"),),
        kind="number",
        alerts=("CanarySilent",),
        steps=((120, "orange"), (300, "red")),
        width=4,
    ),
    Panel(
        "Lost or doubled",
        "Heartbeats that are not in their table exactly once. Has to be 0.",
        "short",
        (
            Query(f"sum(increase(headrace_canary_lost_total{{{PIPELINE}}}[$__range]))", "lost"),
            Query(f"sum(increase(headrace_canary_doubled_total{{{PIPELINE}}}[$__range]))", "doubled"),
        ),
        kind="number",
        alerts=("CanaryLost",),
        steps=ZERO,
        width=4,
    ),
    Panel(
        "Missing",
        "Heartbeats that should be in the table by now. Back at 0 when workers have caught up.",
        "short",
        (Query(f"max(headrace_canary_missing_beats{{{PIPELINE}}})", "missing"),),
        kind="number",
        alerts=("CanarySilent",),
        steps=ZERO,
        width=4,
    ),
    Panel(
        "Round trip",
        "From emitting a heartbeat to finding it in the table.",
        "s",
        tuple(
            Query(quantile(share, "headrace_canary_roundtrip_seconds", where=PIPELINE), f"p{share:.0%}"[:-1])
            for share in (0.5, 0.99)
        ),
        alerts=("CanarySlow",),
        width=6,
    ),
    Panel(
        "Heartbeats",
        "Sent, not sent, and arrived.",
        "cps",
        (
            Query(f"sum(rate(headrace_canary_sent_total{{{PIPELINE}}}[$__rate_interval]))", "sent"),
            Query(f"sum(rate(headrace_canary_unsent_total{{{PIPELINE}}}[$__rate_interval]))", "not sent"),
            Query(per_second("headrace_canary_arrived_total", "when", where=PIPELINE), "arrived {{when}}"),
        ),
        width=6,
    ),
)

PRODUCERS = Board(
    "headrace-producers",
    "Headrace: producers and canary",
    "Whether bots get rid of their events, and whether events come through.",
    (Section("Producers", _PRODUCERS), Section("Canary", _CANARY)),
)
