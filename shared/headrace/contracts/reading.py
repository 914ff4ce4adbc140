"""From a record's value to an event, slowly, with the reason where there is none.

pydantic explains; the worker's decoder has the last word, so that nothing is accepted here that a worker refuses.
"""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NoReturn

import msgspec
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from headrace.contracts.rejects import RejectedError, Rejection, RejectReason
from headrace.contracts.validation import NumberToken

if TYPE_CHECKING:
    from headrace.contracts.contract import Contract
    from headrace.contracts.event import Event

_parse = msgspec.json.Decoder(float_hook=NumberToken).decode

_SHOWN_ERRORS = 3
_SHOWN_NAME = 64

_REASONS = {
    "missing": RejectReason.MISSING_FIELD,
    "extra_forbidden": RejectReason.UNKNOWN_FIELD,
    "unrepresentable": RejectReason.NOT_REPRESENTABLE,
    "finite_number": RejectReason.NOT_REPRESENTABLE,
    "inconsistent": RejectReason.INCONSISTENT,
    "string_unicode": RejectReason.INVALID_UTF8,
    "outside_bounds": RejectReason.OUT_OF_BOUNDS,
    "greater_than": RejectReason.OUT_OF_BOUNDS,
    "greater_than_equal": RejectReason.OUT_OF_BOUNDS,
    "less_than": RejectReason.OUT_OF_BOUNDS,
    "less_than_equal": RejectReason.OUT_OF_BOUNDS,
    "string_too_short": RejectReason.OUT_OF_BOUNDS,
    "string_too_long": RejectReason.OUT_OF_BOUNDS,
    "text_mismatch": RejectReason.OUT_OF_BOUNDS,
    "too_short": RejectReason.OUT_OF_BOUNDS,
    "too_long": RejectReason.OUT_OF_BOUNDS,
}
"""What pydantic's error types mean; all others are about the JSON type of a member."""


def read_event(contract: "Contract", value: bytes | None) -> "Event":
    """The event that a record holds.

    Raises:
        RejectedError: it holds none.
    """
    event = validate_wire(contract, value)
    check_decodable(contract, value or b"")
    return event


def explain(contract: "Contract", value: bytes | None) -> Rejection | None:
    """Why a record's value is no event of the contract; None where it is one."""
    try:
        read_event(contract, value)
    except RejectedError as error:
        return error.rejection
    return None


def validate_wire(contract: "Contract", value: bytes | None) -> "Event":
    """The same by pydantic alone: half of `read_event`.

    Raises:
        RejectedError: pydantic refuses it, or it is not JSON.
    """
    if value is None:
        raise _rejected(RejectReason.TOMBSTONE, "the record has no value, and rows of this table only come")
    tree = _parsed(value)
    try:
        return contract.event.model_validate(tree)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise _rejected(_reason(found[0]), _detail(found)) from error


def check_decodable(contract: "Contract", value: bytes) -> None:
    """The other half: the worker's decoder must take what pydantic took.

    Raises:
        RejectedError: it does not, because a member occurs twice, or for a reason nobody knows.
    """
    try:
        contract.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RejectedError(disagreement(value, str(error))) from error


def disagreement(value: bytes, found: str) -> Rejection:
    """What to call a value that pydantic takes and the worker does not; `found` is the worker's complaint."""
    if _has_duplicates(value):
        return Rejection(RejectReason.DUPLICATE_FIELD, f"a member occurs twice, and one of them is wrong: {found}")
    return Rejection(RejectReason.DECODER_DISAGREEMENT, f"accepted by pydantic, refused by the decoder: {found}")


def _rejected(reason: RejectReason, detail: str) -> RejectedError:
    return RejectedError(Rejection(reason, detail))


def _parsed(value: bytes) -> object:
    try:
        return _parse(value)
    except RecursionError as error:
        raise _rejected(RejectReason.TOO_DEEP, "nested deeper than the parser follows") from error
    except UnicodeDecodeError as error:
        raise _rejected(RejectReason.INVALID_UTF8, f"not UTF-8: {error.reason}") from error
    except msgspec.ValidationError as error:
        raise _rejected(RejectReason.NOT_REPRESENTABLE, str(error)) from error
    except msgspec.DecodeError as error:
        if _has_half_surrogates(value):
            detail = "an escape stands for half a surrogate pair, which is no character"
            raise _rejected(RejectReason.INVALID_UTF8, detail) from error
        raise _rejected(RejectReason.NOT_JSON, str(error)) from error


def _reason(error: ErrorDetails) -> RejectReason:
    return _REASONS.get(error["type"], RejectReason.WRONG_TYPE)


def _detail(errors: Sequence[ErrorDetails]) -> str:
    shown = [f"{_place(error['loc'])}{_text(error)}" for error in errors[:_SHOWN_ERRORS]]
    more = len(errors) - len(shown)
    return "; ".join([*shown, *([f"and {more} more"] if more else [])])


def _text(error: ErrorDetails) -> str:
    known = {"missing": "is required", "extra_forbidden": "is no field of the contract"}
    return known.get(error["type"], error["msg"])


def _place(location: Iterable[int | str]) -> str:
    """`legs.0.price: `; names come from the payload, so they are cut and made printable."""
    parts = [ascii(part)[1:-1][:_SHOWN_NAME] if isinstance(part, str) else str(part) for part in location]
    return f"{'.'.join(parts)}: " if parts else ""


def _has_duplicates(value: bytes) -> bool:
    found = False

    def watch(pairs: list[tuple[str, object]]) -> None:
        nonlocal found
        found = found or len({name for name, _ in pairs}) < len(pairs)

    try:
        json.loads(value, object_pairs_hook=watch)
    except (ValueError, RecursionError):
        return False
    return found


def _has_half_surrogates(value: bytes) -> bool:
    """Whether the surrogates are all that is wrong: the standard library's parser lets them pass."""
    if b"\\u" not in value:
        return False
    try:
        json.loads(value, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
