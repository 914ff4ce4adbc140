"""What records of one layout have in common: every byte of them but their values.

A template is read off a record that the typed decoder accepts. Only the decoder knows JSON: here a record is cut at
its commas, which separate nothing but members where objects are flat and texts hold no commas.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

_MEMBER = re.compile(
    rb'(?P<head>[ \t]*\{?[ \t]*"(?P<name>[^"\\]*)"[ \t]*:[ \t]*)'
    rb'(?:"(?P<text>[^"\\]*)"|(?P<literal>[-+.0-9A-Za-z]+))'
    rb"(?P<tail>[ \t]*\}?[ \t]*)"
)

_SAMPLE = 16
"""Records of a chunk that are looked at."""

_SHARE = 0.9
"""Of the sample. With fewer alike, too many records are read twice."""


class Member(NamedTuple):
    """One member of the object as it is written, from comma to comma.

    Attributes:
        name: of the field.
        head: what stands before the value.
        tail: what stands behind the value.
        quoted: whether the two quotes of a text are the end of `head` and the beginning of `tail`.
        is_null: whether the value is `null`, which belongs to the layout: other records differ in their commas
            and quotes, or in values that are no `null`.
    """

    name: str
    head: bytes
    tail: bytes
    quoted: bool
    is_null: bool

    @property
    def pattern(self) -> bytes:
        """A regular expression for the member with any value that could be read."""
        value = rb'[^",\\]*' if self.quoted else b"null" if self.is_null else b"[-+.0-9A-Za-z]+"
        return re.escape(self.head) + value + re.escape(self.tail)


@dataclass(frozen=True)
class Template:
    """The members of a record in their order; a record is they with commas between them."""

    members: tuple[Member, ...]

    @cached_property
    def _pattern(self) -> re.Pattern[bytes]:
        return re.compile(b",".join(member.pattern for member in self.members))

    def is_common(self, values: Sequence[bytes]) -> bool:
        """Whether nearly all records seem to be written so, going by a sample of them."""
        sample = _sample(values)
        return sum(map(bool, map(self._pattern.fullmatch, sample))) >= _SHARE * len(sample)


def template_of(value: bytes) -> Template | None:
    """The template of a record that the decoder accepts; None for records whose commas do not tell it."""
    found = [_MEMBER.fullmatch(piece) for piece in value.split(b",")]
    members = tuple(_member(match) for match in found if match is not None)
    if len(members) < len(found) or len({member.name for member in members}) < len(members):
        return None
    return Template(members)


def _member(match: re.Match[bytes]) -> Member:
    quoted = match["text"] is not None
    mark = b'"' if quoted else b""
    return Member(
        match["name"].decode(),
        match["head"] + mark,
        mark + match["tail"],
        quoted=quoted,
        is_null=match["literal"] == b"null",
    )


def common_template(values: Sequence[bytes], accepts: Callable[[bytes], bool]) -> Template | None:
    """The template of nearly all records, going by a sample; None where there is no such.

    Args:
        values: of the records.
        accepts: whether the typed decoder does.
    """
    sample = _sample(values)
    templates = [template_of(value) for value in sample if accepts(value)]
    known = [template for template in templates if template is not None]
    common = max(known, key=known.count, default=None)
    return common if common is not None and templates.count(common) >= _SHARE * len(sample) else None


def _sample(values: Sequence[bytes]) -> list[bytes]:
    """Values at the squares of equal steps, so that what comes at equal intervals does not meet them all."""
    count = len(values)
    return [values[step * step * count // (_SAMPLE * _SAMPLE)] for step in range(_SAMPLE)] if count else []
