"""The short ways of validation accept and make what the long ways do."""

from decimal import Decimal
from string import printable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import SchemaValidator

from headrace.contracts import ChoiceKind, DecimalKind, StringKind
from headrace.contracts.grammar import GrammarError, parse_decimal
from headrace.contracts.validation import kind_schema

KINDS = [
    DecimalKind(18, 4, minimum=Decimal(0)),
    DecimalKind(6, 2),
    DecimalKind(4, 4),
    DecimalKind(5, 0, maximum=Decimal(70)),
    DecimalKind(38, 18, minimum=Decimal("-0.5")),
]
TEXTS = st.one_of(
    st.from_regex(r"-?[0-9]{0,6}\.?[0-9]{0,6}", fullmatch=True),
    st.decimals(allow_nan=False, allow_infinity=False, places=4).map(lambda number: f"{number:f}"),
    st.sampled_from(["-0", "-0.00", "0000000000000001", "1.", ".5", "1\n", " 1", "1e2", "1_0", "\uff11", "NaN", ""]),
)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@given(TEXTS)
def test_texts_become_the_numbers_of_the_grammar(kind: DecimalKind, text: str) -> None:
    validator = SchemaValidator(kind_schema(kind))
    try:
        expected = str(parse_decimal(text, kind))
    except GrammarError as error:
        expected = error.code
    try:
        found = str(validator.validate_python(text))
    except ValidationError as refused:
        found = refused.errors()[0]["type"]
    assert found == expected


@pytest.mark.parametrize("kind", KINDS, ids=str)
@given(st.one_of(st.decimals(), st.decimals(places=3, allow_nan=False, allow_infinity=False)))
def test_decimals_become_what_their_texts_become(kind: DecimalKind, number: Decimal) -> None:
    validator = SchemaValidator(kind_schema(kind))
    try:
        expected = parse_decimal(f"{number:f}", kind)
    except GrammarError:
        with pytest.raises(ValidationError):
            validator.validate_python(number)
    else:
        assert str(validator.validate_python(number)) == str(expected)


@given(st.text(printable + "é\u0130\uff11\n", max_size=6))
def test_alphabets_are_those_of_the_kind(text: str) -> None:
    kind = StringKind(0, 5, alphabet="abc-]^\\.[&~ \t")
    accepted = len(text) <= 5 and kind.accepts(text)
    validator = SchemaValidator(kind_schema(kind))
    if accepted:
        assert validator.validate_python(text) == text
    else:
        with pytest.raises(ValidationError):
            validator.validate_python(text)


@given(st.text("abc-]^\\.[&~ \tde\n", max_size=5))
def test_every_text_of_an_alphabet_is_accepted(text: str) -> None:
    kind = StringKind(0, 5, alphabet="abc-]^\\.[&~ \t")
    validator = SchemaValidator(kind_schema(kind))
    if kind.accepts(text):
        assert validator.validate_python(text) == text
    else:
        with pytest.raises(ValidationError, match="nothing else"):
            validator.validate_python(text)


@pytest.mark.parametrize("value", [True, 1.0, "1", None, 3])
def test_choices_of_numbers_take_nothing_that_resembles_them(value: object) -> None:
    validator = SchemaValidator(kind_schema(ChoiceKind((0, 1, 2), (0, 1, 2))))
    assert validator.validate_python(1) == 1
    with pytest.raises(ValidationError):
        validator.validate_python(value)
