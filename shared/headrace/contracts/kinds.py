"""What a field can hold, in words of our own: every engine is compiled from these and from nothing else.

pydantic (`validation`), msgspec (`decoder`), Arrow and Delta (`headrace.lake.schema`) each read kinds. A kind
therefore says everything that decides whether a value is accepted.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from string import ascii_letters, digits

from pydantic import BaseModel

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

MAX_TEXT = 65_536
"""Characters of a string whose class declares no bound."""

MAX_PRECISION = 38
"""Digits of a Delta decimal."""


@dataclass(frozen=True)
class StringKind:
    r"""Text of bounded length, in code points.

    At most one of the two narrows it further. `alphabet` lists the ASCII characters that may occur; it costs the
    worker next to nothing. `pattern` is a Python regular expression that the whole text must match, with ASCII
    classes (`\d` is 0 to 9).
    """

    min_length: int = 0
    max_length: int = MAX_TEXT
    alphabet: str | None = None
    pattern: str | None = None

    @cached_property
    def regex(self) -> re.Pattern[str] | None:
        """The compiled pattern, for `fullmatch`."""
        return None if self.pattern is None else re.compile(self.pattern, re.ASCII)

    @cached_property
    def allowed(self) -> bytes:
        """The alphabet as bytes, for `bytes.translate(None, allowed)`: what is left is not allowed."""
        return (self.alphabet or "").encode("ascii")

    def accepts(self, text: str) -> bool:
        """Whether alphabet and pattern hold. Lengths are checked by the engines themselves."""
        if self.alphabet is not None:
            return text.isascii() and not text.encode().translate(None, self.allowed)
        return self.regex is None or self.regex.fullmatch(text) is not None

    def expected(self) -> str:
        """Alphabet or pattern as half a sentence."""
        if self.alphabet is None:
            return f"must match {self.pattern} from its first to its last character"
        classes = {"letters": ascii_letters, "digits": digits}
        known = [name for name, members in classes.items() if set(members) <= set(self.alphabet)]
        others = "".join(c for c in self.alphabet if not any(c in classes[name] for name in known))
        return f"may hold {', '.join([*known, *([others] if others else [])])} and nothing else"


@dataclass(frozen=True)
class IntKind:
    """A whole number `minimum <= x <= maximum`. `bits` is 64 or 32 and decides the column's type."""

    minimum: int = INT64_MIN
    maximum: int = INT64_MAX
    bits: int = 64


@dataclass(frozen=True)
class FloatKind:
    """A finite double. Bounds are inclusive unless the `exclusive_` flag of their side is set."""

    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False


@dataclass(frozen=True)
class DecimalKind:
    """An exact number of at most `precision` digits, `scale` of them after the point; never a float.

    Bounds are inclusive. An exclusive bound is the inclusive one a unit of the last place away.
    """

    precision: int = 38
    scale: int = 18
    minimum: Decimal | None = None
    maximum: Decimal | None = None

    @cached_property
    def unit(self) -> Decimal:
        """One unit of the last place."""
        return Decimal(1).scaleb(-self.scale)


@dataclass(frozen=True)
class BoolKind:
    """`true` or `false`, nothing that resembles them."""


@dataclass(frozen=True)
class TimestampKind:
    """An instant with microseconds, UTC, of the years 2000 to 2199."""


@dataclass(frozen=True)
class DateKind:
    """A calendar day of the years 1900 to 2199."""


@dataclass(frozen=True)
class ChoiceKind:
    """One of a closed list of texts, or one of a closed list of whole numbers.

    `members` are the Python values that stand for `values` at the same place: the members of an Enum, or the
    values themselves.
    """

    values: tuple[str, ...] | tuple[int, ...]
    members: tuple[object, ...]

    @property
    def is_text(self) -> bool:
        """Whether the values are texts."""
        return isinstance(self.values[0], str)


@dataclass(frozen=True)
class StructKind:
    """A nested object with fields of its own. `model` is the Python class that stands for it."""

    fields: tuple["FieldSpec", ...]
    model: type[BaseModel]


@dataclass(frozen=True)
class ListKind:
    """A list of values of one kind, `null` among them only if `item_nullable`."""

    item: "Kind"
    item_nullable: bool = False
    min_length: int = 0
    max_length: int | None = None


Kind = (
    StringKind
    | IntKind
    | FloatKind
    | DecimalKind
    | BoolKind
    | TimestampKind
    | DateKind
    | ChoiceKind
    | StructKind
    | ListKind
)
"""What a field holds, and which values of it are accepted."""


@dataclass(frozen=True)
class FieldSpec:
    """One field of a contract.

    Attributes:
        name: of the attribute, of the JSON member and of the column.
        kind: what it holds.
        nullable: whether `null` is a value of it.
        required: whether the member must be present; one that may be absent is null then.
        comment: its description, units included; becomes the column's comment.
        sum_of: fields beside it of which it is the sum, to the last digit; all are decimals of one scale.
    """

    name: str
    kind: Kind
    nullable: bool = False
    required: bool = True
    comment: str = ""
    sum_of: tuple[str, ...] = ()
