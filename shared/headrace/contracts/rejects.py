"""Why a record could not become a row: a closed list, for metrics and for the quarantine."""

from dataclasses import dataclass
from enum import StrEnum


class RejectReason(StrEnum):
    """Reasons, in no order. Their texts are stored in quarantine tables and do not change."""

    NOT_JSON = "not_json"
    """The value is not exactly one JSON text."""
    INVALID_UTF8 = "invalid_utf8"
    """Bytes or escapes that are no Unicode text."""
    TOO_DEEP = "too_deep"
    """Nested beyond what the parser follows."""
    OVERSIZE = "oversize"
    """Larger than the limit on one record; not parsed."""
    TOMBSTONE = "tombstone"
    """No value at all, where rows are only appended."""
    WRONG_TYPE = "wrong_type"
    """A member of another JSON type, or not written as its kind demands."""
    OUT_OF_BOUNDS = "out_of_bounds"
    """A well-written value beyond its bounds, length, pattern or list of choices."""
    NOT_REPRESENTABLE = "not_representable"
    """A value that the column cannot hold exactly: nothing is rounded."""
    INCONSISTENT = "inconsistent"
    """Members that are right each by itself and contradict each other."""
    MISSING_FIELD = "missing_field"
    """A required member is absent."""
    UNKNOWN_FIELD = "unknown_field"
    """A member that the contract does not name."""
    DUPLICATE_FIELD = "duplicate_field"
    """The same member twice, one of them wrong."""
    DECODER_DISAGREEMENT = "decoder_disagreement"
    """The fast decoder refused what the explaining path accepts: a defect of Headrace, to be reported."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why one value was refused. `detail` names the field and what was expected, never the value."""

    reason: RejectReason
    detail: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class RejectedError(ValueError):
    """A value that is no valid event of its contract; `rejection` says why."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(str(rejection))
        self.rejection = rejection
