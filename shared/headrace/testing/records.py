"""Builders of `Records`, as a poll would bring them."""

from collections.abc import Iterable, Mapping

from headrace.kafka.records import Envelope, Header, Records
from headrace.offsets import Address

"""Partition and offset."""


def make_records(
    places: Iterable[Address],
    *,
    values: Mapping[Address, bytes | None] | None = None,
    timestamp_ms: int = 1_767_225_600_000,
    key: bytes | None = None,
    headers: tuple[Header, ...] = (),
) -> Records:
    """One record of topic `numbers` per place, in the order given.

    Args:
        places: partitions and offsets.
        values: values by place; `{}` where none is named.
        timestamp_ms: Kafka timestamp of every record, -1 for none.
        key: key of every record.
        headers: headers of every record.
    """
    listed = list(places)
    named = values or {}
    return Records(
        topic="numbers",
        partitions=[partition for partition, _ in listed],
        offsets=[offset for _, offset in listed],
        timestamps=[timestamp_ms] * len(listed),
        values=[named.get(place, b"{}") for place in listed],
        envelope=lambda _index: Envelope(key, headers),
    )


def places_of(records: Records) -> list[Address]:
    """Partition and offset of every record, in order."""
    return list(zip(records.partitions, records.offsets, strict=True))
