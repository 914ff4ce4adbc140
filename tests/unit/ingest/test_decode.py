"""Every record becomes one row or one reject, in order, and says where it came from."""

import io
import random
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel, Field

from headrace.contracts import Event, Rejection, RejectReason, Trade, UtcTimestamp, contract_of
from headrace.kafka.records import Envelope, Records
from headrace.lake.schema import arrow_schema
from headrace_ingest.decode import Decoder

NOW = datetime(2026, 2, 1, 12, 30, 0, 250, tzinfo=UTC)
CONTRACT = contract_of(Trade)


def value(number: int, **changes: str) -> bytes:
    members = {
        "transaction_id": f'"t-{number}"',
        "strategy_id": '"s"',
        "leg_id": '"l"',
        "symbol": '"SPY"',
        "action": '"BUY"',
        "quantity": str(number + 1),
        "price": f"{number}.25",
        "commission": '"0.65"',
        "timestamp": '"2026-01-31T23:59:59.5-01:00"',
    }
    return ("{" + ",".join(f'"{name}":{token}' for name, token in (members | changes).items()) + "}").encode()


def records_of(values: list[bytes | None], timestamps: list[int] | None = None) -> Records:
    count = len(values)
    return Records(
        topic="trades",
        partitions=[number % 2 for number in range(count)],
        offsets=[7_000_000_000 + number for number in range(count)],
        timestamps=timestamps or [1_769_871_845_123] * count,
        values=values,
        envelope=lambda _: Envelope(None, ()),
    )


POISON: list[tuple[bytes | None, RejectReason]] = [
    (None, RejectReason.TOMBSTONE),
    (b"", RejectReason.NOT_JSON),
    (b"\xff", RejectReason.NOT_JSON),
    (value(1, price="1.23456"), RejectReason.NOT_REPRESENTABLE),
    (value(1, price="null"), RejectReason.WRONG_TYPE),
    (value(1, price='"-1"'), RejectReason.OUT_OF_BOUNDS),
    (value(1, symbol='"S PY"'), RejectReason.OUT_OF_BOUNDS),
    (value(1, timestamp='"2026-02-30T00:00:00Z"'), RejectReason.OUT_OF_BOUNDS),
    (value(1, timestamp='"2026-01-31T00:00:00"'), RejectReason.WRONG_TYPE),
    (value(1, timestamp='"1999-01-31T00:00:00Z"'), RejectReason.OUT_OF_BOUNDS),
    (value(1, quantity="0"), RejectReason.OUT_OF_BOUNDS),
    (value(1, extra="1"), RejectReason.UNKNOWN_FIELD),
    (value(1, transaction_id='"' + "x" * 4_000 + '"'), RejectReason.OVERSIZE),
]


def test_a_chunk_of_good_records_is_a_chunk_of_rows() -> None:
    decoded = Decoder(CONTRACT).decode(records_of([value(number) for number in range(50)]), NOW)
    assert decoded.rejects == {}
    assert decoded.rows.schema.equals(arrow_schema(CONTRACT), check_metadata=True)
    assert decoded.rows.to_pylist()[49] == {
        "transaction_id": "t-49",
        "strategy_id": "s",
        "leg_id": "l",
        "symbol": "SPY",
        "action": "BUY",
        "quantity": 50,
        "price": Decimal("49.2500"),
        "commission": Decimal("0.6500"),
        "timestamp": datetime(2026, 2, 1, 0, 59, 59, 500_000, tzinfo=UTC),
        "order_id": None,
        "account": None,
        "date": date(2026, 2, 1),
        "_partition": 1,
        "_offset": 7_000_000_049,
        "_kafka_timestamp": datetime(2026, 1, 31, 15, 4, 5, 123_000, tzinfo=UTC),
        "_ingested_at": NOW,
    }


def test_no_records_are_no_rows() -> None:
    decoded = Decoder(CONTRACT).decode(records_of([]), NOW)
    assert (len(decoded.rows), decoded.rejects) == (0, {})
    assert decoded.rows.schema.equals(arrow_schema(CONTRACT))


def test_a_record_without_kafka_time_has_none() -> None:
    decoded = Decoder(CONTRACT).decode(records_of([value(1), value(2)], [-1, 0]), NOW)
    assert decoded.rows["_kafka_timestamp"].to_pylist() == [None, datetime(1970, 1, 1, tzinfo=UTC)]


