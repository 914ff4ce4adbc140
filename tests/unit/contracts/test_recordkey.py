"""Keys of records read back as the values that producers wrote."""

import pytest

from headrace.contracts import BoolKind, ChoiceKind, FieldSpec, IntKind, Kind, StringKind
from headrace.contracts.recordkey import read_key


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        (StringKind(1, 4, alphabet="abc"), b"abca", "abca"),
        (StringKind(1, 4, alphabet="abc"), b"abcab", None),
        (StringKind(1, 4, alphabet="abc"), b"x", None),
        (StringKind(0, 4), b"", ""),
        (StringKind(0, 4), None, None),
        (StringKind(0, 4), b"\xff", None),
        (IntKind(1, 99), b"42", 42),
        (IntKind(-5, 99), b"-5", -5),
        (IntKind(1, 99), b"042", None),
        (IntKind(1, 99), b"100", None),
        (IntKind(1, 99), b"4 2", None),
        (IntKind(1, 99), "٤٢".encode(), None),
        (IntKind(), b"9" * 5_000, None),
        (ChoiceKind((1, 2), (1, 2)), b"2", 2),
        (ChoiceKind(("x", "y"), ("x", "y")), b"y", "y"),
        (ChoiceKind(("x", "y"), ("x", "y")), b"z", None),
        (BoolKind(), b"true", None),
    ],
)
def test_a_key_is_read_as_its_field_or_not_at_all(kind: Kind, key: bytes | None, value: object) -> None:
    assert read_key(FieldSpec("name", kind), key) == value
