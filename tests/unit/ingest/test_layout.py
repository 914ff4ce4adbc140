"""Records that share a layout become the rows that the typed decoder makes of them; others are left to it."""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Annotated, Literal

import msgspec
import pytest
from pydantic import Field

from headrace.contracts import Contract, Event, Trade, contract_of
from headrace.kafka.records import Records
from headrace.testing.records import make_records
from headrace_ingest.decode import FEWEST_OF_A_LAYOUT, Decoded, Decoder
from headrace_ingest.layout import LayoutReader

NOW = datetime(2026, 2, 1, tzinfo=UTC)


class Note(Event, topic="notes", key="name"):
    name: str
    marks: Annotated[str, Field(max_length=4)]
    side: Literal["a", "b\\c", ","]
    whole: int
    real: float
    exact: Decimal
    flag: bool


NOTES, TRADES = contract_of(Note), contract_of(Trade)


def note(number: int, **changes: str) -> bytes:
    members = {
        "name": f'"n-{number}"',
        "marks": '"m"',
        "side": '"a"',
        "whole": str(number),
        "real": f"{number}.5",
        "exact": f'"{number}.25"',
        "flag": "true",
    }
    return ("{" + ",".join(f'"{name}":{token}' for name, token in (members | changes).items()) + "}").encode()


def records_of(values: list[bytes | None]) -> Records:
    places = [(0, offset) for offset in range(len(values))]
    return make_records(places, values=dict(zip(places, values, strict=True)))


def both(contract: Contract, values: list[bytes | None]) -> Decoded:
    """What the decoder makes of the chunk with and without layouts, which must be the same."""
    by_layout = Decoder(contract, fewest_of_a_layout=1).decode(records_of(values), NOW)
    one_by_one = Decoder(contract, fewest_of_a_layout=1 << 30).decode(records_of(values), NOW)
    assert by_layout.rejects == one_by_one.rejects
    assert by_layout.rows.equals(one_by_one.rows, check_metadata=True)
    by_layout.rows.validate(full=True)
    return by_layout


def places_read(contract: Contract, values: list[bytes]) -> list[int]:
    part = LayoutReader(contract, fewest=1).read(values)
    return [] if part is None else list(part.places)


def edited(old: str, new: str) -> bytes:
    value = note(7)
    assert old.encode() in value
    return value.replace(old.encode(), new.encode("utf-8", "surrogatepass"))


STRANGERS: dict[str, bytes] = {
    "an escaped quote": note(7, name='"a\\"b"'),
    "an escaped digit": note(7, exact='"\\u0031.25"'),
    "an escaped letter": note(7, name='"\\u0061"'),
    "half a surrogate pair": note(7, name='"\\ud800"'),
    "an escape that doubles as a choice": note(7, side='"b\\c"'),
    "members in another order": note(7).replace(b'"whole":7,"real":7.5', b'"real":7.5,"whole":7'),
    "members of one form with names exchanged": note(7)
    .replace(b'"name":', b'"marks":', 1)
    .replace(b',"marks":"m"', b',"name":"m"'),
    "a member twice": edited('"flag":true', '"flag":true,"flag":false'),
    "a member twice and another missing": edited('"marks":"m"', '"name":"m"'),
    "a member missing": edited('"marks":"m",', ""),
    "an unknown member": edited('"flag":true', '"flog":true'),
    "a name in another case": edited('"name"', '"Name"'),
    "a blank before a value": edited('"whole":7', '"whole": 7'),
    "a blank behind a value": edited('"whole":7', '"whole":7 '),
    "a blank before a comma": edited('"name":"n-7"', '"name":"n-7" '),
    "a blank at the end": note(7) + b" ",
    "text behind the end": note(7) + b"x",
    "a brace behind the end": note(7) + b"}",
    "another bracket at the end": note(7)[:-1] + b"]",
    "another mark for the closing quote": edited('"n-7"', "\"n-7'"),
    "two objects": note(7) + note(8),
    "two braces in the middle": edited('"m","side"', '"m"},{"side"'),
    "no beginning": note(7)[1:],
    "no end": note(7)[:-1],
    "a line end": edited("n-7", "n\n7"),
    "a line end between members": edited(',"whole"', ',\n"whole"'),
    "a line end at the end": note(7) + b"\n",
    "a carriage return": edited("n-7", "n\r7"),
    "a carriage return between members": edited(',"whole"', ',\r"whole"'),
    "NUL in a text": edited("n-7", "n\x007"),
    "NUL behind the end": note(7) + b"\x00",
    "a tab in a text": edited("n-7", "n\t7"),
    "no UTF-8": note(7).replace(b"n-7", b"n\xff7"),
    "an encoded surrogate": edited("n-7", "n\ud8007"),
    "a byte order mark": b"\xef\xbb\xbf" + note(7),
    "nothing": b"",
    "commas and nothing else": b"," * 6,
    "a comma in a text": note(7, name='"a,b"'),
    "a text that looks like a field": note(7, name='"a,whole:9"'),
    "quotes within quotes": note(7, name='"a"b"'),
    "quotes within the quotes of a number": note(7, exact='""7.25""'),
    "zeros within two pairs of quotes": note(7, exact='""7.' + "0" * 30 + '""'),
    "an escape within two pairs of quotes": note(7, exact='""\\u0037""'),
    "quotes around a number": note(7, whole='"7"'),
    "no quotes around an exact number": note(7, exact="7.25"),
    "one quote": edited('"n-7"', '"'),
    "a head that is the tail": edited('"name":"n-7"', '"name":"'),
    "null": note(7, name="null"),
    "null in quotes": note(7, exact='"null"'),
    "an object": note(7, whole="{}"),
}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
@pytest.mark.parametrize("place", [1, 150, 200])
def test_a_stranger_is_left_to_the_decoder_and_the_others_are_not(stranger: bytes, place: int) -> None:
    good = [note(number) for number in range(200)]
    values = [*good[:place], stranger, *good[place:]]
    assert places_read(NOTES, values) == [*range(place), *range(place + 1, 201)]
    both(NOTES, list(values))


