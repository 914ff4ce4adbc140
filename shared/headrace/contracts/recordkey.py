"""From a record's key to the value that it stands for: what a record without a value says of a row."""

import re

from headrace.contracts.kinds import ChoiceKind, FieldSpec, IntKind, StringKind

_WHOLE = re.compile(r"\A(0|-?[1-9]\d*)\Z", re.ASCII)


def read_key(spec: FieldSpec, key: bytes | None) -> str | int | None:
    """The value of field `spec` that a producer writes as `key`; None if it writes no value so."""
    try:
        text = (key or b"").decode()
    except UnicodeDecodeError:
        return None
    match spec.kind:
        case StringKind() as kind:
            return (
                text
                if key is not None and kind.min_length <= len(text) <= kind.max_length and kind.accepts(text)
                else None
            )
        case IntKind() as kind:
            number = int(text) if len(text) < 21 and _WHOLE.match(text) else None
            return number if number is not None and kind.minimum <= number <= kind.maximum else None
        case ChoiceKind() as kind:
            return {str(value): value for value in kind.values}.get(text)
    return None
