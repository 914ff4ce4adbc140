"""Sums that a contract declares, checked a column at a time on rows whose every value is good by itself."""

from collections.abc import Sequence
from functools import reduce
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc

from headrace.contracts import DecimalKind, FieldSpec
from headrace_ingest.texts import positions

# Room for the sum of more columns of 38 digits than a table has.
_PRECISION = 60


def broken_sums(fields: Sequence[FieldSpec], rows: pa.RecordBatch) -> frozenset[int]:
    """The rows in which a field is not the sum that it is declared to be."""
    broken: set[int] = set()
    for spec in fields:
        if spec.sum_of:
            broken.update(_unequal(rows, spec.name, spec.sum_of, cast("DecimalKind", spec.kind).scale))
    return frozenset(broken)


def _unequal(rows: pa.RecordBatch, name: str, terms: Sequence[str], scale: int) -> list[int]:
    wide = pa.decimal256(_PRECISION, scale)
    total = reduce(lambda left, right: pc.add(left, right).cast(wide), (rows[term].cast(wide) for term in terms))
    return positions(pc.not_equal(total, rows[name].cast(wide)))
