"""Versions and moments as they are written on a command line."""

import re
from datetime import UTC, datetime

import typer

from headrace.lake import AsOf, KafkaPosition


def moment(text: str) -> datetime:
    """A time with an offset, in UTC.

    Raises:
        ValueError: it is none.
    """
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        msg = "without an offset it is no instant"
        raise ValueError(msg)
    return found.astimezone(UTC)


def instant(text: str | None, option: str) -> datetime | None:
    """A time with an offset, as in 2026-01-31T09:30:00Z; None of None.

    Raises:
        typer.BadParameter: it is none; `option` is named.
    """
    if text is None:
        return None
    try:
        return moment(text)
    except ValueError:
        msg = f"{text!r} is no time with an offset: write one as in 2026-01-31T09:30:00Z"
        raise typer.BadParameter(msg, param_hint=option) from None


def as_of(text: str | None, option: str) -> AsOf:
    """A version, a commit time, or a Kafka position as PARTITION:OFFSET; None of None.

    Raises:
        typer.BadParameter: it is none of these; `option` is named.
    """
    if text is None:
        return None
    if re.fullmatch(r"[0-9]{1,19}", text):
        return int(text)
    if place := re.fullmatch(r"([0-9]{1,9}):([0-9]{1,19})", text):
        return KafkaPosition(int(place[1]), int(place[2]))
    try:
        return instant(text, option)
    except typer.BadParameter:
        msg = f"{text!r} is no version, no PARTITION:OFFSET and no time with an offset such as 2026-01-31T09:30:00Z"
        raise typer.BadParameter(msg, param_hint=option) from None