@pytest.mark.parametrize(("poison", "reason"), POISON, ids=[f"{at} {reason}" for at, (_, reason) in enumerate(POISON)])
@pytest.mark.parametrize("place", ["alone", "first", "middle", "last", "all"])
def test_a_bad_record_is_one_reject_wherever_it_stands(poison: bytes | None, reason: RejectReason, place: str) -> None:
    good: list[bytes | None] = [value(number) for number in range(4)]
    chunks: dict[str, list[bytes | None]] = {
        "alone": [poison],
        "first": [poison, *good],
        "middle": [*good[:2], poison, *good[2:]],
        "last": [*good, poison],
        "all": [poison] * 5,
    }
    values = chunks[place]
    decoded = Decoder(CONTRACT, max_record_bytes=2_000).decode(records_of(values), NOW)
    bad = [index for index, one in enumerate(values) if one not in good]
    assert {index: reject.reason for index, reject in decoded.rejects.items()} == dict.fromkeys(bad, reason)
    kept = [index for index in range(len(values)) if index not in bad]
    assert decoded.rows["_offset"].to_pylist() == [7_000_000_000 + index for index in kept]
    assert decoded.rows["transaction_id"].to_pylist() == [f"t-{number}" for number in range(len(kept))]


def test_good_rows_do_not_depend_on_the_bad_ones_around_them() -> None:
    shuffle = random.Random(5).shuffle
    values: list[bytes | None] = [*(value(number) for number in range(200)), *(poison for poison, _ in POISON * 3)]
    shuffle(values)
    decoded = Decoder(CONTRACT, max_record_bytes=2_000).decode(records_of(values), NOW)
    good = {value(number) for number in range(200)}
    places = [index for index, one in enumerate(values) if one in good]
    single = [Decoder(CONTRACT).decode(records_of([values[index]]), NOW) for index in places]
    rows = {row["transaction_id"]: row for row in decoded.rows.to_pylist()}
    for place, one in zip(places, single, strict=True):
        (row,) = one.rows.to_pylist()
        expected = row | {"_offset": 7_000_000_000 + place, "_partition": place % 2}
        assert rows[row["transaction_id"]] == expected
    assert len(decoded.rows) + len(decoded.rejects) == len(values)


def test_longer_values_than_the_limit_are_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(CONTRACT), "decode", lambda _: pytest.fail("parsed"))
    decoded = Decoder(CONTRACT, max_record_bytes=10).decode(records_of([b"x" * 11]), NOW)
    assert decoded.rejects == {0: Rejection(RejectReason.OVERSIZE, "11 bytes, and a record has at most 10")}


def test_a_member_sent_twice_is_the_last_one_or_a_reject() -> None:
    twice = value(1).replace(b'"quantity":2', b'"quantity":5,"quantity":2')
    wrong_first = value(1).replace(b'"quantity":2', b'"quantity":"x","quantity":2')
    decoded = Decoder(CONTRACT).decode(records_of([twice, wrong_first]), NOW)
    assert decoded.rows["quantity"].to_pylist() == [2]
    assert [reject.reason for reject in decoded.rejects.values()] == [RejectReason.DUPLICATE_FIELD]


def test_a_column_that_refuses_what_pydantic_takes_is_a_defect_with_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace_ingest.decode.explain", lambda _contract, _value: None)
    decoded = Decoder(CONTRACT).decode(records_of([value(1, price="1.23456")]), NOW)
    assert [reject.reason for reject in decoded.rejects.values()] == [RejectReason.DECODER_DISAGREEMENT]
    assert "price" in decoded.rejects[0].detail


@pytest.mark.parametrize("text", ["1.2500000", '"1.250000000000"', '"\\u0031.25"', '"0001.25"', "1.25"])
def test_digits_that_are_only_zeros_change_nothing(text: str) -> None:
    values: list[bytes | None] = [value(7), value(1, price=text), value(8, price="-0.0")]
    decoded = Decoder(CONTRACT).decode(records_of(values), NOW)
    assert decoded.rows["price"].to_pylist() == [Decimal("7.2500"), Decimal("1.2500"), Decimal("0.0000")]


class Point(BaseModel):
    at: UtcTimestamp
    height: Decimal


class Path(Event, topic="paths", key="name"):
    name: Annotated[str, Field(pattern="[a-z]+")]
    start: Point | None = None
    points: list[Point] | None = None


def test_nested_nulls_survive_a_data_file() -> None:
    point = b'{"at":"2026-01-31T00:00:00Z","height":1.5}'
    values: list[bytes | None] = [
        b'{"name":"a","start":null,"points":[]}',
        b'{"name":"b","start":%s}' % point,
        b'{"name":"c","points":[%s,%s]}' % (point, point),
        b'{"name":"d","points":[%s,%s]}' % (point, point.replace(b"1.5", b"null")),
        b'{"name":"E"}',
    ]
    decoded = Decoder(contract_of(Path)).decode(records_of(values), NOW)
    assert {index: reject.reason for index, reject in decoded.rejects.items()} == {
        3: RejectReason.WRONG_TYPE,
        4: RejectReason.OUT_OF_BOUNDS,
    }
    file = io.BytesIO()
    pq.write_table(pa.Table.from_batches([decoded.rows]), file)
    file.seek(0)
    there = {"at": datetime(2026, 1, 31, tzinfo=UTC), "height": Decimal("1.5")}
    rows = [(row["name"], row["start"], row["points"]) for row in pq.read_table(file).to_pylist()]
    assert rows == [("a", None, []), ("b", there, None), ("c", None, [there, there])]
