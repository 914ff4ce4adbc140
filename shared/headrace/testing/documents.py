"""Hypothesis strategies for what may stand in a topic: valid values of a contract and everything that resembles them.

They write JSON by hand, token by token, because the spellings that set two parsers apart cannot be had from a
JSON library. Needs the package `hypothesis`.
"""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Context, Decimal
from fractions import Fraction
from functools import cache
from itertools import chain

from hypothesis import strategies as st

from headrace.contracts import (
    BoolKind,
    ChoiceKind,
    Contract,
    DateKind,
    DecimalKind,
    FieldSpec,
    FloatKind,
    IntKind,
    Kind,
    ListKind,
    StringKind,
    StructKind,
    TimestampKind,
)

_Tokens = st.SearchStrategy[bytes]

_EXACT = Context(prec=40)

HOSTILE_TOKENS: tuple[bytes, ...] = (
    *(b"null", b"true", b"false", b"0", b"-0", b"-0.0", b"7", b"7.0", b"7e0", b"1E2", b"1.5e3", b"1e-400", b"1e400"),
    *(b"-1e400", b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809", b"1" + b"0" * 30),
    *(b"1" * 400, b"1" * 5_000, b"1.2345", b"1.23456", b"1.2345000000000000001", b"1." + b"0" * 60),
    *(b"0." + b"0" * 60 + b"1", b"12345678901234.5", b"123456789012345.5", b"0.1e1", b"NaN", b"Infinity", b"-Infinity"),
    *(b"01", b"1.", b".5", b"+1", b"1_000", b"0x10", b'""', b'" "', b'"7"', b'"-0"', b'"-0.00"', b'"007.5"', b'"1."'),
    *(b'".5"', b'"+1"', b'" 1"', b'"1 "', b'"1\\n"', b'"1_000.5"', b'"1e2"', b'"NaN"', b'"0000000000000001"'),
    *(b'"1.' + b"0" * 60 + b'"', b'"\\u0031.5"', b'"\\ud800"', b'"\\ud83d\\ude00"', b'"\\udc00x"', b'"\\u0000"'),
    *(
        '"\uff11\uff12"'.encode(),
        '"\u0663.\u0665"'.encode(),
        '"é"'.encode(),
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\xc0\x80"',
        b'"tab\there"',
    ),
    *(b'"\x00"', b'"\\q"', b'"open', b"[]", b"{}", b"[null]", b"[1,[2]]", b'{"x":1}', b"[" * 3_000, b'{"a":' * 3_000),
    *(b'"' + b"x" * 65_537 + b'"', b'"BUY\\n"', b'"buy"', b'"up "', b"1,", b""),
    b'"2026-01-31T15:04:05Z\\n"',
    b'"2026-01-31T15:04:05"',
    b'"2026-01-31T15:04Z"',
    b'"2026-01-31 15:04:05Z"',
    b'"2026-01-31t15:04:05z"',
    b'"2026-01-31T15:04:05.Z"',
    b'"2026-01-31T15:04:05.1234567Z"',
    b'"2026-01-31T15:04:05,5Z"',
    b'"2026-01-31T15:04:05+0530"',
    b'"2026-01-31T15:04:05+05"',
    b'"2026-01-31T15:04:05-00:00"',
    b'"2026-01-31T15:04:05+23:59"',
    b'"2026-01-31T15:04:05+24:00"',
    b'"2026-01-31T15:04:05+05:60"',
    b'"2026-01-31T24:00:00Z"',
    b'"2026-01-31T23:59:60Z"',
    b'"2026-01-31T23:60:00Z"',
    b'"2026-02-30T00:00:00Z"',
    b'"2100-02-29T00:00:00Z"',
    b'"2024-02-29T00:00:00Z"',
    b'"2026-13-01T00:00:00Z"',
    b'"2026-00-10T00:00:00Z"',
    b'"0000-01-01T00:00:00Z"',
    b'"9999-12-31T23:59:59.999999-23:59"',
    b'"1999-12-31T23:59:59.999999Z"',
    b'"1999-12-31T23:30:00-01:00"',
    b'"2000-01-01T00:30:00+01:00"',
    b'"2199-12-31T23:59:59.999999Z"',
    b'"2200-01-01T00:00:00Z"',
    b'"\\u00320\\u0032\\u0036-01-31T15:04:05Z"',
    '"\uff12026-01-31T15:04:05Z"'.encode(),
    b'"2026-02-30"',
    b'"2026-1-1"',
    b'"1899-12-31"',
    b'"1900-01-01"',
    b'"2200-01-01"',
    b"1767225600",
)
"""Tokens at which parsers part, each wrong for most kinds and right for some."""


# Strategies that many draws share: to make and to validate one costs more than to draw from it.
_COIN = st.booleans()
_BLANKS = st.sampled_from([b"", b"", b" ", b"\r\n\t"])
_DAMAGES = st.sampled_from(["none"] * 12 + ["cut", "insert", "replace", "append", "prepend"])
_PIECES = st.sampled_from([b"\x00", b"\xff", b"\n", b" ", b"}", b"{}", b"0", b'"', b"\\", b",", b"\xef\xbb\xbf"])
_WRONGS = st.sampled_from(["nothing"] * 4 + ["token"] * 8 + ["drop", "add", "twice", "twice", "name"])
_HOSTILE = st.sampled_from(HOSTILE_TOKENS)
_ONE_OF_THREE, _ONE_OF_FOUR = st.sampled_from(range(3)), st.sampled_from(range(4))
_MOMENTS = st.datetimes(datetime(2000, 1, 2), datetime(2199, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
_OFFSETS = st.sampled_from([0, 0, 0, 330, -300, 1_439, -1_439])
_DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31)).map(date.isoformat)

_Members = list[tuple[bytes, bytes]]


@st.composite
def documents(draw: st.DrawFn, contract: Contract) -> bytes:
    """Values of records: most are events of the contract in some spelling, the others nearly so."""
    value = draw(_object(contract.fields, hostile=True))
    damage = draw(_DAMAGES)
    if damage == "none":
        return value
    at = draw(st.integers(0, len(value)))
    piece = draw(_PIECES)
    damaged = {
        "cut": value[:at],
        "insert": value[:at] + piece + value[at:],
        "replace": value[:at] + piece + value[at + 1 :],
        "append": value + piece,
        "prepend": piece + value,
    }
    return damaged[damage]


def valid_documents(contract: Contract) -> _Tokens:
    """Values of records that every reader of the contract takes, in all the spellings there are."""
    return _object(contract.fields, hostile=False)


def valid_members(contract: Contract) -> dict[str, _Tokens]:
    """For each field the tokens that every reader of the contract takes."""
    return {spec.name: _member(spec, hostile=False) for spec in contract.fields}


@cache
def _object(fields: tuple[FieldSpec, ...], *, hostile: bool) -> _Tokens:
    tokens = [(spec, json.dumps(spec.name).encode(), _member(spec, hostile=hostile)) for spec in fields]

    @st.composite
    def written(draw: st.DrawFn) -> bytes:
        members = [(name, draw(token)) for spec, name, token in tokens if spec.required or draw(_COIN)]
        members = _summed(fields, members)
        if hostile:
            members = _disturbed(draw, members)
        if draw(_COIN):
            members = draw(st.permutations(members))
        blank = draw(_BLANKS)
        return b"{" + blank + (b"," + blank).join(name + b":" + blank + token for name, token in members) + blank + b"}"

    return written()


def _summed(fields: tuple[FieldSpec, ...], members: _Members) -> _Members:
    """The members with every declared sum made one; where it would not fit its column, of zeros."""
    tokens = dict(members)
    for spec in fields:
        if spec.sum_of and isinstance(spec.kind, DecimalKind):
            terms = [json.dumps(name).encode() for name in spec.sum_of]
            total = sum(Fraction(str(json.loads(tokens[name], parse_float=str))) for name in terms)
            units = int(total * 10**spec.kind.scale)
            if abs(units) >= 10**spec.kind.precision:
                units = 0
                tokens.update(dict.fromkeys(terms, b"0"))
            tokens[json.dumps(spec.name).encode()] = f"{_EXACT.scaleb(units, -spec.kind.scale):f}".encode()
    return list(tokens.items())


def _disturbed(draw: st.DrawFn, members: _Members) -> _Members:
    """At most one thing wrong with one member, so that whatever else is wrong cannot hide it."""
    what = draw(_WRONGS)
    if what == "nothing" or not members:
        return members
    at = draw(st.integers(0, len(members) - 1))
    name, token = members[at]
    other = draw(_HOSTILE)
    if what == "token":
        return [*members[:at], (name, other), *members[at + 1 :]]
    if what == "drop":
        return [*members[:at], *members[at + 1 :]]
    if what == "add":
        return [*members, (b'"extra"', other)]
    if what == "name":
        spelled = draw(st.sampled_from([name.upper(), b'"\\u00%02x' % name[1] + name[2:], b'"' + name[1:-1] + b' "']))
        return [*members[:at], (spelled, token), *members[at + 1 :]]
    return [*members, (name, draw(st.sampled_from([token, other])))]


@cache
def _member(spec: FieldSpec, *, hostile: bool) -> _Tokens:
    tokens = _token(spec.kind, hostile=hostile)
    return st.one_of(tokens, tokens, st.just(b"null")) if spec.nullable else tokens


@cache
def _token(kind: Kind, *, hostile: bool) -> _Tokens:  # noqa: C901  # one case per kind
    match kind:
        case StringKind():
            return _spellings(_texts(kind))
        case IntKind():
            return st.integers(kind.minimum, kind.maximum).map(lambda number: str(number).encode())
        case FloatKind():
            return _floats(kind)
        case DecimalKind():
            return _decimals(kind)
        case BoolKind():
            return st.sampled_from([b"true", b"false"])
        case TimestampKind():
            return _spellings(_instants())
        case DateKind():
            return _spellings(_DAYS)
        case ChoiceKind():
            return st.builds(_choice, st.sampled_from(kind.values), _ONE_OF_THREE)
        case StructKind():
            return _object(kind.fields, hostile=hostile)
        case ListKind():
            item = _token(kind.item, hostile=hostile)
            item = st.one_of(item, st.just(b"null")) if kind.item_nullable else item
            items = st.lists(item, min_size=kind.min_length, max_size=min(kind.max_length or 4, 4))
            return items.map(lambda tokens: b"[" + b",".join(tokens) + b"]")


def _choice(value: object, spelling: int) -> bytes:
    return _spelled(value, spelling) if isinstance(value, str) else str(value).encode()


def _texts(kind: StringKind) -> st.SearchStrategy[str]:
    if kind.regex is not None:
        within = st.from_regex(kind.regex, fullmatch=True)
        return within.filter(lambda text: kind.min_length <= len(text) <= kind.max_length)
    alphabet = kind.alphabet or st.characters(exclude_categories=["Cs"])
    return st.text(alphabet, min_size=kind.min_length, max_size=min(kind.max_length, 40))


def _spellings(texts: st.SearchStrategy[str]) -> _Tokens:
    return st.builds(_spelled, texts, _ONE_OF_THREE)


def _spelled(text: str, spelling: int) -> bytes:
    """One of the JSON spellings of a text: as UTF-8, with escapes, with nothing but escapes."""
    if spelling < 2:
        return json.dumps(text, ensure_ascii=spelling == 1).encode()
    units = chain.from_iterable(_utf16(character) for character in text)
    return ('"' + "".join(f"\\u{unit:04x}" for unit in units) + '"').encode()


def _utf16(character: str) -> list[int]:
    units = character.encode("utf-16-be")
    return [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]


def _floats(kind: FloatKind) -> _Tokens:
    numbers = st.floats(
        kind.minimum,
        kind.maximum,
        exclude_min=kind.exclusive_minimum,
        exclude_max=kind.exclusive_maximum,
        allow_nan=False,
        allow_infinity=False,
    )
    return st.builds(_float, numbers, _ONE_OF_FOUR)


def _float(x: float, spelling: int) -> bytes:
    whole = str(int(x)) if x == int(x) else repr(x)
    return (repr(x), f"{Decimal(x):f}", f"{x:.17e}", whole)[spelling].encode()


@st.composite
def _decimals(draw: st.DrawFn, kind: DecimalKind) -> bytes:
    """Any exact number of the kind, as number or text, with more or fewer zeros than the scale has."""
    largest, scale = 10**kind.precision - 1, 10**kind.scale
    low = -largest if kind.minimum is None else int(Fraction(kind.minimum) * scale)
    high = largest if kind.maximum is None else int(Fraction(kind.maximum) * scale)
    units = draw(st.integers(low, high))
    digits = f"{abs(units):0{kind.scale + 1}d}"
    whole, fraction = digits[: len(digits) - kind.scale], digits[len(digits) - kind.scale :]
    fraction = (fraction, fraction.rstrip("0"), fraction + "0" * 7, fraction + "0" * 50)[draw(_ONE_OF_FOUR)]
    sign = "-" if units < 0 else ""
    text = sign + whole + (f".{fraction}" if fraction else "")
    return text.encode() if draw(_COIN) else _spelled(text, draw(_ONE_OF_THREE))


@st.composite
def _instants(draw: st.DrawFn) -> str:
    """Any instant that a table holds, in any offset, with no more digits than it needs or with zeros behind."""
    minutes = draw(_OFFSETS)
    local = draw(_MOMENTS).astimezone(timezone(timedelta(minutes=minutes)))
    seconds = local.replace(tzinfo=None).isoformat(timespec="seconds")
    digits = f"{local.microsecond:06d}"
    fraction = digits if draw(_COIN) else digits.rstrip("0")
    offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    return seconds + (f".{fraction}" if fraction else "") + ("Z" if not minutes and draw(_COIN) else offset)
