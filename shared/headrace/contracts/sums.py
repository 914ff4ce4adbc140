"""Exact numbers that are sums of other fields: checked when the class is made, and in every event."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal
from functools import reduce

from headrace.contracts.kinds import DecimalKind, FieldSpec
from headrace.errors import ContractError

# Holds the sum of more numbers of 38 digits than a class has fields.
_EXACT = Context(prec=60)


def check_sums(where: str, fields: Sequence[FieldSpec], *, nested: bool) -> None:
    """Makes sure that every sum of a model can be checked to the last digit.

    Raises:
        ContractError: a sum of a nested model; or of fields that are none, may be null, or are not decimals of its
            scale.
    """
    by_name = {spec.name: spec for spec in fields}
    for spec in fields:
        if spec.sum_of and nested:
            msg = f"{where}.{spec.name} is a sum within a nested model, which no worker checks: leave SumOf out"
            raise ContractError(msg)
        for name in (spec.name, *spec.sum_of) if spec.sum_of else ():
            if name not in by_name:
                msg = (
                    f"{where}.{spec.name} is the sum of {name!r}, which is no field: name some of {', '.join(by_name)}"
                )
                raise ContractError(msg)
            term = by_name[name]
            if term.nullable or not isinstance(term.kind, DecimalKind) or term.kind.scale != _scale(spec):
                msg = (
                    f"{where}.{spec.name} is the sum of {', '.join(spec.sum_of)}: "
                    "all of them must be decimals with the same decimal_places that are never null"
                )
                raise ContractError(msg)


def _scale(spec: FieldSpec) -> int | None:
    return spec.kind.scale if isinstance(spec.kind, DecimalKind) else None


def broken_sum(fields: Sequence[FieldSpec]) -> Callable[[Mapping[str, Decimal]], str | None] | None:
    """A function that says, of validated values by name, which sum is none; None where there are no sums."""
    sums = [spec for spec in fields if spec.sum_of]

    def find(values: Mapping[str, Decimal]) -> str | None:
        for spec in sums:
            if reduce(_EXACT.add, (values[name] for name in spec.sum_of)) != values[spec.name]:
                return f"{spec.name} must be {' + '.join(spec.sum_of)}"
        return None

    return find if sums else None