@pytest.mark.parametrize("token", ["01", "-01", "1.0", "1e5", "-0", "+1", "0x10", "true", "1.", "", "-", '""', "1_0"])
@pytest.mark.parametrize("name", ["whole", "real", "exact", "flag"])
def test_a_number_is_read_as_json_writes_it_or_left_to_the_decoder(name: str, token: str) -> None:
    values = [note(number) for number in range(200)]
    values[150] = note(150, **{name: token})
    assert set(range(200)) - set(places_read(NOTES, values)) <= {150}
    both(NOTES, list(values))


@pytest.mark.parametrize("token", ["01", "-01", "-00.5", "1.0", "1.", "-0", "-0.0", "+1", ".5", "1e5", "NaN", "null"])
def test_an_exact_number_without_quotes_is_written_as_json_numbers_are(token: str) -> None:
    values: list[bytes | None] = [note(number, exact=f"{number}.5") for number in range(200)]
    values[150] = note(150, exact=token)
    both(NOTES, values)


@pytest.mark.parametrize("text", ["", ":", " ", "\u2028", "é", "\U0001f600" * 4, "\x7f", "'", "null", "true", "0"])
def test_texts_that_json_writes_as_they_are_are_read_as_they_are(text: str) -> None:
    values = [note(number) for number in range(200)]
    values[150] = note(150, marks=json.dumps(text, ensure_ascii=False))
    assert places_read(NOTES, values) == list(range(200))
    assert both(NOTES, list(values)).rows["marks"][150].as_py() == text


def test_lengths_count_characters_and_not_bytes() -> None:
    values: list[bytes | None] = [note(number, marks='"éééé"') for number in range(200)]
    values[150], values[160] = note(150, marks='"ééééé"'), note(160, marks='"abcde"')
    assert list(both(NOTES, values).rejects) == [150, 160]


@pytest.mark.parametrize("blank", ["", " ", "\t  "])
def test_any_blanks_are_a_layout_if_all_records_have_them(blank: str) -> None:
    values = [
        note(number).replace(b":", f":{blank}".encode()).replace(b",", f"{blank},{blank}".encode())
        for number in range(50)
    ]
    values = [blank.encode() + value[:-1] + f"{blank}}}{blank}".encode() for value in values]
    assert places_read(NOTES, values) == list(range(50))
    both(NOTES, list(values))


def test_absent_and_null_members_are_a_layout_too() -> None:
    required = {
        "transaction_id": "t",
        "strategy_id": "s",
        "leg_id": "l",
        "symbol": "SPY",
        "action": "BUY",
        "quantity": 1,
    }
    required |= {"price": "1.5", "commission": 1, "timestamp": "2026-01-31T00:00:00Z"}
    for more in ({}, {"order_id": None}, {"account": None, "order_id": "o"}):
        values = [json.dumps(required | {"quantity": number + 1} | more).encode() for number in range(50)]
        assert places_read(TRADES, values) == list(range(50))
        both(TRADES, list(values))


