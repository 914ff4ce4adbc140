from datetime import UTC, datetime

import pytest

from headrace.testing.numbers import NUMBERS
from headrace.testing.records import make_records
from headrace_ingest.decode import Decoder

_LAST = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("millis", "expected"),
    [
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (253_402_300_799_999, _LAST),
        (253_402_300_800_000, None),
        (2**63 - 1, None),
        (-1, None),
        (-(2**63), None),
    ],
)
def test_kafka_timestamp_is_an_instant_or_null_and_never_stops_the_worker(
    millis: int, expected: datetime | None
) -> None:
    value = b'{"timestamp":"2026-01-01T00:00:00Z","name":"a"}'
    records = make_records([(0, 0)], values={(0, 0): value}, timestamp_ms=millis)
    decoded = Decoder(NUMBERS).decode(records, datetime(2026, 1, 1, tzinfo=UTC))
    assert decoded.rows["_kafka_timestamp"].to_pylist() == [expected]
