"""Sums, a column at a time; that they agree with pydantic is in `test_decode_agreement`."""

from decimal import Decimal

import pyarrow as pa

from headrace.contracts import DecimalKind, FieldSpec, IntKind
from headrace_ingest.sums import broken_sums

MOST = Decimal("9" * 20 + "." + "9" * 18)
LESS = Decimal("9" * 20 + "." + "9" * 17 + "8")
LEAST = Decimal("-" + "9" * 20 + "." + "9" * 18)
FIELDS = (
    FieldSpec("one", DecimalKind()),
    FieldSpec("two", DecimalKind()),
    FieldSpec("total", DecimalKind(), sum_of=("one", "two")),
)


def rows_of(*rows: tuple[Decimal, Decimal, Decimal]) -> pa.RecordBatch:
    columns = [pa.array(values, pa.decimal128(38, 18)) for values in zip(*rows, strict=True)]
    return pa.RecordBatch.from_arrays(columns, names=["one", "two", "total"])


def test_rows_whose_numbers_do_not_add_up_are_named() -> None:
    unit = Decimal("1e-18")
    rows = rows_of((MOST, LEAST, Decimal(0)), (LESS, unit, MOST), (MOST, unit, MOST), (unit, unit, unit))
    assert broken_sums(FIELDS, rows) == {2, 3}


def test_sums_of_the_largest_numbers_do_not_overflow() -> None:
    fields = (FieldSpec("total", DecimalKind(), sum_of=("total",) * 1_000),)
    assert broken_sums(fields, rows_of((MOST, MOST, MOST), (MOST, MOST, Decimal(0)))) == {0}


def test_fields_without_sums_cost_nothing_and_break_nothing() -> None:
    assert broken_sums((FieldSpec("x", IntKind()),), pa.RecordBatch.from_pylist([{"x": 1}])) == frozenset()