def test_a_member_that_is_null_in_the_layout_is_left_to_the_decoder_where_it_is_not() -> None:
    values: list[bytes] = [b'{"name":"a","at":%d,"maybe":null}' % number for number in range(100)]
    values[70] = b'{"name":"a","at":1,"maybe":7}'
    values[71] = b'{"name":"a","at":1,"maybe":nul}'
    contract = contract_of(Sparse)
    assert places_read(contract, values) == [place for place in range(100) if place not in (70, 71)]
    decoded = both(contract, list(values))
    assert decoded.rows["maybe"].to_pylist()[69:72] == [None, 7, None]


class Sparse(Event, topic="sparse", key="name"):
    name: str
    at: int
    maybe: int | None = None


@pytest.mark.parametrize("every", [2, 7, 40, 1_000])
def test_rows_of_both_ways_keep_the_order_of_the_records(every: int) -> None:
    values: list[bytes | None] = [note(number) for number in range(2_100)]
    chosen = random.Random(every)
    for place in chosen.sample(range(2_100), 2_100 // every):
        changes: list[Callable[[int], bytes | None]] = [
            lambda number: note(number, whole=f" {number}"),
            lambda number: note(number, whole=f"{number}.5"),
            lambda number: note(number)[:-3],
            lambda _: None,
        ]
        values[place] = chosen.choice(changes)(place)
    decoded = both(NOTES, values)
    expected = [place for place in range(2_100) if place not in decoded.rejects]
    assert decoded.rows["_offset"].to_pylist() == decoded.rows["whole"].to_pylist() == expected
    assert len(decoded.rows) + len(decoded.rejects) == len(values)


def test_a_chunk_of_many_layouts_has_none() -> None:
    chosen = random.Random(1)
    values: list[bytes] = []
    for number in range(200):
        members = list(json.loads(note(number)).items())
        chosen.shuffle(members)
        values.append(json.dumps(dict(members)).encode())
    assert LayoutReader(NOTES, fewest=1).read(values) is None
    both(NOTES, list(values))


def test_records_that_all_have_a_member_twice_have_no_layout() -> None:
    values = [note(number).replace(b'"real"', b'"whole":1,"real"') for number in range(100)]
    assert places_read(NOTES, values) == []
    assert both(NOTES, list(values)).rows["whole"].to_pylist() == [1] * 100


def test_a_new_layout_is_found_when_the_producer_changes() -> None:
    reader = LayoutReader(NOTES, fewest=1)
    for blank in (b"", b" ", b""):
        part = reader.read([note(number).replace(b":", b":" + blank) for number in range(50)])
        assert part is not None
        assert part.rows["whole"].to_pylist() == list(range(50))


def test_small_chunks_and_nested_contracts_are_not_looked_at() -> None:
    values = [note(number) for number in range(FEWEST_OF_A_LAYOUT)]
    assert LayoutReader(NOTES, fewest=FEWEST_OF_A_LAYOUT).read(values[1:]) is None
    assert LayoutReader(NOTES, fewest=1).read([]) is None
    nested = contract_of(Lists)
    assert LayoutReader(nested, fewest=1).read([b'{"name":"a","numbers":[]}'] * 50) is None


class Lists(Event, topic="lists", key="name"):
    name: str
    numbers: list[int]


def test_good_chunks_do_not_meet_the_typed_decoder_record_by_record(monkeypatch: pytest.MonkeyPatch) -> None:
    decode, decoded = TRADES.decode, count()

    def counted(value: bytes) -> msgspec.Struct:
        next(decoded)
        return decode(value)

    monkeypatch.setitem(vars(TRADES), "decode", counted)
    values = [
        b'{"transaction_id":"t%d","strategy_id":"s","leg_id":"l","symbol":"SPY","action":"BUY","quantity":1,'
        b'"price":"1.0500","commission":"0.6500","timestamp":"2026-01-31T15:04:05.123456Z"}' % number
        for number in range(FEWEST_OF_A_LAYOUT)
    ]
    rows = Decoder(TRADES).decode(records_of(list(values)), NOW).rows
    assert rows["transaction_id"].to_pylist() == [f"t{number}" for number in range(FEWEST_OF_A_LAYOUT)]
    assert rows["order_id"].null_count == FEWEST_OF_A_LAYOUT
    assert next(decoded) < 50
